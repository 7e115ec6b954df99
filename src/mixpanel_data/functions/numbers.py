"""The numbers of a saved report's answer, with what each key above them is.

An answer nests objects: the name of the series, the segments of a breakdown, a date, what was measured, the step of a
funnel. Their order differs: retention has dates outside or inside its segments, a funnel with one series leaves its
name out, a report without dates has ``all``. So each level is judged by its keys, by what stands below it, and by the
answer's ``headers``: the kind of report, and what it is broken down by.

Source: Mixpanel's Query API reference for insights reports; answers seen by Mixpanel's own open clients for the others.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from .answers import entries, inside, json_text, moment, possible, without_commas
from .dates import ALL, AVERAGE, Days, are_dates, days_of, may_be_dates

OVERALL = "$overall"
COHORT = ("first", "counts", "rates")
"""What a retention report says of a cohort."""
FUNNEL = frozenset(
    {"count", "step_conv_ratio", "overall_conv_ratio", "avg_time", "avg_time_from_start", "property_sum", "p_value"}
)
"""What a funnel report says of a step."""
INSIGHTS = frozenset({"$event", "$metric", "$cohort"})
OF_FUNNELS = ["Metric", "Step"]
"""Headers that are no breakdown."""
STEP = re.compile(r"(\d+)\. .*", re.DOTALL)
NAMED = re.compile(r" through | and then ")
"""In the name that Mixpanel gives a funnel or retention."""
NUMERAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Number(NamedTuple):
    """One row: a number and what it is of."""

    metric: str | None
    breakdown: list[str]
    date: datetime | None
    measure: str | None
    period: int | None
    value: float | None
    text: str | None = None
    name: str | None = None
    step: int | None = None
    label: str | None = None
    is_total: bool = False


def numbers(answer: Any) -> Iterator[Number]:
    """All numbers of a report, in Mixpanel's order."""
    series = entries(inside(answer, "series"))
    headers = [header for header in answer.get("headers") or [] if isinstance(header, str)]
    reader = _Reader(headers[0] if headers else None, _breakdowns(headers), _names(answer), days_of(answer))
    yield from reader.read(series, Path())


class Path(NamedTuple):
    """The keys that lead to a place in the answer, by what they are."""

    name: str | None = None
    segments: tuple[str, ...] = ()
    label: str | None = None
    metric: str | None = None
    step: str | None = None
    measure: str | None = None

    def below(self, role: str, key: str) -> Path:
        """The path one level deeper, where the key is of this role."""
        if role == "segment":
            return self._replace(segments=(*self.segments, key))
        changed: Any = {"label": self.label or ALL} if role == ALL else {role: key}
        return self._replace(**changed)

    def number(self, said: Any, period: int | None = None) -> Number:
        value, text = _value(said)
        place = STEP.fullmatch(self.step or "")
        return Number(
            self.metric or self.name or ("retention" if self.measure else None),
            [*([self.step] if self.step is not None else []), *self.segments],
            moment(self.label),
            self.measure,
            period,
            value,
            text,
            self.name,
            int(place[1]) if place else None,
            self.label,
            self.segments[-1:] == (OVERALL,),
        )


