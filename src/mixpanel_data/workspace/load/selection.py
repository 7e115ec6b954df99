"""What a table holds: which events or profiles, and in which form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from ...engine.statement import Statement, call
from ...exceptions import ArgumentError
from .columns import STANDARD, Columns, Paths, extract, read_columns

Properties = Literal["json", "variant"]
Compression = Literal["auto", "zstd"]
OnBadLine = Literal["error", "skip"]


@dataclass(frozen=True)
class EventSelection:
    """Which events, with which columns."""

    KIND: ClassVar[str] = "events"
    events: tuple[str, ...] | None = None
    where: str | None = None
    properties: Properties = "json"
    columns: Paths = field(default_factory=dict)
    deduplicate: bool = True
    compression: Compression = "auto"
    """Of ``properties`` on disk; auto is what DuckDB chooses."""

    @staticmethod
    def of(
        events: Sequence[str] | None,
        where: str | None,
        properties: Properties,
        columns: Columns | None,
        *,
        deduplicate: bool,
        compression: Compression = "auto",
    ) -> EventSelection:
        """The selection that a caller asks for, if it can be."""
        if properties not in {"json", "variant"}:
            raise ArgumentError(f"properties must be json or variant, not {properties!r}")
        if compression not in {"auto", "zstd"}:
            raise ArgumentError(f"compression must be auto or zstd, not {compression!r}")
        if compression == "zstd" and properties == "variant":
            raise ArgumentError("compression is for properties as json: VARIANT is small already, so leave it out")
        names = names_of("events", events)
        chosen = tuple(sorted(set(names))) if names else None
        return EventSelection(chosen, where, properties, read_columns(columns), deduplicate, compression)

    @staticmethod
    def from_ledger(events: Sequence[str] | None, where: str | None, options: Mapping[str, Any]) -> EventSelection:
        """The selection as it was written down."""
        columns = {name: (path, kind) for name, (path, kind) in options["columns"].items()}
        names = tuple(events) if events else None
        compression = options.get("compression", "auto")
        return EventSelection(names, where, options["properties"], columns, options["deduplicate"], compression)

    def arguments(self) -> dict[str, Any]:
        """What to ask Mixpanel for, as arguments of mixpanel_export and mixpanel_download."""
        return {
            "events": list(self.events) if self.events else None,
            "filter": self.where,
            "deduplicate": self.deduplicate or None,
        }

    @property
    def column_names(self) -> tuple[str, ...]:
        return (*STANDARD, *self.columns, "properties")

    def select(self, source: Statement) -> Statement:
        """The rows of the table, from events."""
        extracted, paths = extract(self.columns)
        properties = "properties::VARIANT AS properties" if self.properties == "variant" else "properties"
        return source.wrap(f"SELECT {', '.join([*STANDARD, *extracted, properties])} FROM ", **paths)

    def adapt_to(self, table: str, other: EventSelection) -> EventSelection:
        """The same in the form that the table has, unless a form was asked for.

        Raises:
            ArgumentError: the table holds another selection.
        """
        has_form = bool(self.columns) or self.properties != "json" or self.compression != "auto"
        form = {"columns": other.columns, "properties": other.properties, "compression": other.compression}
        wanted = self if has_form else replace(self, **form)  # type: ignore[arg-type]
        if wanted != other:
            raise ArgumentError(
                f"table {table} holds {other}, not {wanted}: give the same again, or choose another name"
            )
        return wanted

    def options(self) -> str:
        """What is not a filter, as JSON."""
        names = ("properties", "columns", "deduplicate", "compression")
        return json.dumps({name: getattr(self, name) for name in names})

    def __str__(self) -> str:
        events = f"the events {', '.join(self.events)}" if self.events else "all events"
        form = [f"properties as {self.properties}"] if self.properties != "json" else []
        form += [f"properties compressed by {self.compression}"] if self.compression != "auto" else []
        form += [f"column {name} from {path} as {kind}" for name, (path, kind) in self.columns.items()]
        form += [] if self.deduplicate else ["duplicates"]
        return ", ".join([events + (f" where {self.where}" if self.where else ""), *form])


@dataclass(frozen=True)
class ProfileSelection:
    """Which profiles, with which properties."""

    KIND: ClassVar[str] = "profiles"
    events: ClassVar[None] = None
    column_names: ClassVar[tuple[str, ...]] = ("distinct_id", "properties", "last_seen")
    where: str | None = None
    cohort_id: int | None = None
    properties: tuple[str, ...] | None = None
    distinct_ids: tuple[str, ...] | None = None
    more: tuple[dict[str, Any], ...] = ()
    """What was added later."""

    @staticmethod
    def from_ledger(where: str | None, options: Mapping[str, Any]) -> ProfileSelection:
        """The selection as it was written down."""
        lists = {name: tuple(options[name]) if options[name] else None for name in ("properties", "distinct_ids")}
        return ProfileSelection(where, options["cohort_id"], **lists, more=tuple(options.get("more", ())))

    def arguments(self) -> dict[str, Any]:
        """What to ask Mixpanel for, as arguments of mixpanel_profiles."""
        return {
            "filter": self.where,
            "cohort_id": self.cohort_id,
            "properties": list(self.properties) if self.properties else None,
            "distinct_ids": list(self.distinct_ids) if self.distinct_ids else None,
        }

    def profiles(self) -> Statement:
        """The call that has them."""
        return call("profiles", **self.arguments())

    def merge(self, other: ProfileSelection) -> ProfileSelection:
        """What a table of this selection holds when the other's profiles have been added."""
        return self if other == replace(self, more=()) else replace(self, more=(*self.more, other.arguments()))

    def options(self) -> str:
        """What is not a filter expression, as JSON; under ``more`` what was added later."""
        lists = {"cohort_id": self.cohort_id, "properties": self.properties, "distinct_ids": self.distinct_ids}
        return json.dumps({**lists, "more": self.more} if self.more else lists)


def names_of(what: str, given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names in a list, or the one; None for all.

    Raises:
        ArgumentError: the list is empty, which could be taken for all.
    """
    names = (given,) if isinstance(given, str) else tuple(given) if given is not None else None
    if names == ():
        raise ArgumentError(f"{what} is empty: give at least one, or leave it out for all")
    return names
