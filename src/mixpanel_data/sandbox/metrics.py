"""What the metrics of Insights count, of events, users, sessions and the numbers in their properties.

Nobody, which is an empty ``distinct_id``, is in totals and in no count of users. A user counts in each segment of
theirs, and once in all of them together.

Source: Mixpanel's documentation of Insights and sessions; names of measures as its own open clients send them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil

from .buckets import EVERYBODY, USERS, averaged
from .dataset import Dataset
from .expressions import literal, number_in
from .groups import Group
from .params import is_one_of
from .people import people
from .spans import Frame, Span

Path = tuple[str, ...]
"""The segments of a point, as many as there are groups; fewer where it is of all segments of the next group."""
Points = dict[str, float | None]
"""Values by the labels of frames."""

ACTIVE_DAYS = {"dau": 1, "wau": 7, "mau": 30}
OF_USERS = {"unique", "cumulative_unique", *ACTIVE_DAYS}
OF_NUMBERS = {
    "average": averaged("value"),
    "median": "quantile_cont(value, 0.5)",
    "min": "min(value)",
    "max": "max(value)",
    "p25": "quantile_cont(value, 0.25)",
    "p75": "quantile_cont(value, 0.75)",
    "p90": "quantile_cont(value, 0.9)",
    "p99": "quantile_cont(value, 0.99)",
}
SUM = "round(coalesce(sum(value), 0), 6)"
DIFFERENT = "count(DISTINCT value)"
PER_USER = {
    "total": SUM,
    "average": "avg(value)",
    "min": "min(value)",
    "max": "max(value)",
    "unique_values": DIFFERENT,
}
EARLIEST = "SELECT min(time) AS time, * EXCLUDE time FROM spread GROUP BY ALL"
"""All that is needed where each frame begins with the first: far fewer events than all those so far."""
PAUSE = 30 * 60
"""Seconds; a longer pause ends a session."""
IN_NO_SESSION = (
    "$identify",
    "$create_alias",
    "$merge",
    "$hotshard_events",
    "$campaign_delivery",
    "$campaign_bounced",
    "$campaign_marked_spam",
    "$message_suppressed",
    "$unsubscribe",
    "$journey_entered",
)


@dataclass(frozen=True)
class Metric:
    """One thing counted, of the events for which ``condition`` holds; ``amount`` is a property, SQL of type JSON."""

    condition: str
    math: str
    amount: str | None = None
    percentile: float | None = None
    per_user: str | None = None
    is_once: bool = False
    """Whether a user counts in the segment of their first event alone, in each frame; for counts of users."""

    def __post_init__(self) -> None:
        """Refuses with ValueError what makes no sense together."""
        needs_property = self.math in {*OF_NUMBERS, "custom_percentile", "unique_values"}
        if needs_property and self.amount is None and self.per_user is None:
            raise ValueError(self.math)
        if self.per_user and (self.per_user not in PER_USER or self.math in {*OF_USERS, "sessions"}):
            raise ValueError(self.per_user)
        if self.per_user not in {None, "total"} and self.amount is None:
            raise ValueError(self.per_user)
        _ = self.measure

    @property
    def measure(self) -> str:
        """SQL, over the values of events, or of users where they are ``per_user``."""
        match self.math:
            case "total":
                return SUM if self.amount or self.per_user else "count(*)"
            case "unique_values":
                return DIFFERENT
            case "sessions":
                return "count(DISTINCT session)"
            case "custom_percentile" if self.percentile is not None and 0 <= self.percentile <= 100:
                return f"quantile_cont(value, {self.percentile / 100})"
            case math if math in OF_USERS:
                return USERS
        if self.math not in OF_NUMBERS:
            raise ValueError(self.math)
        return OF_NUMBERS[self.math]

    @property
    def value(self) -> str:
        if self.amount is None or self.math in OF_USERS:
            return "1"
        is_text = (self.per_user or self.math) == "unique_values"
        return f"({self.amount}->>'$')" if is_text else number_in(self.amount)

    @property
    def nothing(self) -> float | None:
        """The value where there are no events: there are no numbers to tell of then."""
        return None if self.math in {*OF_NUMBERS, "custom_percentile"} else 0

    def frames(self, span: Span) -> list[Frame]:
        """What each point of the span counts; more than its own time where active users are counted."""
        if self.math in ACTIVE_DAYS:
            return [frame.days(ACTIVE_DAYS[self.math]) for frame in span.frames()]
        if self.math == "cumulative_unique":
            return [frame.so_far(span.since) for frame in span.frames()]
        return span.frames()


@dataclass
class Counted:
    """A metric's points, and how large each of its segments is; those without events are missing."""

    points: dict[Path, Points] = field(default_factory=dict)
    sizes: dict[Path, float] = field(default_factory=dict)
    nothing: float | None = 0

    def add(self, path: Path, label: str, value: float | None, events: int) -> None:
        self.points.setdefault(path, {})[label] = value
        self.sizes[path] = self.sizes.get(path, 0) + (events if self.nothing is None else value or 0)

    def at(self, path: Path, label: str) -> float | None:
        return self.points.get(path, {}).get(label, self.nothing)


