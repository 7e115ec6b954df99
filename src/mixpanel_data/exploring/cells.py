"""What a starter notebook holds, whichever program it is written for: one list of cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from ..config import SANDBOX
from ..types import FunnelInfo


class Cell(NamedTuple):
    """A sentence, as Markdown, and the code whose answer it tells of; there may be none."""

    says: str
    code: str = ""


class Subject(NamedTuple):
    """What a notebook explores: whose events, in which database and of which days. It knows no secret."""

    account: str | None
    project_id: str
    path: Path | None
    """None for the project's own database."""
    first: date
    last: date
    funnel: FunnelInfo | None
    """None where the project has saved none."""

    @property
    def workspace(self) -> str:
        """The call that opens its workspace."""
        named = {
            "project_id": None if self.account == SANDBOX else self.project_id,
            "path": None if self.path is None else str(self.path),
        }
        first = [] if self.account is None else [text(self.account)]
        return f"Workspace({', '.join([*first, *(f'{name}={text(value)}' for name, value in named.items() if value)])})"


def cells(subject: Subject) -> Iterator[Cell]:
    """The cells, in their order."""
    yield _title(subject)
    yield _connect(subject)
    yield FETCH
    yield BY_NAME
    yield BY_DAY
    yield FUNNEL if subject.funnel is None else _saved_funnel(subject.funnel)
    yield COMING_BACK


def text(value: str) -> str:
    """A string as Python code."""
    return json.dumps(value, ensure_ascii=False)


def _title(subject: Subject) -> Cell:
    name = "The sandbox" if subject.account == SANDBOX else f"Project {subject.project_id}"
    return Cell(f"# {name}, {subject.first} to {subject.last}")


def _connect(subject: Subject) -> Cell:
    return Cell(
        "This connects to Mixpanel, with the credentials that this machine has for it, and says which days to look at; "
        "the charts need `pip install 'mixpanel_data[explore]'`.",
        f"""\
import altair as alt

from mixpanel_data import Workspace

DAYS = {{"from_date": "{subject.first}", "to_date": "{subject.last}"}}

ws = {subject.workspace}
ws
""",
    )


FETCH = Cell(
    "This fetches the days into a local table, once: days that are in it already are not asked for again "
    "(`dry_run=True` says what it would cost, and asks nothing).",
    """\
fetched = ws.fetch_events("exploration", resume=True, **DAYS)
fetched
""",
)

BY_NAME = Cell(
    "How often each event happened, and how many users did it: the twenty most frequent.",
    '''\
by_name = ws.sql(
    f"""
    SELECT event_name, count(*) AS events, count(DISTINCT distinct_id) AS users
    FROM {fetched.table}
    WHERE event_time::DATE BETWEEN $from_date AND $to_date
    GROUP BY event_name
    ORDER BY events DESC, event_name
    LIMIT 20
    """,
    DAYS,
)
alt.Chart(by_name, width=600).mark_bar().encode(
    x=alt.X("events:Q", title="events"),
    y=alt.Y("event_name:N", sort=None, title=None),
    tooltip=["event_name:N", alt.Tooltip("events:Q", format=","), alt.Tooltip("users:Q", format=",")],
)
''',
)

BY_DAY = Cell(
    "How many users were active on each day (days are those of UTC).",
    '''\
by_day = ws.sql(
    """
    SELECT date AS day, users, events
    FROM local_daily_active_users($table, from_date := $from_date, to_date := $to_date)
    """,
    {"table": fetched.table, **DAYS},
)
alt.Chart(by_day, width=600, height=200).mark_line(point=True).encode(
    x=alt.X("day:T", title=None, axis=alt.Axis(format="%d %b")),
    y=alt.Y("users:Q", title="active users"),
    tooltip=["day:T", alt.Tooltip("users:Q", format=","), alt.Tooltip("events:Q", format=",")],
)
''',
)

STEPS = """\
alt.Chart(steps, width=600).mark_bar().encode(
    x=alt.X("users:Q", title="users"),
    y=alt.Y("step:N", sort=None, title=None),
    tooltip=["step:N", alt.Tooltip("users:Q", format=","), alt.Tooltip("share:Q", format=".1%")],
)
"""


def _saved_funnel(funnel: FunnelInfo) -> Cell:
    name = " ".join(funnel.name.replace("`", "'").split())
    return Cell(
        f"How far users came in the saved funnel `{name}`, as Mixpanel counts them: once for each month in which they "
        "began.",
        f"""\
funnel = ws.funnel({funnel.funnel_id}, unit="month", **DAYS)
steps = alt.Data(
    values=[
        {{"step": f"{{number}}. {{step.name}}", "users": step.count, "share": step.overall}}
        for number, step in enumerate(funnel.steps, 1)
    ]
)
{STEPS}""",
    )


FUNNEL = Cell(
    "A funnel of the two most frequent events: of the users who did the first, how many did the second after it, "
    "within two weeks. Put other names there.",
    '''\
names = list(by_name["event_name"][:2])
steps = ws.sql(
    """
    SELECT step || '. ' || event_name AS step, count AS users, overall_conversion AS share
    FROM local_funnel($table, $names, INTERVAL 14 DAYS, from_date := $from_date, to_date := $to_date)
    """,
    {"table": fetched.table, "names": names, **DAYS},
)
'''
    + STEPS,
)

COMING_BACK = Cell(
    "Of the users first seen in each week of these days, the share that was seen again in the weeks after "
    "(weeks begin on Monday).",
    '''\
coming_back = ws.sql(
    f"""
    WITH active AS (
        SELECT DISTINCT distinct_id, date_trunc('week', event_time)::DATE AS week
        FROM {fetched.table}
        WHERE event_time::DATE BETWEEN $from_date AND $to_date
    ), since AS (
        SELECT week, min(week) OVER (PARTITION BY distinct_id) AS first_week
        FROM active
    )
    SELECT first_week::VARCHAR AS first_week, date_diff('week', first_week, week) AS weeks_later, count(*) AS users,
        count(*) / max(count(*)) OVER (PARTITION BY first_week) AS share
    FROM since
    GROUP BY first_week, weeks_later
    ORDER BY first_week, weeks_later
    """,
    DAYS,
)
squares = alt.Chart(coming_back, width=600).encode(
    x=alt.X("weeks_later:O", title="weeks later", axis=alt.Axis(labelAngle=0)),
    y=alt.Y("first_week:O", title="first seen in the week of"),
    tooltip=["first_week:O", "weeks_later:O", alt.Tooltip("users:Q", format=",")],
)
squares.mark_rect().encode(color=alt.Color("share:Q", legend=None)) + squares.mark_text().encode(
    text=alt.Text("share:Q", format=".0%"),
    color=alt.condition("datum.share > 0.6", alt.value("white"), alt.value("black")),
)
''',
)
