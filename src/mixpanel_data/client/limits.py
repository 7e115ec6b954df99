"""How much Mixpanel lets a project ask, as data.

Source: Mixpanel's reference of rate limits. The windows roll; the limits are the project's, whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

HOUR = 3600.0
MARGIN = 0.1
"""Seconds that a window is kept longer than Mixpanel does: of two requests, the later may be the quicker on its way."""
EXPORTS_AT_ONCE = 5
"""Mixpanel publishes 100, but some projects are refused more, and five bring more than one machine reads."""


class Budget(Enum):
    """What a request is paid from."""

    QUERY = "query"
    EXPORT = "export"
    LEXICON = "lexicon"
    APP = "app"


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.requests} {PERIODS[self.seconds]}"


@dataclass(frozen=True)
class Limits:
    """All that holds for one budget."""

    rates: tuple[Rate, ...] = ()
    at_once: int | None = None

    def with_hourly(self, requests: int) -> Limits:
        """The same, with another number of requests an hour."""
        rates = tuple(replace(rate, requests=requests) if rate.seconds == HOUR else rate for rate in self.rates)
        return replace(self, rates=rates)

    def __str__(self) -> str:
        parts = [str(rate) for rate in self.rates]
        if self.at_once is not None:
            parts.append(f"{self.at_once} at once")
        return ", ".join(parts)


PERIODS = {HOUR: "requests an hour", 60.0: "requests a minute", 1.0: "a second"}
LIMITS: Mapping[Budget, Limits] = {
    Budget.QUERY: Limits((Rate(60, HOUR),), at_once=5),
    Budget.EXPORT: Limits((Rate(60, HOUR), Rate(3, 1.0)), at_once=EXPORTS_AT_ONCE),
    Budget.LEXICON: Limits((Rate(5, 60.0),)),
    Budget.APP: Limits(),
}
SANDBOX_LIMITS: Mapping[Budget, Limits] = {
    Budget.QUERY: Limits((Rate(10_000, HOUR),), at_once=5),
    Budget.EXPORT: Limits((Rate(10_000, HOUR),), at_once=EXPORTS_AT_ONCE),
    Budget.LEXICON: Limits(),
    Budget.APP: Limits(),
}
"""The sandbox is there to be tried out, not to be waited for."""

COSTS: Mapping[Budget, str] = {
    Budget.QUERY: f"out of {LIMITS[Budget.QUERY]}, shared by all Query endpoints of the project",
    Budget.EXPORT: f"out of {LIMITS[Budget.EXPORT]} for the project",
    Budget.LEXICON: f"out of {LIMITS[Budget.LEXICON]} for the organization",
    Budget.APP: "for which Mixpanel publishes no limit",
}

NOT_COUNTED = frozenset({401, 402, 429})
"""Answers that Mixpanel does not charge for."""
