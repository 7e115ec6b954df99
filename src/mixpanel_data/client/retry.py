"""Which failures are worth another try, and how long to wait before it."""

from __future__ import annotations

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential,
    wait_random,
)

from ..exceptions import BadLineError, IncompleteExportError, QueryError, RateLimitError, ServerError, TransportError
from .limits import HOUR
from .progress import SHORT, Reporter

ATTEMPTS = 5
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
UNREACHED = httpx.ConnectError | httpx.ConnectTimeout


def attempts(reporter: Reporter, *, is_free: bool = False) -> AsyncRetrying:
    """Tries in a row: growing, jittered waits on what may pass; none on what will not (400 to 404, and an answer at
    status 200 that is none and comes a second time).

    After a 429 that says how long the budget is closed, the budget itself makes the next try wait; what is free of it
    waits here. A call that waits is refused as often as it takes. An error that comes with status 200 may pass, but is
    worth another try only where that is free.

    Args:
        reporter: told of each wait; it knows whether the call waits.
        is_free: whether the request costs nothing.
    """
    policy = _Policy(reporter, is_free)
    return AsyncRetrying(
        stop=policy.stop,
        wait=policy.seconds,
        retry=retry_if_exception(policy.may_pass),
        before=policy.begin,
        before_sleep=policy.report,
        reraise=True,
    )


class _Policy:
    """What becomes of the failures of one call."""

    def __init__(self, reporter: Reporter, is_free: bool) -> None:
        self._reporter = reporter
        self._answers: set[str] = set()
        self._is_free = is_free
        self._failures = 0

    def may_pass(self, error: BaseException) -> bool:
        answer = getattr(error, "answer", None)
        return not self._is_known(answer) and self._is_passing(error, answer)

    def _is_known(self, answer: str | None) -> bool:
        """Whether it came before; from now on it has."""
        if answer is None or answer in self._answers:
            return answer is not None
        self._answers.add(answer)
        return False

    def _is_passing(self, error: BaseException, answer: str | None) -> bool:
        match error:
            case BadLineError():
                return False  # who asked decides, since several bodies may have one
            case QueryError():
                return self._is_free and answer is not None
            case RateLimitError():
                # No window is longer than an hour: a longer wait is a mistake, or a refusal.
                longest = HOUR if self._reporter.waits else SHORT
                return error.retry_after is None or error.retry_after <= longest
            case ServerError():
                return not 300 <= error.details.get("status", 0) < 400
            case TransportError() if not self._reporter.waits and isinstance(error.__cause__, UNREACHED):
                return False  # who does not wait would rather know at once
            case TransportError():
                return "tls" not in error.details  # a certificate stays what it is
        return isinstance(error, IncompleteExportError)

    def seconds(self, state: RetryCallState) -> float:
        """How long to wait before the next try."""
        closed = getattr(_error(state), "retry_after", None) or 0.0
        if closed and not self._is_free:
            return 0.0
        growing = wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT) + wait_random(0, FIRST_WAIT)
        return max(closed, growing(state))

    def stop(self, state: RetryCallState) -> bool:
        is_refused = isinstance(_error(state), RateLimitError)
        self._failures += not (self._reporter.waits and is_refused)
        return self._failures >= ATTEMPTS

    def report(self, state: RetryCallState) -> None:
        seconds = state.next_action.sleep if state.next_action else 0
        why = f"waiting {seconds:,.0f} s, then try {state.attempt_number + 1}: {_error(state)}"
        self._reporter.will_wait(seconds, why)

    def begin(self, state: RetryCallState) -> None:
        if state.attempt_number > 1:
            self._reporter.waiting(None)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
