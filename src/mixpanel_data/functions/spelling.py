"""Names of properties that do not exist: Mixpanel answers for them as for one that no event has, here it is an error.

As for events, names are looked up only where an answer says nothing, and then kept.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ..client import Api, Budget, Endpoint
from ..exceptions import MixpanelDataError, NotFoundError
from .answers import entries
from .declaration import Call

PROPERTIES = Endpoint(Api.QUERY, "/events/properties/top")
MOST_PROPERTIES = 5000
"""Mixpanel tells no more."""
FRESH = 60.0
"""Seconds for which a list of names is believed that does not hold a name somebody has used."""
NEAR = 3
"""Names to suggest for one that is unknown."""
NOTHING = {None, "undefined", "$overall", "null", ""}
"""Segments that say of a property that no event has it, and that of all events."""
NAME = re.compile(r"""\bproperties\s*\[\s*(["'])((?:\\.|(?!\1).)*)\1\s*\]""", re.DOTALL)
"""A property of the event's, in an expression."""
LAST_PART = re.compile(r"""[^.\[\]"']+(?=["'\]]*$)""")


def suggestion(name: str, known: Iterable[str], listing: str) -> str:
    """Which names are near, and what lists them all."""
    by_folded = {one.casefold(): one for one in known}
    last = LAST_PART.search(name)
    tries = [name, *([last[0]] if last else [])]
    near = next((found for one in tries if (found := difflib.get_close_matches(one.casefold(), by_folded, NEAR))), [])
    names = " or ".join(repr(by_folded[one]) for one in near)
    return f"did you mean {names}? {listing}" if names else listing


async def refuse_unknown_properties(call: Call, expression: str | None, events: Iterable[str | None]) -> None:
    """For an expression of which an answer says nothing: an error if none of the events has a property that it names.

    Raises:
        NotFoundError: says which names are near.
    """
    names = list(dict.fromkeys(events))
    # The properties of any event at all, or of a custom event, are nowhere listed.
    if not names or any(event is None or event.startswith("$custom_event:") for event in names):
        return
    for _, quoted in NAME.findall(expression or ""):
        await _refuse_unknown(call, re.sub(r"\\(.)", r"\1", quoted), names)


async def _refuse_unknown(call: Call, name: str, names: Sequence[str | None]) -> None:
    known: set[str] = set()
    for event in names:
        found = await _names(call, event or "", name)
        if found is None or name in found:
            return
        known |= found
    raise NotFoundError(
        f"the event {names[0]!r} has no property {name!r}: "
        + suggestion(name, known, f"FROM mixpanel_properties('{names[0]}') lists them all")
        + f'; a property of users is written user["{name}"]'
    )


def says_nothing(segments: Iterable[str | None]) -> bool:
    """Whether these segments are those of a property that no event has."""
    return NOTHING.issuperset(segments)


async def _names(call: Call, event: str, name: str) -> frozenset[str] | None:
    """The names of the event's properties; None where they prove nothing."""
    if call.client.budgets.left(Budget.QUERY) == 0:  # not worth waiting for
        return None
    try:
        known = await _ask(call, event)
        if name not in known:  # a new one, perhaps
            known = await _ask(call, event, FRESH)
    except MixpanelDataError:
        return None
    return known if 0 < len(known) < MOST_PROPERTIES else None


async def _ask(call: Call, event: str, longest: float | None = None) -> frozenset[str]:
    asked = {"event": event, "limit": MOST_PROPERTIES}
    key = (PROPERTIES, *sorted(asked.items()))
    return frozenset(entries(await call.keep(key, lambda: call.ask(PROPERTIES, asked), longest)))
