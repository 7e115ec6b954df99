"""What is saved in Mixpanel, by its id or its name: funnels, reports and cohorts.

A name is looked up in the list of its kind, which is kept. An id that Mixpanel refuses is looked up there too: where
the list does not have it, the error says what there is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ..client import Budget
from ..exceptions import ArgumentError, MixpanelDataError, NotFoundError, QueryError

if TYPE_CHECKING:
    from .declaration import Call, Parameter

Entry: TypeAlias = tuple[Any, Any]
"""The id and the name of what is saved."""
ID_OR_NAME = "BIGINT or VARCHAR"
"""The type of a parameter that takes either."""
WHAT = r"(\w+_)?(id|funnel|report|bookmark|cohort)s?\b"
ABSENT = re.compile(
    rf"\b(invalid|unknown|no such)\W+(\w+\W+){{0,2}}{WHAT}|\b{WHAT}.*(not (be )?found|not exist|unknown|invalid)",
    re.IGNORECASE,
)
"""What Mixpanel says of an id that it does not know."""
MOST = 20
"""Entries that a message lists."""


@dataclass(frozen=True)
class Kind:
    """What is saved, as ``funnel``; the function that lists it; and its list."""

    name: str
    function: str
    entries: Callable[[Call], Awaitable[Sequence[Entry]]]


def by_id_or_name(
    rows: Callable[[Call], AsyncGenerator[Any]], parameters: Sequence[Parameter]
) -> Callable[[Call], AsyncGenerator[Any]]:
    """The same rows where a parameter that takes an id may be given a name."""
    saved = next((parameter for parameter in parameters if parameter.kind is not None), None)
    if saved is None or saved.kind is None:
        return rows
    name, kind = saved.name, saved.kind

    async def resolved(call: Call) -> AsyncGenerator[Any]:
        given = call[name]
        if isinstance(given, str):
            call = replace(call, arguments={**call.arguments, name: find(kind, await kind.entries(call), given)})
        try:
            async with aclosing(rows(call)) as found:
                async for some in found:
                    yield some
        except QueryError as refusal:
            raise await _explain(kind, call, call[name], refusal) from None

    return resolved


def find(kind: Kind, entries: Sequence[Entry], name: str) -> int:
    """The id of the one that is called so; where none is in just these letters, whatever their capitals.

    Raises:
        NotFoundError: none is.
        ArgumentError: several are.
    """
    exact = [number for number, other in entries if other == name]
    ids = exact or [number for number, other in entries if other and other.casefold() == name.strip().casefold()]
    if not ids:
        raise NotFoundError(f"there is no {kind.name} {name!r}{_listed(kind, entries, name)}")
    if len(ids) > 1:
        listed = ", ".join(map(str, ids))
        raise ArgumentError(f"{len(ids)} {kind.name}s are called {name!r}: give the id of one: {listed}")
    return int(ids[0])


async def _explain(kind: Kind, call: Call, given: int | None, refusal: QueryError) -> QueryError:
    """Says that there is nothing of this id, if that is so, and what there is."""
    if given is None or not _is_of_an_id(refusal) or call.client.budgets.left(Budget.QUERY) == 0:
        return refusal
    try:
        entries = await kind.entries(call)
    except MixpanelDataError:
        return refusal
    if any(number == given for number, _ in entries):
        return refusal
    return NotFoundError(f"there is no {kind.name} {given}{_listed(kind, entries, '')}", **refusal.details)


def _is_of_an_id(refusal: QueryError) -> bool:
    """Whether it may be said of an id that there is nothing of it: who wants to know asks for a list."""
    return isinstance(refusal, NotFoundError) or ABSENT.search(str(refusal.details.get("mixpanel_says"))) is not None


def _listed(kind: Kind, entries: Sequence[Entry], name: str) -> str:
    """What there is, the nearest names first."""
    by_name = {str(other).casefold(): (number, other) for number, other in entries}
    near = [by_name[one] for one in difflib.get_close_matches(name.casefold(), by_name, n=3)]
    ordered = [*near, *(entry for entry in entries if entry not in near)]
    shown = ", ".join(f"{number} ({other})" for number, other in ordered[:MOST])
    more = f", and {len(ordered) - MOST:,} more: FROM {kind.function} lists them" if len(ordered) > MOST else ""
    return f"; there are: {shown or 'none'}{more}"
