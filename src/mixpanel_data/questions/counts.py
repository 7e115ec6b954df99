"""How often events happened over time: questions that Mixpanel answers itself, each at the cost of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..engine.statement import Statement, call
from ..exceptions import warn_if_full
from ..quoting import CATALOG
from ..results import (
    OVERALL,
    EventCountsResult,
    NumericAverageResult,
    NumericBucketResult,
    NumericSumResult,
    PropertyCountsResult,
    SegmentationResult,
    whole,
)
from ..workspace.load.selection import names_of
from ..workspace.session import Day, Session

if TYPE_CHECKING:
    import pyarrow as pa

VALUES = 10
"""Asked for unless a limit is given."""
Unit = Literal["minute", "hour", "day", "week", "month"]
Count = Literal["general", "average", "unique"]


def segmentation(
    session: Session,
    event: str,
    *,
    from_date: Day,
    to_date: Day,
    on: str | None = None,
    unit: Unit = "day",
    where: str | None = None,
    type: Count = "general",  # noqa: A002
    limit: int | None = None,
) -> SegmentationResult:
    """How often an event happened over time, and by the values of a property. In the shell: ``mp query segmentation``.

    Args:
        event: name of the event.
        from_date: first day.
        to_date: last day.
        on: the property to segment by.
        unit: length of a period.
        where: a filter expression.
        type: what counts: events, users (``unique``), or events for each user (``average``).
        limit: only so many segments, the largest.

    >>> ws.segmentation("Purchase", from_date="2024-01-01", to_date="2024-01-31", on="plan").total
    3547
    """
    rows = session.ask("segmentation", event=event, from_date=from_date, to_date=to_date, segment_by=on, unit=unit,
                       type=type, filter=where, max_segments=limit)  # fmt: skip
    return SegmentationResult(event, str(from_date), str(to_date), unit, on, _total(rows, type), arrow=rows)


def event_counts(
    session: Session,
    events: Sequence[str],
    *,
    from_date: Day,
    to_date: Day,
    unit: Unit = "day",
    type: Count = "general",  # noqa: A002
    where: str | None = None,
) -> EventCountsResult:
    """How often several events happened over time, for the price of one request.
    In the shell: ``mp query event-counts``.

    With ``where``, which Mixpanel does not know here, each event is asked for on its own, and costs a request.

    >>> counts = ws.event_counts(["Sign Up", "Purchase"], from_date="2024-01-01", to_date="2024-01-02")
    >>> list(counts.df.columns), list(counts.series["Purchase"])
    (['date', 'Sign Up', 'Purchase'], ['2024-01-01', '2024-01-02'])
    """
    days = {"from_date": from_date, "to_date": to_date, "unit": unit, "type": type}
    events = list(dict.fromkeys(names_of("events", events) or ()))
    if where is None:
        rows = session.ask("event_counts", events=events, **days)
    else:
        rows = session.answer(_counts_of_each(events, {**days, "filter": where}))
    return EventCountsResult(events, str(from_date), str(to_date), unit, type, arrow=rows)


def property_counts(
    session: Session,
    event: str,
    property_name: str,
    *,
    from_date: Day,
    to_date: Day,
    unit: Unit = "day",
    type: Count = "general",  # noqa: A002
    where: str | None = None,
    limit: int = VALUES,
) -> PropertyCountsResult:
    """How often an event happened with each value of a property, for its most frequent ``limit`` values.
    In the shell: ``mp query property-counts``.

    >>> plans = ws.property_counts("Purchase", "plan", from_date="2024-01-01", to_date="2024-01-31")
    >>> sorted(plans.series)
    ['free', 'pro', 'team']
    """
    days = {"event": event, "from_date": from_date, "to_date": to_date, "unit": unit, "type": type}
    if where is None:
        rows = session.ask("property_counts", property=property_name, max_values=limit, **days)
    else:  # which Mixpanel knows only in a segmentation
        asked = call("segmentation", segment_by=property_name, filter=where, max_segments=limit, **days)
        rows = session.answer(asked.wrap("SELECT date, segment AS value, count FROM "))
    warn_if_full("property_counts", "max_values", len(rows.column("value").unique()), limit, VALUES)
    return PropertyCountsResult(event, property_name, str(from_date), str(to_date), unit, type, arrow=rows)


def segmentation_numeric(
    session: Session,
    event: str,
    *,
    from_date: Day,
    to_date: Day,
    on: str,
    unit: Literal["hour", "day"] = "day",
    where: str | None = None,
    type: Count = "general",  # noqa: A002
) -> NumericBucketResult:
    """How often an event happened, by the size of a number, in ranges that Mixpanel chooses.
    In the shell: ``mp query segmentation-numeric``.

    >>> sizes = ws.segmentation_numeric("Purchase", from_date="2024-01-01", to_date="2024-01-07", on="age")
    >>> len(sizes.series) > 1
    True
    """
    rows = session.ask("segmentation_numeric", event=event, from_date=from_date, to_date=to_date, property=on,
                     unit=unit, type=type, filter=where)  # fmt: skip
    return NumericBucketResult(event, str(from_date), str(to_date), unit, on, arrow=rows)


def segmentation_sum(
    session: Session,
    event: str,
    *,
    from_date: Day,
    to_date: Day,
    on: str,
    unit: Literal["hour", "day"] = "day",
    where: str | None = None,
) -> NumericSumResult:
    """The sum of a number over an event, over time. In the shell: ``mp query segmentation-sum``.

    >>> ws.segmentation_sum("Purchase", from_date="2024-01-01", to_date="2024-01-31", on="amount").total > 0
    True
    """
    rows = session.ask("segmentation_sum", event=event, from_date=from_date, to_date=to_date, property=on,
                     unit=unit, filter=where)  # fmt: skip
    total = float(sum(filter(None, rows.column("sum").to_pylist())))
    return NumericSumResult(event, str(from_date), str(to_date), unit, on, total, arrow=rows)


def segmentation_average(
    session: Session,
    event: str,
    *,
    from_date: Day,
    to_date: Day,
    on: str,
    unit: Literal["hour", "day"] = "day",
    where: str | None = None,
) -> NumericAverageResult:
    """The average of a number over an event, over time. In the shell: ``mp query segmentation-average``.

    >>> ages = ws.segmentation_average("Purchase", from_date="2024-01-01", to_date="2024-01-07", on="age")
    >>> list(ages.df.columns)
    ['date', 'average']
    """
    rows = session.ask("segmentation_average", event=event, from_date=from_date, to_date=to_date, property=on,
                     unit=unit, filter=where)  # fmt: skip
    return NumericAverageResult(event, str(from_date), str(to_date), unit, on, arrow=rows)


def _counts_of_each(events: Sequence[str], asked: Mapping[str, Any]) -> Statement:
    """The counts of several events, each asked for on its own."""
    shared = ", ".join(f"{name} := ${name}" for name in asked)
    calls = [
        f"SELECT date, segment AS event_name, count FROM {CATALOG}.segmentation(event := $event_{n}, {shared})"
        for n in range(len(events))
    ]
    return Statement(" UNION ALL ".join(calls), {**asked, **{f"event_{n}": event for n, event in enumerate(events)}})


def _total(rows: pa.Table, type: Count) -> int | float | None:  # noqa: A002
    """Of all dates and segments; Mixpanel's own total of them, where it gives one, is not added to them.

    Users of two days may be the same ones, and averages do not add up: of these there is no total.
    """
    if type != "general":
        return None
    counts = list(zip(rows.column("segment").to_pylist(), rows.column("count").to_pylist(), strict=True))
    segments = {segment for segment, _ in counts} - {OVERALL}
    return whole(sum(count or 0 for segment, count in counts if segment in segments or not segments))
