"""Questions of one's own to Mixpanel's Insights, which no saved report holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..results import InsightsResult
from ..workspace.session import Day, Session

Unit = Literal["minute", "hour", "day", "week", "month", "quarter", "year", "range"]
PerUser = Literal["total", "average", "min", "max", "unique_values"]


def insights(
    session: Session,
    events: str | Sequence[str | Mapping[str, Any]],
    *,
    from_date: Day,
    to_date: Day,
    math: str = "total",
    property: str | None = None,  # noqa: A002
    per_user: PerUser | None = None,
    on: Sequence[str] = (),
    filters: Sequence[str] = (),
    unit: Unit = "day",
    formula: Sequence[str] = (),
    compare: str | None = None,
    cumulative: bool = False,
    rolling: int | None = None,
    limit: int | None = None,
    params: str | None = None,
) -> InsightsResult:
    """A question of your own, answered as a report of Mixpanel's Insights would. In the shell: ``mp query insights``.

    Args:
        events: names of the events, each a metric; in Python also dictionaries of event, math, property and so on.
        from_date: first day.
        to_date: last day.
        math: what is counted: total, unique, dau, wau, mau, sessions; of a property sum, average, median, min, max,
            p90.
        property: the property with the number.
        per_user: make one number of each user first.
        on: what to break down by, such as plan, user.country, amount by 50; may be given again.
        filters: only events for which this holds, such as plan = pro, amount > 100; may be given again.
        unit: length of a period; range for all days at once.
        formula: instead of the metrics a formula over them, such as B / A; may be given again.
        compare: beside each value that of so long before, such as 1 month.
        cumulative: add up from the first period on.
        rolling: the average of so many periods.
        limit: only so many segments, the largest.
        params: more of the report's parameters, as JSON.

    >>> bought = ws.insights("Purchase", from_date="2024-01-01", to_date="2024-01-31", math="unique", unit="range")
    >>> bought.columns
    ['date', 'metric', 'segment', 'segments', 'value', 'compared']
    """
    asked = [events] if isinstance(events, str) else list(events)
    rows = session.ask(
        "insights",
        events=asked if all(isinstance(one, str) for one in asked) else json.dumps(asked),
        from_date=from_date,
        to_date=to_date,
        math=math,
        property=property,
        per_user=per_user,
        segment_by=_list(on),
        filters=_list(filters),
        unit=unit,
        formula=_list(formula),
        compare=compare,
        cumulative=cumulative or None,
        rolling=rolling,
        max_segments=limit,
        params=params,
    )
    names = [one if isinstance(one, str) else str(one.get("event")) for one in asked]
    return InsightsResult(names, str(from_date), str(to_date), unit, math, arrow=rows)


def _list(given: Sequence[str]) -> list[str] | None:
    return ([given] if isinstance(given, str) else list(given)) or None
