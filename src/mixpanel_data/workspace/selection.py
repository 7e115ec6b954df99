"""What a table of events holds: which events, and in which form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from ..exceptions import ArgumentError
from ..quoting import pointer, quoted
from .statement import Statement, call

STANDARD = ("event_name", "event_time", "distinct_id", "insert_id")
TYPE = re.compile(r"[A-Z]+(\(\d+(, ?\d+)?\))?(\[\])?")
Properties = Literal["json", "variant"]
ColumnsWish = Mapping[str, str | tuple[str, str]]


@dataclass(frozen=True)
class Selection:
    """Which events, with which columns. ``columns`` gives for each name a JSON path and a type."""

    TYPE: ClassVar[str] = "events"
    events: tuple[str, ...] | None = None
    where: str | None = None
    properties: Properties = "json"
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    deduplicate: bool = True

    @staticmethod
    def of(
        events: Sequence[str] | None,
        where: str | None,
        properties: Properties,
        columns: ColumnsWish | None,
        *,
        deduplicate: bool,
    ) -> Selection:
        """The selection as a caller wishes it.

        Raises:
            ArgumentError: a column's name, path or type cannot be used.
        """
        if properties not in {"json", "variant"}:
            raise ArgumentError(f"properties must be json or variant, not {properties!r}")
        names = names_of("events", events)
        wished = {name: _column(name, wish) for name, wish in (columns or {}).items()}
        return Selection(tuple(sorted(set(names))) if names else None, where, properties, wished, deduplicate)

    def rows(self, first: object, last: object, parallel: int | None, limit: int | None = None) -> Statement:
        """The SELECT that has the events of these days."""
        extracted = [
            f"TRY_CAST(json_extract_string(properties, $path_{number}) AS {kind}) AS {quoted(name)}"
            for number, (name, (_, kind)) in enumerate(self.columns.items())
        ]
        properties = "properties::VARIANT AS properties" if self.properties == "variant" else "properties"
        paths = {f"path_{number}": path for number, (path, _) in enumerate(self.columns.values())}
        export = call(
            "export",
            from_date=str(first),
            to_date=str(last),
            events=list(self.events) if self.events else None,
            filter=self.where,
            deduplicate=self.deduplicate or None,
            parallel=parallel,
            max_rows=limit,
        )
        return export.inside(f"SELECT {', '.join([*STANDARD, *extracted, properties])} FROM ", **paths)

    @staticmethod
    def noted(events: str | None, where: str | None, options: str) -> Selection:
        """The selection as it was written down: events and options are JSON."""
        found = json.loads(options)
        columns = {name: (path, kind) for name, (path, kind) in found["columns"].items()}
        names = tuple(json.loads(events)) if events else None
        return Selection(names, where, found["properties"], columns, found["deduplicate"])

    def in_the_form_of(self, other: Selection) -> Selection:
        """The same events, in the columns of a table that holds the other selection.

        Raises:
            ArgumentError: they do not fit into it.
        """
        if (self.columns and self.columns != other.columns) or self.properties not in {"json", other.properties}:
            raise ArgumentError("the table has other columns: leave out columns and properties, they are as they were")
        if self.events != other.events and self.where != other.where:
            raise ArgumentError(
                f"the table holds events {list(other.events) if other.events else 'of all names'}, where "
                f"{other.where or 'none'}: give the same events, or the same where, or choose another name"
            )
        return replace(self, columns=other.columns, properties=other.properties)

    def has_same_events(self, other: Selection) -> bool:
        return (self.events, self.where) == (other.events, other.where)

    def joined(self, other: Selection) -> Selection:
        """What a table of this selection holds when the other's events have been added."""
        every = self.events is None or other.events is None
        events = None if every else tuple(sorted({*(self.events or ()), *(other.events or ())}))
        where = self.where
        if other.where != self.where:
            where = f"({self.where or 'true'}) or ({other.where or 'true'})"
        return replace(self, events=events, where=where)

    def options(self) -> str:
        """What is not a filter, as JSON."""
        return json.dumps({"properties": self.properties, "columns": self.columns, "deduplicate": self.deduplicate})


@dataclass(frozen=True)
class ProfileSelection:
    """Which profiles, with which properties."""

    TYPE: ClassVar[str] = "profiles"
    where: str | None = None
    cohort_id: int | None = None
    properties: tuple[str, ...] | None = None
    distinct_ids: tuple[str, ...] | None = None
    more: tuple[dict[str, Any], ...] = ()
    """What was added later."""
    events: ClassVar[None] = None

    def profiles(self) -> Statement:
        """The call that has them."""
        return call(
            "profiles",
            filter=self.where,
            cohort_id=self.cohort_id,
            properties=list(self.properties) if self.properties else None,
            distinct_ids=list(self.distinct_ids) if self.distinct_ids else None,
        )

    def rows(self) -> Statement:
        """The SELECT for a table of them."""
        return self.profiles().inside("FROM ")

    @staticmethod
    def noted(where: str | None, options: str) -> ProfileSelection:
        """The selection as it was written down."""
        found = json.loads(options)
        lists = {name: tuple(found[name]) if found[name] else None for name in ("properties", "distinct_ids")}
        return ProfileSelection(where, found["cohort_id"], **lists, more=tuple(found.get("more", ())))

    def joined(self, other: ProfileSelection) -> ProfileSelection:
        """What a table of this selection holds when the other's profiles have been added."""
        return self if other == replace(self, more=()) else replace(self, more=(*self.more, other.noted_as()))

    def noted_as(self) -> dict[str, Any]:
        lists = {"properties": self.properties, "distinct_ids": self.distinct_ids}
        return {"where": self.where, "cohort_id": self.cohort_id, **lists}

    def options(self) -> str:
        """What is not a filter expression, as JSON; under ``more`` what was added later."""
        noted = {name: value for name, value in self.noted_as().items() if name != "where"}
        return json.dumps({**noted, "more": self.more} if self.more else noted)


def names_of(what: str, given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names in a list, or the one; None for all.

    Raises:
        ArgumentError: the list is empty, which could be taken for all.
    """
    names = (given,) if isinstance(given, str) else tuple(given) if given is not None else None
    if names == ():
        raise ArgumentError(f"{what} is empty: give at least one, or leave it out for all")
    return names


def _column(name: str, wish: str | tuple[str, str]) -> tuple[str, str]:
    match wish:
        case str() as path:
            kind = "VARCHAR"
        case [str() as path, str() as kind]:
            pass
        case _:
            raise ArgumentError(
                f"column {name}: give a property, a JSON path, or a pair of path and type, not {wish!r}"
            )
    if name.lower() in {*STANDARD, "properties"}:
        raise ArgumentError(f"a column named {name} is there already: choose another name")
    if not TYPE.fullmatch(kind.upper()):
        raise ArgumentError(f"column {name}: {kind!r} is no type such as VARCHAR, DOUBLE, BIGINT or DECIMAL(10,2)")
    if not path.startswith("$."):
        path = pointer(path)
    return path, kind.upper()