@dataclass(frozen=True)
class _Reader:
    kind: str | None
    """The first header, such as ``$retention``."""
    breakdowns: int | None
    """How many levels of segments there are; None where the answer does not say."""
    names: frozenset[str]
    """Of the series, where the answer lists them."""
    days: Days | None

    def read(self, said: Any, path: Path) -> Iterator[Number]:
        if isinstance(said, list):
            yield from (path.number(item, place) for place, item in enumerate(said))
        elif path.measure is not None or not isinstance(said, dict):
            yield path.number(said)
        else:
            yield from self._read_level(said, path)

    def _read_level(self, level: Mapping[str, Any], path: Path) -> Iterator[Number]:
        role = self._role(level, path)
        is_all = self.breakdowns == 0 and level.keys() == {OVERALL} and role == "segment"
        for key, below in level.items():
            here = path if is_all else path.below(role, key)
            is_object = role == ALL and isinstance(below, dict)
            yield from [here.number(below)] if is_object else self.read(below, here)

    def _role(self, level: Mapping[str, Any], path: Path) -> str:
        """What the keys of this level are: ``segment``, ``all``, or the field of the path that they belong to."""
        if self._is_cohort(level):
            return "measure"
        if path.metric is None and self._has_funnel_measures(level, path):
            return "metric"
        if path.step is None and self._has_steps(level, path):
            return "step"
        if level.keys() == {ALL} and (path.step is not None or not isinstance(level[ALL], dict)):
            return ALL
        if path == Path() and self._has_names(level):
            return "name"
        return "label" if path.label is None and self._has_dates(level, path) else "segment"

    def _has_names(self, series: Mapping[str, Any]) -> bool:
        if series.keys() <= self.names:
            return True
        return OVERALL not in series and not self._has_dates(series, Path()) and not self._are_segments(series)

    def _are_segments(self, series: Mapping[str, Any]) -> bool:
        """Whether a funnel or retention report has no names: there are only as many levels as it has breakdowns."""
        if self.kind in INSIGHTS or not self.breakdowns or any(map(NAMED.search, series)):
            return False
        levels = self.breakdowns + 1 if self.kind == "$retention" else self.breakdowns
        return self._segments_below(series) == levels

    def _is_cohort(self, level: Mapping[str, Any]) -> bool:
        if any(isinstance(level.get(measure), list) for measure in COHORT):
            return True
        return self.kind not in INSIGHTS and level.keys() <= {*COHORT} and not isinstance(level.get("first", {}), dict)

    def _has_funnel_measures(self, level: Mapping[str, Any], path: Path) -> bool:
        if path.step is not None:
            return not FUNNEL.isdisjoint(level)
        found = [key for key in level if key in FUNNEL and _leads_to_steps(level[key])]
        return len(found) > (1 if self.kind in INSIGHTS else 0)

    def _has_steps(self, level: Mapping[str, Any], path: Path) -> bool:
        if not _are_steps(level):
            return False
        measured_below = (isinstance(below, dict) and not FUNNEL.isdisjoint(below) for below in level.values())
        return path.metric is not None or (
            self.kind not in INSIGHTS
            and all(measured_below)
            and not any(_leads_to_steps(said) for below in level.values() for said in below.values())
        )

    def _has_dates(self, level: Mapping[str, Any], path: Path) -> bool:
        """Whether the keys are the dates of the report, and not segments that look like dates."""
        if not may_be_dates(level):
            return False
        deeper = [below for below in level.values() if isinstance(below, dict)]
        if not deeper or (AVERAGE in level and self.kind not in INSIGHTS) or self._is_broken_down(path):
            return True
        if below := [level for one in deeper for level in _levels(one) if may_be_dates(level)]:
            return self._are_outer_dates(level, below)
        left = 0 if self.breakdowns is None else self.breakdowns - len(path.segments)
        return max(self._segments_below(below) for below in deeper) >= left

    def _are_outer_dates(self, level: Mapping[str, Any], below: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the keys of this level are the dates, where those below look like dates, too."""
        if self.kind == "$retention" and any(AVERAGE in one for one in below):  # it stands beside the dates
            return False
        found = are_dates(level, below, self.days)
        return self.kind == "$retention" if found is None else found  # as has been seen

    def _is_broken_down(self, path: Path) -> bool:
        """Whether no further segments are to come: none does after Mixpanel's total of them."""
        if self.breakdowns is None:
            return False
        return len(path.segments) >= self.breakdowns or path.segments[-1:] == (OVERALL,)

    def _segments_below(self, level: Mapping[str, Any]) -> int:
        """How many levels there are that may be segments."""
        if level.keys() == {ALL} or self._is_cohort(level) or any(_leads_to_steps(below) for below in level.values()):
            return 0
        return 1 + max((self._segments_below(below) for below in level.values() if isinstance(below, dict)), default=0)


def _breakdowns(headers: Sequence[str]) -> int | None:
    if not headers:
        return None
    split_by = headers[1:]
    return len(split_by) - 2 if split_by[-2:] == OF_FUNNELS else len(split_by)


def _names(answer: Mapping[str, Any]) -> frozenset[str]:
    sections = possible(possible(answer.get("meta")).get("report_sections"))
    shown = sections.get("show")
    keys = [one.get("metric_key") for one in shown if isinstance(one, dict)] if isinstance(shown, list) else []
    return frozenset(key for key in keys if isinstance(key, str))


def _are_steps(level: Any) -> bool:
    return isinstance(level, dict) and bool(level) and all(STEP.fullmatch(key) for key in level)


def _leads_to_steps(said: Any) -> bool:
    """Whether steps stand below, with no other measure of a funnel in between."""
    if not isinstance(said, dict) or any(isinstance(said.get(measure), dict) for measure in FUNNEL):
        return False
    return _are_steps(said) or any(map(_leads_to_steps, said.values()))


def _levels(level: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The level and all below it."""
    yield level
    for below in level.values():
        if isinstance(below, dict):
            yield from _levels(below)


def _value(said: Any) -> tuple[float | None, str | None]:
    """A number, and what else there is to say: all that came as text, and the JSON of what is no number."""
    if isinstance(said, str):
        plain = without_commas(said)
        number = float(plain) if NUMERAL.fullmatch(plain) else math.inf
        return (number if math.isfinite(number) else None), said
    if isinstance(said, int | float) and not isinstance(said, bool) and abs(said) <= sys.float_info.max:
        return float(said), None
    return None, json_text(said)
