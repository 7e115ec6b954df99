"""The people of January 2024, their profiles, and the cohorts they are in.

Source: Mixpanel's Query API reference (Engage, Cohorts).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .dataset import Dataset
from .params import PROJECT, Answer, Params

FIRST, LAST = date(2024, 1, 1), date(2024, 1, 31)
IMPORTED = 7000001
"""Somebody without events whose id is a number, as Mixpanel's own example has one."""


@dataclass(frozen=True)
class Cohort:
    name: str
    description: str
    members: str
    """A SQL condition over ``people``."""
    is_visible: int = 1


COHORTS = {
    1001: Cohort("Buyers", "Bought something in January 2024", "purchases > 0"),
    1002: Cohort("Paying people", "On the plan pro or team", "has_profile AND plan IN ('pro', 'team')"),
    1003: Cohort("Big spenders", "For internal use", "revenue > 300", is_visible=0),
}


def people(data: Dataset) -> str:
    """The table of people: ``id`` as JSON, ``distinct_id`` as text, ``properties`` as of a profile."""
    return data.table("people", f"{_seen(data)} UNION ALL {_imported()} ORDER BY distinct_id")


def cohorts(data: Dataset, _: Params) -> Answer:
    counts = ", ".join(f"count(*) FILTER ({cohort.members})" for cohort in COHORTS.values())
    (sizes,) = data.rows(f"SELECT {counts} FROM {people(data)}")
    return Answer.json([_listed(number, size) for number, size in zip(COHORTS, sizes, strict=True)])


def _listed(number: int, size: int) -> dict[str, object]:
    cohort = COHORTS[number]
    return {
        "id": number,
        "name": cohort.name,
        "description": cohort.description,
        "count": size,
        "is_visible": cohort.is_visible,
        "created": "2024-02-01 09:30:00",
        "project_id": int(PROJECT),
        "data_group_id": None,
    }


def _seen(data: Dataset) -> str:
    """Whoever has an event; a tenth of them never got a profile."""
    return f"""
        WITH seen AS (
          SELECT distinct_id, substr(distinct_id, 6)::BIGINT AS number, max(time) AS last_seen,
                 min(time) FILTER (event = 'Sign Up') AS signed_up, count(*) FILTER (event = 'Purchase') AS purchases,
                 coalesce(sum((properties->>'amount')::DECIMAL(10, 2)), 0) AS revenue
          FROM {data.events(FIRST, LAST)} GROUP BY distinct_id
        ), known AS (
          SELECT *, user_of(number) AS person,
                 epoch(DATE '2024-01-01' + (number // {max(1, data.sessions // 10)} - 90)::INT) + 43200 AS joined
          FROM seen
        )
        SELECT to_json(distinct_id) AS id, distinct_id, person.plan AS plan, purchases, revenue,
               number % 10 != 9 AS has_profile,
               CASE WHEN has_profile THEN json_object(
                 '$created', {_moment("coalesce(signed_up, joined)")}, '$last_seen', {_moment("last_seen")},
                 '$name', {_name()}, '$email', distinct_id || '@example.com', '$city', person.place.city,
                 '$country_code', person.place.code, 'plan', person.plan, 'age', person.age,
                 'purchases', purchases, 'revenue', revenue) ELSE '{{}}'::JSON END AS properties
        FROM known
    """


def _imported() -> str:
    properties = """{"$created":"2019-05-01T00:00:00","$name":"Imported Customer","plan":"free"}"""
    return f"SELECT '{IMPORTED}'::JSON, '{IMPORTED}', 'free', 0, 0, true, '{properties}'::JSON"


def _moment(seconds: str) -> str:
    return f"strftime(make_timestamp(({seconds} * 1000000)::BIGINT), '%Y-%m-%dT%H:%M:%S')"


def _name() -> str:
    first = "pick(['Amélie', 'Bruno', 'Chandra', 'Dieter', 'Emi', 'Fatima', 'Grace'], random_of(number, 51))"
    last = "pick(['Silva', 'O''Neil', 'Müller', 'Tanaka', 'Rao', 'Smith', 'Dubois'], random_of(number, 52))"
    return f"{first} || ' ' || {last}"
