"""What Mixpanel answered: a few figures at hand, and all the rows as Arrow, as a DataFrame or as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .exceptions import warn
from .lenient import read_json
from .types import Shown, plain

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")
OVERALL = "$overall"
"""The segment of all users."""
COUNTS = ("count", "value")
"""Columns that hold whole numbers unless averages are asked for."""
DAYS = ("day", "week", "month")
"""Units that begin at midnight."""


@dataclass(frozen=True)
class Result(Shown):
    """Base of all results that have rows."""

    arrow: pa.Table = field(kw_only=True, repr=False)
    """The rows, as the table function gave them."""
    JSON: ClassVar[tuple[str, ...]] = ()
    """Columns that hold JSON."""

    @property
    def answer(self) -> pa.Table:
        """The rows as they are best read: what ``df`` gives, and ``mp`` prints."""
        return self.arrow

    @property
    def columns(self) -> list[str]:
        """Names of the columns of ``df``, in order."""
        return list(self.answer.column_names)

    @property
    def df(self) -> pd.DataFrame:
        """The answer as a DataFrame, made anew each time."""
        return frame(self.answer, self.JSON)

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return self._dictionaries(self.arrow)

    def records(self) -> list[dict[str, Any]]:
        """The rows of ``df`` as dictionaries; where nothing is counted by the hour, with dates instead of times."""
        found = self._dictionaries(_with_whole_counts(self.answer))
        if getattr(self, "unit", None) not in DAYS:
            return found
        return [
            {name: value.date() if isinstance(value, datetime) else value for name, value in row.items()}
            for row in found
        ]

    def _dictionaries(self, table: pa.Table) -> list[dict[str, Any]]:
        return [
            {name: read_json(value) if value and name in self.JSON else value for name, value in row.items()}
            for row in table.to_pylist()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; the rows are under ``rows``."""
        return dict(plain({**self._figures(), "rows": self.rows()}))

    def _figures(self) -> dict[str, Any]:
        """Everything but the rows."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "arrow"}

    def _repr_html_(self) -> str:
        return str(self.df._repr_html_())


def frame(rows: pa.Table, as_json: tuple[str, ...] = ()) -> pd.DataFrame:
    """The rows as a DataFrame, dates as datetime64 and JSON as Python objects."""
    made = rows.to_pandas(date_as_object=False)
    for name in as_json:
        made[name] = parsed(rows.column(name).to_pylist())
    return made


def wide(rows: pa.Table, keys: list[str], name: str, value: str) -> pa.Table:
    """A row for each key, by date, and a column for each name with its values; whole numbers where all of them are."""
    import pyarrow as pa  # noqa: PLC0415 - loaded with the first rows

    key_of = list(zip(*(rows.column(key).to_pylist() for key in keys), strict=True))
    names, values = (rows.column(column).to_pylist() for column in (name, value))
    cells = dict(zip(zip(key_of, names, strict=True), values, strict=True))
    places = sorted(dict.fromkeys(key_of), key=lambda place: place[0])
    columns = {
        f"_{key}" if key in names else key: pa.array([place[n] for place in places], rows.schema.field(key).type)
        for n, key in enumerate(keys)  # an event may be called date
    }
    spread = {str(column): _whole_if_all([cells.get((place, column)) for place in places]) for column in names}
    return pa.table({**columns, **{column: pa.array(values) for column, values in spread.items()}})


def _with_whole_counts(rows: pa.Table) -> pa.Table:
    """Counts come as fractions, which averages are; others are whole."""
    for place, name in enumerate(rows.column_names):
        if name in COUNTS:
            rows = rows.set_column(place, name, [_whole_if_all(rows.column(place).to_pylist())])
    return rows


def _whole_if_all(numbers: list[float | None]) -> list[float | None]:
    are_whole = all(number is None or float(number).is_integer() for number in numbers)
    return [None if number is None else int(number) for number in numbers] if are_whole else numbers


def parsed(texts: list[str | None]) -> list[Any]:
    """JSON texts as Python objects; None stays None."""
    return [None if text is None else read_json(text) for text in texts]


def whole(number: float | None) -> int | float | None:
    """The number, as an int where it is one."""
    return number if number is None or not float(number).is_integer() else int(number)


@dataclass(frozen=True)
class InsightsResult(Result):
    """The answer to a question of one's own.

    Columns: ``date``, ``metric``, ``segment``, ``segments`` (a list), ``value``, ``compared``.
    """

    events: list[str]
    """Names of the events, in the order of their letters."""
    from_date: str
    to_date: str
    unit: str
    math: str


@dataclass(frozen=True)
class SegmentationResult(Result):
    """How often an event happened over time. Columns: ``date``, ``segment``, ``count``."""

    event: str
    from_date: str
    to_date: str
    unit: str
    segment_property: str | None
    """What the event is segmented by; None if by nothing."""
    total: int | float | None
    """Events of all dates and segments; None of users and averages, which do not add up over dates."""


@dataclass(frozen=True)
class Series(Result):
    """Counts over time, by name."""

    NAME: ClassVar[str]
    DATES: ClassVar[str] = "date"

    @property
    def series(self) -> dict[str, dict[str, int | float | None]]:
        """``{name: {date: count}}``"""
        found: dict[str, dict[str, int | float | None]] = {}
        columns = (self.arrow.column(name).to_pylist() for name in (self.NAME, self.DATES, "count"))
        for name, start, count in zip(*columns, strict=True):
            found.setdefault(name, {})[self._label(start)] = whole(count)
        return found

    @property
    def answer(self) -> pa.Table:
        """A row for each date: ``date``, and a column for each name."""
        return wide(self.arrow, [self.DATES], self.NAME, "count")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; the counts are under ``series``."""
        return dict(plain({**self._figures(), "series": self.series}))

    def _label(self, start: datetime) -> str:
        return str(start) if getattr(self, "unit", "") in {"minute", "hour"} else str(start.date())


