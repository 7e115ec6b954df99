"""Insights asked without a saved report: events, users, sessions and numbers, by time and by segments.

Source: answers of Insights seen by Mixpanel's own open clients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, islice
from typing import Any

from .buckets import EVERYBODY
from .dataset import Dataset
from .metrics import Counted, Metric, Path, count
from .params import Answer, Params, now
from .questions import Question, Shown, read_question
from .spans import Span

Series = dict[str, Any]
"""Metric, segments one within the other, label, value."""


def insights(data: Dataset, params: Params) -> Answer:
    question = read_question(params)
    series, is_limit_hit = _series(data, question, question.span)
    visible = _visible(question)
    keys = [key if key in series else None for key in visible]
    meta: dict[str, Any] = {
        "is_segmentation_limit_hit": is_limit_hit,
        "min_sampling_factor": 1.0,
        "report_sections": {
            "show": [{"metric_key": key} for key in keys],
            "group": [{"bookmark": clause} for clause in question.group_clauses],
        },
        "sub_query_count": len(question.shown),
    }
    answer: dict[str, Any] = {
        "computed_at": now(),
        "date_range": question.span.date_range(),
        "headers": ["$metric", *(group.name for group in question.groups)],
        "meta": meta,
        "series": series,
    }
    if question.compared:
        before = question.span.before(*question.compared)
        then, _ = _series(data, question, before)
        answer["time_comparison"] = {"date_range": before.date_range(), "series": then}
        if question.lift:
            meta["liftComparison"] = question.lift
            answer["lift_comparison"] = {"series": _lifted(series, then)}
    return Answer.json(answer)


def _visible(question: Question) -> dict[str, Shown]:
    """By the keys of their series, which begin with the letter where there are several."""
    shown = [one for one in question.shown if not one.is_hidden]
    return {one.name if len(shown) == 1 else f"{one.letter}. {one.name}": one for one in shown}


def _series(data: Dataset, question: Question, span: Span) -> tuple[Series, bool]:
    """What is visible and not without any data, and whether segments are missing."""
    counted = cache(lambda metric: count(data, metric, span, question.groups))
    series: Series = {}
    is_limit_hit = False
    for key, shown in _visible(question).items():
        result = _result(shown, counted)
        if result.points:
            kept = _largest(result, len(question.groups), question.limit)
            is_limit_hit |= len(kept) < len(_segments(result, len(question.groups)))
            series[key] = _tree(result, kept, question, [frame.label for frame in span.frames()])
    return series, is_limit_hit


def _result(shown: Shown, counted: Callable[[Metric], Counted]) -> Counted:
    if isinstance(shown.counts, Metric):
        return counted(shown.counts)
    return shown.counts.over({letter: counted(metric) for letter, metric in shown.operands.items()})


def _segments(counted: Counted, depth: int) -> list[Path]:
    """Those that are cut up no further."""
    return [path for path in counted.points if len(path) == depth and path[-1:] != (EVERYBODY,)]


def _largest(counted: Counted, depth: int, limit: int) -> list[Path]:
    """Within their parents, which come by their own size; the smallest of all are left out."""
    kept = sorted(_segments(counted, depth), key=lambda path: (-counted.sizes[path], path))[:limit]
    return sorted(kept, key=lambda path: [_rank(counted, path[:n], depth) for n in range(1, depth + 1)])


def _rank(counted: Counted, path: Path, depth: int) -> tuple[float, str]:
    return -counted.sizes[path if len(path) == depth else (*path, EVERYBODY)], path[-1]


def _tree(counted: Counted, paths: Sequence[Path], question: Question, labels: list[str]) -> Series:
    """A leaf, or segments with leaves or segments; every level has a leaf of all."""
    if not question.groups:
        return _leaf(counted, (), question, labels)
    tree: Series = {EVERYBODY: _leaf(counted, (EVERYBODY,), question, labels)}
    for path in paths:
        level = tree
        for n, segment in enumerate(path[:-1], 1):
            level = level.setdefault(segment, {})
            if EVERYBODY not in level:
                level[EVERYBODY] = _leaf(counted, (*path[:n], EVERYBODY), question, labels)
        level[path[-1]] = _leaf(counted, path, question, labels)
    return tree


def _leaf(counted: Counted, path: Path, question: Question, labels: list[str]) -> dict[str, float | None]:
    values = [counted.at(path, label) for label in labels]
    if question.is_cumulative:
        values = list(accumulate(value or 0 for value in values))
    if question.rolling:
        return dict(zip(labels[question.rolling - 1 :], _averages(values, question.rolling), strict=True))
    return dict(zip(labels, values, strict=True))


def _lifted(series: Series, then: Series) -> Series:
    """By how much each value has changed, as a share of what it was; a bucket's place tells what it was."""
    lifted: Series = {}
    for n, (key, value) in enumerate(series.items()):
        if isinstance(value, dict):
            lifted[key] = _lifted(value, then.get(key, {}))
        else:
            was = next(islice(then.values(), n, None), None)
            lifted[key] = (value - was) / was if was and value is not None else None
    return lifted


def _averages(values: list[float | None], size: int) -> list[float | None]:
    """Of each point and those before it, so many together, from the first that has as many."""
    windows = [values[end - size : end] for end in range(size, len(values) + 1)]
    known = [[value for value in window if value is not None] for window in windows]
    return [round(sum(window) / len(window), 9) if window else None for window in known]
