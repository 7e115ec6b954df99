"""Days and times of projects that export local time.

Projects made before 2023 send in ``time`` what the clock on the project's wall showed, as if it were UTC, and count
days by that clock; later ones send UTC. Nothing in an export says which: the account's ``timezone`` does. Source:
Mixpanel's guide to time zones. That a body looks local can be told from ``mp_processing_time_ms``, always UTC.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..client import Api, Client, Endpoint, Reporter
from ..credentials import Credentials
from ..exceptions import ConfigError, QueryError, warn
from .answers import possible
from .predicate import midnight

ME = Endpoint(Api.APP, "/me")
ASK = "project"
"""The value of ``timezone`` that stands for the one Mixpanel has on record."""
QUARTER = 900.0
"""Seconds. Every zone is some quarters of an hour off UTC."""
TOLERANCE = 240.0
"""Seconds: clocks differ, and events take a while to arrive."""
LATEST = 10**10
"""Seconds: a time beyond is no time in seconds."""
SAMPLE = 20
"""Events that a judgement needs at least."""
MOST = 0.8
"""Share of them that must agree."""
LAST_ZONE = timedelta(hours=12)
"""Behind UTC: where days end last."""
TOO_LATE = re.compile(r"to_date.{0,20} later than today", re.IGNORECASE)
_asked: dict[Client, str] = {}
_judged: set[Client] = set()


async def zone_of(client: Client, reporter: Reporter) -> str | None:
    """The zone the project's export is in; None for UTC.

    Raises:
        ConfigError: Mixpanel does not say which zone the project is in.
    """
    zone = client.credentials.timezone
    if zone != ASK:
        return None if zone in (None, "UTC") else zone
    if client not in _asked:
        answer = await client.ask(ME, {"include_workspace_users": "false"}, reporter)
        projects = possible(possible(possible(answer).get("results")).get("projects"))
        found = possible(projects.get(client.credentials.project_id)).get("timezone")
        if not isinstance(found, str):
            raise ConfigError(
                f"Mixpanel does not tell the time zone of project {client.credentials.project_id}: write it into the "
                'account, as in timezone = "US/Pacific"'
            )
        _asked[client] = found
    return None if _asked[client] == "UTC" else _asked[client]


def start_of(day: date, zone: str | None) -> datetime:
    """When the day begins, in UTC."""
    if zone is None:
        return midnight(day)
    return midnight(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def today(zone: str | None) -> date:
    """The day that it is in the zone."""
    return datetime.now(ZoneInfo(zone) if zone else UTC).date()


def complete_at(day: date, zone: str | None, *, is_known: bool) -> datetime:
    """When the day has ended for certain, in UTC; where the zone is not known, when it has ended everywhere."""
    end = start_of(day + timedelta(days=1), zone)
    return end if is_known else end + LAST_ZONE


def is_too_late(error: QueryError) -> bool:
    """Whether Mixpanel says that the last day has not begun yet."""
    return TOO_LATE.search(str(error.details.get("mixpanel_says"))) is not None


def refuse_too_late(error: QueryError, client: Client) -> None:
    """Where Mixpanel says that the last day has not begun yet: the same, with what decides when it does.

    Raises:
        QueryError: it says so.
    """
    if is_too_late(error):
        raise QueryError(
            f"{error.message} (days begin in the time zone of project {client.credentials.project_id}: write an "
            "earlier to_date; timezone in its account, or MP_TIMEZONE, is what the export goes by)",
            **error.details,
        ) from None


def warn_of_zone(function: str, client: Client, day: date) -> None:
    """Says that a day which has begun in the zone that was assumed has not begun in the project's."""
    warn(
        f"mixpanel_{function}: {day} has not begun yet where project {client.credentials.project_id} is, and "
        'was left out: write the project\'s time zone into its account (timezone = "America/Los_Angeles", say), or set '
        "MP_TIMEZONE"
    )


def warn_if_contradicted(client: Client, lines: bytes, zone: str | None) -> None:
    """Says so, once, if nearly all of these events were processed hours after or before their time in this zone."""
    if client in _judged:
        return
    times = list(_times(lines))
    if len(times) < SAMPLE:
        return
    _judged.add(client)
    here = _quarters(processed - _in_utc(time, zone) for time, processed in times)
    if here:
        as_sent = _quarters(processed - time for time, processed in times)
        warn(_contradiction(client.credentials, zone, here, as_sent))


def _contradiction(credentials: Credentials, zone: str | None, here: int, as_sent: int | None) -> str:
    """What to say of events that were processed so many quarters of an hour after their time in the zone, and after
    the time as it was sent."""
    told = f"project {credentials.project_id}: nearly all events were processed {_hours(here)} their event_time"
    if as_sent == 0:
        return (
            f'{told} in {zone}, but soon after it in UTC: write timezone = "UTC" into its account, or MP_TIMEZONE=UTC'
        )
    clock = f"a clock that is {_hours(as_sent, 'behind', 'ahead of')} UTC" if as_sent else "a local clock"
    late = ", or they are sent that late, and all is well" if here > 0 else ""
    return (
        f"{told} in {zone or 'UTC'}: either the project exports the time of {clock}, and timezone in its account "
        f"(or MP_TIMEZONE) should name its zone{late}"
    )


def _hours(quarters: int, after: str = "after", before: str = "before") -> str:
    return f"{abs(quarters) / 4:g} h {after if quarters > 0 else before}"


def _quarters(gaps: Iterable[float]) -> int | None:
    """How many quarters of an hour nearly all of the gaps are; None where they do not agree."""
    found = list(gaps)
    quarters = round(statistics.median(found) / QUARTER)
    near = sum(abs(gap - quarters * QUARTER) <= TOLERANCE for gap in found)
    return quarters if near >= MOST * len(found) and abs(quarters) * QUARTER <= 86400 else None


def _in_utc(time: float, zone: str | None) -> float:
    if zone is None:
        return time
    return datetime.fromtimestamp(time, UTC).replace(tzinfo=ZoneInfo(zone)).timestamp()


def _times(lines: bytes) -> Iterator[tuple[float, float]]:
    """Each event's time as it was sent, and when it was processed, in seconds, where both are times of an event."""
    for line in lines.split(b"\n"):
        try:
            properties = json.loads(line)["properties"]
            time, processed = float(properties["time"]), properties["mp_processing_time_ms"] / 1000
            if not properties.get("$import") and 0 <= time < LATEST and 0 <= processed < LATEST:
                yield time, processed
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