@dataclass(frozen=True)
class EventCountsResult(Series):
    """How often several events happened over time. Its DataFrame has a column for each event."""

    NAME: ClassVar[str] = "event_name"
    events: list[str]
    from_date: str
    to_date: str
    unit: str
    type: str
    """``general``, ``unique`` or ``average``."""

    @property
    def answer(self) -> pa.Table:
        """A row for each date: ``date``, and a column for each event, in the order in which they were asked for."""
        made = super().answer
        return made.select([made.column_names[0], *(event for event in self.events if event in made.column_names)])


@dataclass(frozen=True)
class PropertyCountsResult(Series):
    """How often an event happened with each value of a property. Its DataFrame has a column for each value."""

    NAME: ClassVar[str] = "value"
    event: str
    property_name: str
    from_date: str
    to_date: str
    unit: str
    type: str
    """``general``, ``unique`` or ``average``."""


@dataclass(frozen=True)
class NumericBucketResult(Series):
    """How often an event happened, by the size of a number. Its DataFrame has a column for each range."""

    NAME: ClassVar[str] = "bucket"
    event: str
    from_date: str
    to_date: str
    unit: str
    property_expr: str


@dataclass(frozen=True)
class NumericSumResult(Result):
    """The sum of a number over an event. Columns: ``date``, ``sum``."""

    event: str
    from_date: str
    to_date: str
    unit: str
    property_expr: str
    total: float
    """Of all dates."""


@dataclass(frozen=True)
class NumericAverageResult(Result):
    """The average of a number over an event. Columns: ``date``, ``average``."""

    event: str
    from_date: str
    to_date: str
    unit: str
    property_expr: str


@dataclass(frozen=True)
class FunnelStep(Shown):
    """One step of a funnel, over all dates."""

    name: str
    count: int
    """Users who came so far."""
    conversion: float
    """Fraction of those at the step before."""
    overall: float
    """Fraction of those at the first step."""


@dataclass(frozen=True)
class FunnelResult(Result):
    """How far users went in a saved funnel. Columns as those of ``mixpanel_funnel``: a row a date, segment and step."""

    funnel_id: int | str
    funnel_name: str
    from_date: str
    to_date: str
    conversion_rate: float | None
    """Fraction of those at the first step who came to the last one; None where there are no ``steps``."""
    steps: list[FunnelStep]
    """Of all users; where there are several dates, of their funnels added up. Empty where Mixpanel told of ``segments``
    alone, which is a warning: somebody may be in several of them."""
    segments: dict[str, list[FunnelStep]]
    """The same of each segment, where ``on`` splits the users."""


def steps_of(rows: list[dict[str, Any]]) -> list[FunnelStep]:
    """The steps of one segment, over all dates."""
    counts: dict[int, int] = {}
    names: dict[int, str] = {}
    for row in rows:
        counts[row["step"]] = counts.get(row["step"], 0) + (row["count"] or 0)
        names[row["step"]] = row["label"] or row["event_name"] or ""
    first = next(iter(counts.values()), 0)
    before = [first, *counts.values()]
    return [
        FunnelStep(names[step], count, count / before[place] if before[place] else 0.0, count / first if first else 0.0)
        for place, (step, count) in enumerate(counts.items())
    ]


@dataclass(frozen=True)
class CohortInfo(Shown):
    """Those who did the first event in one period."""

    date: str
    size: int
    retained: list[int | None]
    """How many came back, period by period; None where Mixpanel does not tell."""


@dataclass(frozen=True)
class RetentionResult(Result):
    """Who came back. ``arrow`` has a row for each cohort and period, the DataFrame a row for each cohort."""

    born_event: str
    return_event: str
    from_date: str
    to_date: str
    unit: str
    cohorts: list[CohortInfo]
    """Of all users, by date. Empty where Mixpanel told of ``segments`` alone, which is a warning."""
    segments: dict[str, list[CohortInfo]]
    """The same of each segment, where ``on`` splits the users."""

    @property
    def answer(self) -> pa.Table:
        """The matrix: ``cohort_date``, ``segment``, ``cohort_size``, and a column 0, 1, 2… for each period."""
        return wide(self.arrow, ["cohort_date", "segment", "cohort_size"], "period", "retained")

    @property
    def df(self) -> pd.DataFrame:
        """The matrix as a DataFrame; its periods are numbers."""
        made = super().df
        return made.rename(columns={name: int(name) for name in made.columns[3:]})


