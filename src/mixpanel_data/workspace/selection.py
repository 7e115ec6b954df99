"""What a table of events holds: which events, and in which form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from ..exceptions import ArgumentError
from ..quoting import quoted
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
        names = (events,) if isinstance(events, str) else events
        wished = {name: _column(name, wish) for name, wish in (columns or {}).items()}
        return Selection(tuple(names) if names else None, where, properties, wished, deduplicate)

    def rows(self, first: object, last: object, parallel: int | None) -> Statement:
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
        )
        return export.inside(f"SELECT {', '.join([*STANDARD, *extracted, properties])} FROM {{}}", **paths)

    @staticmethod
    def noted(events: str | None, where: str | None, options: str) -> Selection:
        """The selection as it was written down: events and options are JSON."""
        found = json.loads(options)
        columns = {name: (path, kind) for name, (path, kind) in found["columns"].items()}
        names = tuple(json.loads(events)) if events else None
        return Selection(names, where, found["properties"], columns, found["deduplicate"])

    def joined(self, other: Selection) -> Selection:
        """What a table of this selection holds when the other's events have been added."""
        every = self.events is None or other.events is None
        events = None if every else tuple(dict.fromkeys([*(self.events or ()), *(other.events or ())]))
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
        return self.profiles().inside("FROM {}")

    def options(self) -> str:
        """What is not a filter expression, as JSON."""
        return json.dumps(
            {"cohort_id": self.cohort_id, "properties": self.properties, "distinct_ids": self.distinct_ids}
        )


def _column(name: str, wish: str | tuple[str, str]) -> tuple[str, str]:
    path, kind = (wish, "VARCHAR") if isinstance(wish, str) else wish
    if name.lower() in {*STANDARD, "properties"}:
        raise ArgumentError(f"a column named {name} is there already: choose another name")
    if not TYPE.fullmatch(kind.upper()):
        raise ArgumentError(f"column {name}: {kind!r} is no type such as VARCHAR, DOUBLE, BIGINT or DECIMAL(10,2)")
    if not path.startswith("$."):
        path = "$." + json.dumps(path, ensure_ascii=False)
    return path, kind.upper()
