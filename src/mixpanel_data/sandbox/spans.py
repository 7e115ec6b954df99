"""The time that a question of Insights asks for, and the periods that its chart shows.

Source: answers and stored reports seen by Mixpanel's own open clients. The project's clock is UTC.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from .params import Refused

STEPS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
UNITS = (*STEPS, *MONTHS)
WHOLE = "all"
"""The label of a span that is not cut up."""
TOO_LONG = "UserVisibleParamsError: Date range must be less than 48 hours for minute charts."


@dataclass(frozen=True)
class Frame:
    """The time that a point of a chart counts: from ``since`` until just before ``until``."""

    label: str
    since: datetime
    until: datetime

    def days(self, count: int) -> Frame:
        """So many days, the last of them the frame's last."""
        last = beginning(self.until - timedelta.resolution, "day")
        return Frame(self.label, last - timedelta(days=count - 1), self.until)

    def so_far(self, since: datetime) -> Frame:
        return Frame(self.label, since, self.until)


@dataclass(frozen=True)
class Span:
    """From ``since`` until just before ``until``, in periods of a unit; in one where there is none."""

    since: datetime
    until: datetime
    unit: str | None

    def frames(self) -> list[Frame]:
        """Without gaps; the last one may be cut short."""
        if self.unit is None:
            return [Frame(WHOLE, self.since, self.until)] if self.since < self.until else []
        frames, since = [], self.since
        while since < self.until:
            end = moved(since, self.unit, 1)
            frames.append(Frame(since.isoformat(), since, min(end, self.until)))
            since = end
        return frames

    def before(self, unit: str, count: int) -> Span:
        """As long a span that begins so many units earlier."""
        since = moved(self.since, unit, -count)
        return _span(since, since + (self.until - self.since), self.unit)

    def date_range(self) -> dict[str, str]:
        is_whole = self.until.timetz() == time(tzinfo=UTC) and self.since < self.until
        last = self.until - timedelta(milliseconds=1) if is_whole else self.until
        return {"from_date": self.since.isoformat(), "to_date": last.isoformat(timespec="microseconds")}


def read_span(asked: dict[str, Any], *, is_dated: bool) -> Span:
    """The span of a clause of ``sections.time``, in periods for a chart over time. Malformed ones raise ValueError."""
    unit = asked["unit"]
    if unit not in UNITS:
        raise ValueError(unit)
    since, until = _range(asked)
    if is_dated and unit == "minute" and until - since >= timedelta(hours=48):
        raise Refused(400, TOO_LONG)
    return _span(since, until, unit if is_dated else None)


def clock() -> datetime:
    return datetime.now(UTC)


def moved(moment: datetime, unit: str, count: int) -> datetime:
    """So many units later, or earlier; on the last day of a month that is too short."""
    if unit in STEPS:
        return moment + count * STEPS[unit]
    year, month = divmod(moment.year * 12 + moment.month - 1 + count * MONTHS[unit], 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def beginning(moment: datetime, unit: str) -> datetime:
    """Where the unit of the calendar begins in which the moment is; weeks begin on Mondays."""
    minute = moment.replace(second=0, microsecond=0)
    day = minute.replace(hour=0, minute=0)
    match unit:
        case "minute":
            return minute
        case "hour":
            return minute.replace(minute=0)
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
    months = MONTHS[unit]
    return day.replace(day=1, month=day.month - (day.month - 1) % months)


def day_of(text: str) -> datetime:
    """The midnight with which a day like 2024-01-31 begins."""
    return datetime.combine(date.fromisoformat(text), time(), UTC)


def _span(since: datetime, until: datetime, unit: str | None) -> Span:
    """No longer than until now, and from the start of its first period on."""
    until = min(until, clock())
    since = min(since, until)
    return Span(beginning(since, unit) if unit and since < until else since, until, unit)


def _range(asked: dict[str, Any]) -> tuple[datetime, datetime]:
    match asked:
        case {"dateRangeType": "between", "value": [str(first), str(last)]}:
            is_day = len(last) == len("2024-01-31")
            return _moment(first), day_of(last) + timedelta(days=1) if is_day else _moment(last)
        case {"dateRangeType": "since", "value": [str(first)]}:
            return _moment(first), clock()
        case {"dateRangeType": "in the last", "window": {"unit": str(unit), "value": int(count)}}:
            return _last(unit, count), clock()
        case {"unit": str(unit), "value": int(count)}:
            return _last(unit, count), clock()
    raise ValueError(asked)


def _last(unit: str, count: int) -> datetime:
    """Today, or this hour, counts besides: the last 30 days are 31."""
    return beginning(moved(clock(), unit, -count), unit if unit in {"minute", "hour"} else "day")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