def cohorts_of(rows: list[dict[str, Any]]) -> list[CohortInfo]:
    """The cohorts of one segment, each with its periods in a list."""
    found: dict[str, CohortInfo] = {}
    for row in rows:
        start = str(row["cohort_date"])
        found.setdefault(start, CohortInfo(start, row["cohort_size"], [])).retained.append(row["retained"])
    return list(found.values())


def separate_segments(
    rows: list[dict[str, Any]], start: str, read: Callable[[list[dict[str, Any]]], list[T]]
) -> tuple[list[T], dict[str, list[T]]]:
    """What is read of all users, and of each segment. Nothing of all users, with a warning, unless every ``start`` has
    its total: segments are not added up, since somebody may be in several of them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["segment"], []).append(row)
    total = found.pop(OVERALL, [])
    if {row[start] for row in total} != {row[start] for row in rows}:
        said = "Mixpanel gave no total of all users: only segments has what it told"
        warn(said)
        total = []
    return read(total), {segment: read(of_segment) for segment, of_segment in found.items()}


@dataclass(frozen=True)
class FrequencyResult(Result):
    """On how many hours or days users were active: ``users`` is how many were on at least ``intervals`` of them."""

    event: str | None
    from_date: str
    to_date: str
    unit: str
    addiction_unit: str


@dataclass(frozen=True)
class SavedReportResult(Result):
    """The answer of a saved report. Columns as those of ``mixpanel_saved_report``, without ``answer``."""

    bookmark_id: int | str
    """Its id, or its name if it was asked for by that."""
    raw: dict[str, Any]
    """Mixpanel's whole answer."""


@dataclass(frozen=True)
class FlowsResult(Result):
    """The answer of a saved flows report. Columns: ``step``, ``node``, ``type``, ``count``, ``edges``."""

    JSON: ClassVar[tuple[str, ...]] = ("edges",)
    bookmark_id: int | str
    """Its id, or its name if it was asked for by that."""


@dataclass(frozen=True)
class ActivityFeedResult(Result):
    """What some users did. Columns as those of a table of events."""

    JSON: ClassVar[tuple[str, ...]] = ("properties",)
    distinct_ids: list[str]
    from_date: str
    to_date: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events as dictionaries."""
        return self.rows()


@dataclass(frozen=True)
class JQLResult(Result):
    """What a script returned."""

    @property
    def raw(self) -> list[Any]:
        """The items, as the script returned them."""
        return parsed(self.arrow.column("value").to_pylist())

    @property
    def columns(self) -> list[str]:
        """The parts of the keys first, in order, then all others as they come; ``value`` where nothing came."""
        names = list(dict.fromkeys(name for item in self.records() for name in item)) or ["value"]
        return sorted(names, key=_place_of_key)

    @property
    def df(self) -> pd.DataFrame:
        """A row for each item. Objects become columns, and the parts of a ``key`` become ``key_0``, ``key_1``…;
        anything else is in the column ``value``."""
        import pandas as pd  # noqa: PLC0415 - only who asks for a frame pays for it

        if self._has_objects():
            return pd.DataFrame(self.records(), columns=self.columns)
        return pd.DataFrame({"value": pd.Series(self.raw, dtype=object)})

    def records(self) -> list[dict[str, Any]]:
        """The rows of ``df`` as dictionaries."""
        return [_flat(item) if self._has_objects() else {"value": item} for item in self.raw]

    def _has_objects(self) -> bool:
        return bool(self.raw) and all(isinstance(item, dict) for item in self.raw)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: the items under ``raw``."""
        return {"raw": self.raw}


def _place_of_key(name: str) -> float:
    """Where a column stands: parts of a key by their number, and all others behind them."""
    number = name.removeprefix("key_")
    return int(number) if number != name and number.isdecimal() else float("inf")


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    """A group with a column for each part of its key."""
    key = item.get("key")
    if not isinstance(key, list):
        return item
    return {f"key_{n}": part for n, part in enumerate(key)} | {name: item[name] for name in item if name != "key"}


@dataclass(frozen=True)
class EventBreakdown(Result):
    """The events of a local table. Columns: ``event_name``, ``count``, ``users``, ``first_seen``, ``last_seen``,
    ``percent``."""

    table: str
    total_events: int
    total_users: int
    date_range: tuple[str, str] | None
    """Times of the first and the last event, in UTC; None if there is none."""


@dataclass(frozen=True)
class TableSummary(Result):
    """The columns of a local table, as DuckDB's SUMMARIZE gives them."""

    table: str
    row_count: int


@dataclass(frozen=True)
class ColumnStats(Result):
    """One column or property of a local table. Rows: the most frequent values, in ``value``, ``count``, ``percent``."""

    table: str
    column: str
    dtype: str
    count: int
    """Rows in which it is not NULL."""
    null_count: int
    unique_count: int
    min: Any
    max: Any
    mean: float | None
    """None where it is no number; so is ``std``."""
    std: float | None
