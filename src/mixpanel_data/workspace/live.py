"""Reports: questions that Mixpanel answers itself, each at the cost of one of a project's 60 requests an hour."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..quoting import CATALOG
from ..results import (
    ActivityFeedResult,
    CohortInfo,
    EventCountsResult,
    FlowsResult,
    FrequencyResult,
    FunnelResult,
    JQLResult,
    NumericAverageResult,
    NumericBucketResult,
    NumericSumResult,
    PropertyCountsResult,
    RetentionResult,
    SavedReportResult,
    SegmentationResult,
    steps_of,
    whole,
)
from .selection import names_of
from .session import Day, Session
from .statement import Statement, call

if TYPE_CHECKING:
    import pyarrow as pa

Unit = Literal["minute", "hour", "day", "week", "month"]
Count = Literal["general", "average", "unique"]
OVERALL = "$overall"


class Live(Session):
    """Reports. Days are inclusive, and in the project's time zone; ``where`` is a Mixpanel filter expression; ``on`` is
    a property's name, or an expression such as ``properties["plan"]``."""

    def segmentation(
        self,
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
        """How often an event happened over time, and by the values of a property.

        In the shell: ``mp query segmentation``.

        Args:
            event: name of the event.
            from_date: first day.
            to_date: last day.
            on: the property to segment by.
            unit: length of a period.
            where: a filter expression.
            type: what counts: events, users (``unique``), or events for each user (``average``).
            limit: only so many segments, the largest.

        Raises:
            NotFoundError: there is no such event; the message names the nearest.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.segmentation("Purchase", from_date="2024-01-01", to_date="2024-01-31", on="plan").total
            3547
        """
        asked = call("segmentation", event=event, from_date=from_date, to_date=to_date, segment_by=on, unit=unit,
                     type=type, filter=where, max_segments=limit)  # fmt: skip
        rows = self._answer(asked.inside("FROM "))
        return SegmentationResult(event, str(from_date), str(to_date), unit, on, _total(rows, "count"), arrow=rows)

    def event_counts(
        self,
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

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     counts = ws.event_counts(["Sign Up", "Purchase"], from_date="2024-01-01", to_date="2024-01-02")
            >>> list(counts.df.columns), list(counts.series["Purchase"])
            (['date', 'Sign Up', 'Purchase'], ['2024-01-01', '2024-01-02'])
        """
        days = {"from_date": from_date, "to_date": to_date, "unit": unit, "type": type}
        events = list(dict.fromkeys(names_of("events", events) or ()))
        if where is None:
            rows = self._ask("event_counts", events=events, **days)
        else:
            rows = self._answer(_each_counted(events, {**days, "filter": where}))
        return EventCountsResult(events, str(from_date), str(to_date), unit, type, arrow=rows)

    def property_counts(
        self,
        event: str,
        property_name: str,
        *,
        from_date: Day,
        to_date: Day,
        unit: Unit = "day",
        type: Count = "general",  # noqa: A002
        where: str | None = None,
        limit: int = 10,
    ) -> PropertyCountsResult:
        """How often an event happened with each value of a property, for its most frequent ``limit`` values.

        In the shell: ``mp query property-counts``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     plans = ws.property_counts("Purchase", "plan", from_date="2024-01-01", to_date="2024-01-31")
            >>> sorted(plans.series)
            ['free', 'pro', 'team']
        """
        days = {"event": event, "from_date": from_date, "to_date": to_date, "unit": unit, "type": type}
        if where is None:
            rows = self._ask("property_counts", property=property_name, max_values=limit, **days)
        else:  # which Mixpanel knows only in a segmentation
            asked = call("segmentation", segment_by=property_name, filter=where, max_segments=limit, **days)
            rows = self._answer(asked.inside("SELECT date, segment AS value, count FROM "))
        return PropertyCountsResult(event, property_name, str(from_date), str(to_date), unit, type, arrow=rows)

    def segmentation_numeric(
        self,
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

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     sizes = ws.segmentation_numeric("Purchase", from_date="2024-01-01", to_date="2024-01-07", on="age")
            >>> len(sizes.series) > 1
            True
        """
        rows = self._ask("segmentation_numeric", event=event, from_date=from_date, to_date=to_date, property=on,
                         unit=unit, type=type, filter=where)  # fmt: skip
        return NumericBucketResult(event, str(from_date), str(to_date), unit, on, arrow=rows)

    def segmentation_sum(
        self,
        event: str,
        *,
        from_date: Day,
        to_date: Day,
        on: str,
        unit: Literal["hour", "day"] = "day",
        where: str | None = None,
    ) -> NumericSumResult:
        """The sum of a number over an event, over time.

        In the shell: ``mp query segmentation-sum``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.segmentation_sum("Purchase", from_date="2024-01-01", to_date="2024-01-31", on="amount").total > 0
            True
        """
        rows = self._ask("segmentation_sum", event=event, from_date=from_date, to_date=to_date, property=on,
                         unit=unit, filter=where)  # fmt: skip
        total = float(sum(filter(None, rows.column("sum").to_pylist())))
        return NumericSumResult(event, str(from_date), str(to_date), unit, on, total, arrow=rows)

    def segmentation_average(
        self,
        event: str,
        *,
        from_date: Day,
        to_date: Day,
        on: str,
        unit: Literal["hour", "day"] = "day",
        where: str | None = None,
    ) -> NumericAverageResult:
        """The average of a number over an event, over time.

        In the shell: ``mp query segmentation-average``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ages = ws.segmentation_average("Purchase", from_date="2024-01-01", to_date="2024-01-07", on="age")
            >>> list(ages.df.columns)
            ['date', 'average']
        """
        rows = self._ask("segmentation_average", event=event, from_date=from_date, to_date=to_date, property=on,
                         unit=unit, filter=where)  # fmt: skip
        return NumericAverageResult(event, str(from_date), str(to_date), unit, on, arrow=rows)

    def funnel(
        self,
        funnel_id: int,
        *,
        from_date: Day,
        to_date: Day,
        unit: Literal["day", "week", "month"] = "day",
        on: str | None = None,
        where: str | None = None,
        length: int | None = None,
        length_unit: Literal["second", "minute", "hour", "day"] | None = None,
    ) -> FunnelResult:
        """How far users went in a saved funnel.

        In the shell: ``mp query funnel``.

        The funnel's name comes from the list of funnels, which costs one more request the first time.

        Args:
            funnel_id: its id; ``funnels()`` has them.
            from_date: first day.
            to_date: last day.
            unit: length of a period; users count in that in which they began.
            on: a property to segment by.
            where: a filter expression.
            length: how long users may take, in ``length_unit``; as the funnel was saved unless given.
            length_unit: what ``length`` is counted in.

        Raises:
            NotFoundError: there is no such funnel.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     funnel = ws.funnel(7509, from_date="2024-01-01", to_date="2024-01-31", unit="month")
            >>> [step.name for step in funnel.steps], 0 < funnel.conversion_rate < 1
            (['App Open', 'Add To Cart', 'Begin Checkout', 'Purchase'], True)
        """
        asked = call("funnel", funnel_id=funnel_id, from_date=from_date, to_date=to_date, unit=unit, segment_by=on,
                     filter=where, length=length, length_unit=length_unit)  # fmt: skip
        rows = self._answer(asked.inside("FROM "))
        shown, name = self.last_sql, self._funnel_name(funnel_id)
        self.last_sql = shown
        steps = steps_of([row for row in rows.to_pylist() if row["segment"] == OVERALL])
        conversion = steps[-1].overall if steps else 0.0
        return FunnelResult(funnel_id, name, str(from_date), str(to_date), conversion, steps, arrow=rows)

    def _funnel_name(self, funnel_id: int) -> str:
        names = call("funnels").inside("SELECT name FROM ", " WHERE id = $funnel_id", funnel_id=funnel_id)
        return next(iter(self._answer(names).column("name").to_pylist()), None) or ""

    def retention(
        self,
        born_event: str,
        return_event: str,
        *,
        from_date: Day,
        to_date: Day,
        born_where: str | None = None,
        return_where: str | None = None,
        interval: int = 1,
        interval_count: int = 10,
        unit: Literal["day", "week", "month"] = "day",
        on: str | None = None,
    ) -> RetentionResult:
        """How many of those who did one event came back to do another, period by period.

        In the shell: ``mp query retention``.

        Args:
            born_event: the event that users begin with.
            return_event: the event that counts as coming back.
            from_date: first day on which users began.
            to_date: last day on which users began.
            born_where: a filter expression for the first event.
            return_where: a filter expression for the second one.
            interval: length of a period, in units.
            interval_count: number of periods.
            unit: what ``interval`` is counted in.
            on: a property to segment by.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     back = ws.retention("Sign Up", "Purchase", from_date="2024-01-01", to_date="2024-01-31")
            >>> back.cohorts[0].size > 0
            True
        """
        asked = call("retention", born_event=born_event, return_event=return_event, from_date=from_date,
                     to_date=to_date, born_filter=born_where, return_filter=return_where, segment_by=on, unit=unit,
                     interval=interval, interval_count=interval_count)  # fmt: skip
        rows = self._answer(asked.inside("FROM "))
        cohorts = _cohorts(rows.to_pylist())
        return RetentionResult(born_event, return_event, str(from_date), str(to_date), unit, cohorts, arrow=rows)

    def frequency(
        self,
        *,
        from_date: Day,
        to_date: Day,
        event: str | None = None,
        unit: Literal["day", "week", "month"] = "day",
        addiction_unit: Literal["hour", "day"] | None = None,
        where: str | None = None,
        on: str | None = None,
    ) -> FrequencyResult:
        """On how many hours or days of a period users did something.

        In the shell: ``mp query frequency``.

        Args:
            from_date: first day.
            to_date: last day.
            event: what they did; anything unless given.
            unit: length of a period.
            addiction_unit: what is counted: hours of a day, else days, unless given.
            where: a filter expression.
            on: a property to segment by.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     active = ws.frequency(from_date="2024-01-01", to_date="2024-01-07", unit="week", event="Purchase")
            >>> active.arrow.num_rows > 1
            True
        """
        counted = addiction_unit or ("hour" if unit == "day" else "day")
        rows = self._ask("frequency", from_date=from_date, to_date=to_date, event=event, unit=unit,
                         addiction_unit=counted, filter=where, segment_by=on)  # fmt: skip
        return FrequencyResult(event, str(from_date), str(to_date), unit, counted, arrow=rows)

    def saved_report(self, bookmark_id: int) -> SavedReportResult:
        """The answer of a saved insights, funnel or retention report.

        In the shell: ``mp query saved-report``.

        Args:
            bookmark_id: its id; ``bookmarks()`` has them.

        Raises:
            NotFoundError: there is no such report.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.saved_report(2001).arrow.num_rows > 0
            True
        """
        rows = self._ask("saved_report", bookmark_id=bookmark_id)
        answers = [answer for answer in rows.column("answer").to_pylist() if answer]
        raw = json.loads(answers[0]) if answers else {}
        return SavedReportResult(bookmark_id, raw, arrow=rows.drop_columns(["answer"]))

    def flows(self, bookmark_id: int) -> FlowsResult:
        """The answer of a saved flows report: what users did step by step.

        In the shell: ``mp query flows``.

        Raises:
            NotFoundError: there is no such report.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.flows(4001).df.columns[0]
            'step'
        """
        return FlowsResult(bookmark_id, arrow=self._ask("flows", bookmark_id=bookmark_id))

    def activity_feed(self, distinct_ids: Sequence[str], *, from_date: Day, to_date: Day) -> ActivityFeedResult:
        """What some users did, event by event.

        In the shell: ``mp query activity-feed``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     feed = ws.activity_feed(["user-0000001"], from_date="2024-01-01", to_date="2024-03-31")
            >>> {event["distinct_id"] for event in feed.events}
            {'user-0000001'}
        """
        users = list(names_of("distinct_ids", distinct_ids) or ())
        rows = self._ask("activity", distinct_ids=users, from_date=from_date, to_date=to_date)
        return ActivityFeedResult(users, str(from_date), str(to_date), arrow=rows)

    def jql(self, script: str, params: Mapping[str, Any] | None = None) -> JQLResult:
        """Runs a script in Mixpanel's JavaScript query language.

        In the shell: ``mp query jql`` and ``mp raw jql``.

        Args:
            script: JavaScript that defines ``main``.
            params: what the script finds as ``params``.

        Raises:
            QueryError: Mixpanel refuses the script; its own words are in the message.

        Example:
            >>> from mixpanel_data import Workspace
            >>> script = '''function main() {
            ...   return Events(params).groupBy(["name"], mixpanel.reducer.count())
            ... }'''
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.jql(script, {"from_date": "2024-01-01", "to_date": "2024-01-02"}).df.columns.tolist()
            ['key_0', 'value']
        """
        given = json.dumps(params, default=str) if params is not None else None
        return JQLResult(arrow=self._ask("jql", script=script, params=given))


def _each_counted(events: Sequence[str], asked: Mapping[str, Any]) -> Statement:
    """The counts of several events, each asked for on its own."""
    shared = ", ".join(f"{name} := ${name}" for name in asked)
    calls = [
        f"SELECT date, segment AS event_name, count FROM {CATALOG}.segmentation(event := $event_{n}, {shared})"
        for n in range(len(events))
    ]
    return Statement(" UNION ALL ".join(calls), {**asked, **{f"event_{n}": event for n, event in enumerate(events)}})


def _total(rows: pa.Table, column: str) -> int | float:
    return whole(sum(filter(None, rows.column(column).to_pylist())))


def _cohorts(rows: Iterable[Mapping[str, Any]]) -> list[CohortInfo]:
    """The cohorts of all users, each with its periods in a list."""
    found: dict[str, CohortInfo] = {}
    for row in rows:
        if row["segment"] == OVERALL:
            start = str(row["cohort_date"])
            found.setdefault(start, CohortInfo(start, row["cohort_size"], [])).retained.append(row["retained"])
    return list(found.values())
