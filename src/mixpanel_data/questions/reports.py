"""Funnels, retention and other reports: questions that Mixpanel answers itself, each at the cost of a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..engine.statement import call
from ..exceptions import MixpanelDataError, warn
from ..lenient import read_json
from ..results import (
    ActivityFeedResult,
    FlowsResult,
    FrequencyResult,
    FunnelResult,
    JQLResult,
    RetentionResult,
    SavedReportResult,
    cohorts_of,
    separate_segments,
    steps_of,
)
from ..workspace.load.selection import names_of
from ..workspace.session import Day, Session


def funnel(
    session: Session,
    funnel_id: int | str,
    *,
    from_date: Day,
    to_date: Day,
    unit: Literal["range", "day", "week", "month"] = "range",
    on: str | None = None,
    where: str | None = None,
    length: int | None = None,
    length_unit: Literal["second", "minute", "hour", "day"] | None = None,
    limit: int | None = None,
) -> FunnelResult:
    """How far users went in a saved funnel. In the shell: ``mp query funnel``.

    The funnel's name comes from the list of funnels, which costs one more request the first time.

    Args:
        funnel_id: its id, or its name; ``funnels()`` has both.
        unit: ``range`` for one funnel over all days; else the length of a period, and a user counts in each in which
            they begin, so that the counts of periods add up to more than users.
        length: how long users may take, in ``length_unit``; as the funnel was saved unless given.
        length_unit: what ``length`` is counted in.
        limit: only so many segments, the largest.

    >>> funnel = ws.funnel(7509, from_date="2024-01-01", to_date="2024-01-31")
    >>> [step.name for step in funnel.steps], 0 < funnel.conversion_rate < 1
    (['App Open', 'Add To Cart', 'Begin Checkout', 'Purchase'], True)
    """
    rows = session.ask("funnel", funnel_id=funnel_id, from_date=from_date, to_date=to_date, unit=unit, segment_by=on,
                       filter=where, length=length, length_unit=length_unit, max_segments=limit)  # fmt: skip
    asked, (number, name) = session.last_sql, _funnel(session, funnel_id)
    session.last_sql = asked
    steps, segments = separate_segments(rows.to_pylist(), "date", steps_of)
    conversion = steps[-1].overall if steps else None
    return FunnelResult(number, name, str(from_date), str(to_date), conversion, steps, segments, arrow=rows)


def retention(
    session: Session,
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

    >>> back = ws.retention("Sign Up", "Purchase", from_date="2024-01-01", to_date="2024-01-31")
    >>> back.cohorts[0].size > 0
    True
    """
    rows = session.ask("retention", born_event=born_event, return_event=return_event, from_date=from_date,
                       to_date=to_date, born_filter=born_where, return_filter=return_where, segment_by=on, unit=unit,
                       interval=interval, interval_count=interval_count)  # fmt: skip
    cohorts, segments = separate_segments(rows.to_pylist(), "cohort_date", cohorts_of)
    return RetentionResult(born_event, return_event, str(from_date), str(to_date), unit, cohorts, segments, arrow=rows)


def frequency(
    session: Session,
    *,
    from_date: Day,
    to_date: Day,
    event: str | None = None,
    unit: Literal["day", "week", "month"] = "day",
    addiction_unit: Literal["hour", "day"] | None = None,
    where: str | None = None,
    on: str | None = None,
) -> FrequencyResult:
    """On how many hours or days of a period users did something. In the shell: ``mp query frequency``.

    Args:
        event: what they did; anything unless given.
        addiction_unit: what is counted: hours of a day, else days, unless given.

    >>> active = ws.frequency(from_date="2024-01-01", to_date="2024-01-07", unit="week", event="Purchase")
    >>> active.arrow.num_rows > 1
    True
    """
    counted = addiction_unit or ("hour" if unit == "day" else "day")
    rows = session.ask("frequency", from_date=from_date, to_date=to_date, event=event, unit=unit,
                     addiction_unit=counted, filter=where, segment_by=on)  # fmt: skip
    return FrequencyResult(event, str(from_date), str(to_date), unit, counted, arrow=rows)


def saved_report(session: Session, bookmark_id: int | str) -> SavedReportResult:
    """The answer of a saved insights, funnel or retention report. In the shell: ``mp query saved-report``.

    Args:
        bookmark_id: its id, or its name; ``bookmarks()`` has both.

    >>> ws.saved_report(2001).arrow.num_rows > 0
    True
    """
    rows = session.ask("saved_report", bookmark_id=bookmark_id, keep_answer=True)
    numbers = rows.filter(rows.column("breakdown").is_valid())  # not the row that holds nothing but the answer
    return SavedReportResult(bookmark_id, read_json(rows["answer"][0].as_py()), arrow=numbers.drop_columns(["answer"]))


def flows(session: Session, bookmark_id: int | str) -> FlowsResult:
    """The answer of a saved flows report: what users did step by step. In the shell: ``mp query flows``.

    >>> ws.flows(4001).df.columns[0]
    'step'
    """
    return FlowsResult(bookmark_id, arrow=session.ask("flows", bookmark_id=bookmark_id))


def activity_feed(session: Session, distinct_ids: Sequence[str], *, from_date: Day, to_date: Day) -> ActivityFeedResult:
    """What some users did, event by event. In the shell: ``mp query activity-feed``.

    >>> feed = ws.activity_feed(["user-0000001"], from_date="2024-01-01", to_date="2024-03-31")
    >>> {event["distinct_id"] for event in feed.events}
    {'user-0000001'}
    """
    users = list(names_of("distinct_ids", distinct_ids) or ())
    rows = session.ask("activity", distinct_ids=users, from_date=from_date, to_date=to_date)
    return ActivityFeedResult(users, str(from_date), str(to_date), arrow=rows)


def jql(session: Session, script: str, params: Mapping[str, Any] | None = None) -> JQLResult:
    """Runs a script in Mixpanel's JavaScript query language. In the shell: ``mp query jql`` and ``mp raw jql``.

    Args:
        script: JavaScript that defines ``main``.
        params: what the script finds as ``params``.

    Raises:
        QueryError: Mixpanel refuses the script; its own words are in the message.

    >>> script = '''function main() {
    ...   return Events(params).groupBy(["name"], mixpanel.reducer.count())
    ... }'''
    >>> ws.jql(script, {"from_date": "2024-01-01", "to_date": "2024-01-02"}).df.columns.tolist()
    ['key_0', 'value']
    """
    given = json.dumps(params, default=str) if params is not None else None
    return JQLResult(arrow=session.ask("jql", script=script, params=given))


def _funnel(session: Session, given: int | str) -> tuple[int | str, str]:
    """Its id and its name, which is empty where it cannot be had now: the answer that was paid for is given without."""
    known = call("funnels").wrap("SELECT id, name FROM ", " WHERE $given IN (id::VARCHAR, lower(name))")
    try:
        # Nobody waits an hour for a name; who gave it has asked for the list already.
        if isinstance(given, str) or session.database.budget_left("query") != 0:
            found = session.answer(known.wrap("", given=str(given).lower())).to_pylist()
            return next(((row["id"], row["name"] or "") for row in found), (given, ""))
    except MixpanelDataError as error:
        warn(f"the name of funnel {given} is not known: {error}")
    return given, ""