def count(data: Dataset, metric: Metric, span: Span, groups: Sequence[Group]) -> Counted:
    counted = Counted(nothing=metric.nothing)
    frames = metric.frames(span)
    if not frames:
        return counted
    depth = len(groups)
    for label, *segments, value, events in data.rows(_query(data, metric, frames, groups)):
        # The segments that a level does not tell apart are NULL, from the right.
        path = tuple(segment for segment in segments if segment is not None)
        counted.add(path if len(path) == depth else (*path, EVERYBODY), label, value, events)
    return counted


def _query(data: Dataset, metric: Metric, frames: list[Frame], groups: Sequence[Group]) -> str:
    names = [f"segment{n}" for n in range(len(groups))]
    lists = "".join(f", {group.segments} AS {name}s" for group, name in zip(groups, names, strict=True))
    unnested = "".join(f", unnest({name}s) AS one_{name}({name})" for name in names)
    first_only = f"QUALIFY row_number() OVER ({_theirs(names)}) = 1" if metric.is_once else ""
    return f"""
        WITH frames(label, since, until) AS (VALUES {", ".join(map(_row, frames))}
        ), source AS ({_source(data, metric, frames)}
        ), happened AS (
          SELECT time, distinct_id, session, {metric.value} AS value {lists} FROM source
          WHERE time >= (SELECT min(since) FROM frames) AND {metric.condition}
        ), spread AS (SELECT * FROM happened {unnested}
        ), needed AS ({EARLIEST if metric.math == "cumulative_unique" else "FROM spread"}
        ), framed AS (SELECT * FROM needed JOIN frames ON time >= since AND time < until {first_only}
        ) {_counted(metric, names)}
    """


def _counted(metric: Metric, names: list[str]) -> str:
    columns = ", ".join(["label", *names])
    if metric.per_user is None:
        return f"SELECT {columns}, {metric.measure}, count(*) FROM framed {_levels('label', names)}"
    return f"""
        , of_users AS (
          SELECT {columns}, {PER_USER[metric.per_user]} AS value, count(*) AS events
          FROM framed WHERE distinct_id <> '' {_levels("label, distinct_id", names)}
        ) SELECT {columns}, {metric.measure}, sum(events)::BIGINT FROM of_users GROUP BY {columns}
    """


def _levels(always: str, names: list[str]) -> str:
    """By all the segments, by all but the last, and so on until by none."""
    levels = [", ".join([always, *names[:n]]) for n in range(len(names) + 1)]
    return f"GROUP BY GROUPING SETS ({', '.join(f'({level})' for level in levels)})"


def _source(data: Dataset, metric: Metric, frames: list[Frame]) -> str:
    """The events that the frames may count, with their users' profiles, and their sessions where those are counted."""
    last = max(frame.until for frame in frames) - timedelta.resolution
    events = data.events(min(frame.since for frame in frames).date(), last.date())
    sessions = f"({_sessions(events)})" if metric.math == "sessions" else f"(SELECT *, '' AS session FROM {events})"
    return f"""
        SELECT happened.*, people.properties AS profile
        FROM {sessions} AS happened LEFT JOIN {people(data)} ON happened.distinct_id = people.distinct_id
    """


def _sessions(events: str) -> str:
    """Midnight ends a session, too, and what Mixpanel itself sends is in none."""
    return f"""
        WITH theirs AS (
          FROM {events} WHERE distinct_id <> '' AND NOT {is_one_of("event", IN_NO_SESSION)}
        ), paused AS (
          SELECT *, time - lag(time) OVER days AS pause FROM theirs
          WINDOW days AS (PARTITION BY distinct_id, time // 86400 ORDER BY time)
        )
        SELECT * EXCLUDE pause, distinct_id || '@' || max(CASE WHEN pause <= {PAUSE} THEN NULL ELSE time END) OVER (
          PARTITION BY distinct_id, time // 86400 ORDER BY time) AS session
        FROM paused
    """


def _theirs(names: list[str]) -> str:
    return f"PARTITION BY label, distinct_id ORDER BY {', '.join(['time', *names])}"


def _row(frame: Frame) -> str:
    return f"({literal(frame.label)}, {ceil(frame.since.timestamp())}, {ceil(frame.until.timestamp())})"
