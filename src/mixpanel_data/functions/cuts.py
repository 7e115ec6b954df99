"""Answers that are not all there is: sampled, cut off, or as long as they may be. They are given, with a warning.

Source: answers seen by Mixpanel's own open clients; ``meta`` of insights reports, ``metadata`` of flows, ``pagination``
of the App API, ``truncated`` beside the series of a segmentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..exceptions import warn

PLACES = ("data", "meta", "metadata", "results", "pagination")
"""Where an answer speaks of itself, besides its first level, and each within another."""
CUT = {
    "is_segmentation_limit_hit": "has only the largest segments: ask for fewer, by a filter or with fewer breakdowns",
    "has_more": "is not all there is: ask for less at once",
    "hasMore": "is not all there is: ask for less at once",
    "truncated": "was cut off: ask for less at once",
    "is_truncated": "was cut off: ask for less at once",
}
SAMPLING = "min_sampling_factor"
NEXT = ("next_cursor", "next_page")


def warn_if_cut(function: str, answer: Any) -> None:
    """Says so if the answer says of itself that it is not all, or not of all."""
    for said in dict.fromkeys(said for place in _places(answer) for said in _cuts(place)):
        warn_of(function, f"Mixpanel's answer {said}")


def warn_of(function: str, said: str) -> None:
    warn(f"mixpanel_{function}: {said}")


def _places(answer: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(answer, dict):
        yield answer
        for name in PLACES:
            yield from _places(answer.get(name))


def _cuts(place: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what} ({name})" for name, what in CUT.items() if place.get(name) in (True, "true"))
    factor = _number(place.get(SAMPLING))
    if factor is not None and factor < 1:
        yield f"is of a sample of {factor:.0%} of the users, scaled up ({SAMPLING} {factor:g})"
    if any(isinstance(place.get(name), str) and place[name] for name in NEXT):
        yield "is one page of several: ask for less at once"
    found, returned = _number(place.get("foundCount")), _number(place.get("returnedCount"))
    if found is not None and returned is not None and returned < found:
        yield f"has {returned:,.0f} of {found:,.0f} paths"


def _number(said: Any) -> float | None:
    """A number, which may come as text; what is called so may be anything in a list of properties."""
    try:
        return None if isinstance(said, bool) else float(said)
    except (TypeError, ValueError):
        return None
