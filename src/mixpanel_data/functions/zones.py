"""Days and times of projects that export local time.

Projects made before 2023 send in ``time`` what the clock on the project's wall showed, as if it were UTC, and count
days by that clock; later ones send UTC. Nothing in an export says which: the account's ``timezone`` does. Source:
Mixpanel's guide to time zones. That a body looks local can be told from ``mp_processing_time_ms``, always UTC.
"""

from __future__ import annotations

import json
import statistics
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from ..client import Api, Client, Endpoint, Reporter
from ..exceptions import ConfigError, MixpanelDataWarning
from .answers import possible
from .predicate import midnight

ME = Endpoint(Api.APP, "/me")
ASK = "project"
"""The value of ``timezone`` that stands for the one Mixpanel has on record."""
QUARTER = 900.0
NEAR = 240.0
"""Seconds: clocks differ, and events take a while to arrive."""
ENOUGH = 20
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


def warn_if_local(client: Client, lines: bytes) -> None:
    """Says so, once, if these lines look like local time and the account has no time zone."""
    if client.credentials.timezone is not None or client in _judged:
        return
    gaps = list(_gaps(lines))
    if len(gaps) < ENOUGH:
        return
    _judged.add(client)
    gap = statistics.median(gaps)
    quarters = round(gap / QUARTER)
    if quarters == 0 or abs(gap - quarters * QUARTER) > NEAR or abs(gap) > 86400:
        return
    hours = f"{abs(quarters) / 4:g} h {'behind' if quarters > 0 else 'ahead of'} UTC"
    warnings.warn(
        f"project {client.credentials.project_id} seems to export local time, {hours}, so event_time is not UTC: set "
        'timezone = "US/Pacific" (or its own zone; "project" asks Mixpanel; "UTC" leaves times as they are) in its '
        "account, or MP_TIMEZONE",
        MixpanelDataWarning,
        stacklevel=2,
    )


def _gaps(lines: bytes) -> Iterator[float]:
    """Seconds from each event's time to its processing."""
    for line in lines.split(b"\n"):
        try:
            properties = json.loads(line)["properties"]
            if not properties.get("$import"):
                yield properties["mp_processing_time_ms"] / 1000 - properties["time"]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
