"""Which failures are worth another try, and how long to wait before it."""

from __future__ import annotations

from collections.abc import Collection

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential,
    wait_random,
)

from ..exceptions import IncompleteExportError, QueryError, RateLimitError, ServerError, TransportError
from .limits import HOUR
from .progress import SHORT, Reporter

ATTEMPTS = 5
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0


def attempts(reporter: Reporter, known: Collection[str] = (), *, is_free: bool = False) -> AsyncRetrying:
    """Tries in a row: growing, jittered waits on what may pass; none on what will not (400 to 404, and an answer at
    status 200 that is none and comes a second time).

    After a 429 that says how long the budget is closed, the budget itself makes the next try wait; what is free of it
    waits here. A call that waits is refused as often as it takes. An error that comes with status 200 may pass, but is
    worth another try only where that is free.
    """
    answers = {*known}
    failures: list[BaseException | None] = []

    def may_pass(error: BaseException) -> bool:
        if not reporter.waits and isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
            return False  # who does not wait would rather know at once
        answer = getattr(error, "answer", None)
        if answer in answers:
            return False
        if answer is not None:
            answers.add(answer)
        if isinstance(error, QueryError):
            return is_free and answer is not None
        if isinstance(error, RateLimitError):
            # No window is longer than an hour: a longer wait is a mistake, or a refusal.
            longest = HOUR if reporter.waits else SHORT
            return error.retry_after is None or error.retry_after <= longest
        if isinstance(error, ServerError):
            return not 300 <= error.details.get("status", 0) < 400
        if isinstance(error, TransportError):
            return "tls" not in error.details  # a certificate stays what it is
        return isinstance(error, IncompleteExportError)

    def wait(state: RetryCallState) -> float:
        closed = getattr(_error(state), "retry_after", None) or 0.0
        if closed and not is_free:
            return 0.0
        growing = wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT) + wait_random(0, FIRST_WAIT)
        return max(closed, growing(state))

    def stop(state: RetryCallState) -> bool:
        if not (reporter.waits and isinstance(_error(state), RateLimitError)):
            failures.append(_error(state))
        return len(failures) >= ATTEMPTS

    def tell(state: RetryCallState) -> None:
        seconds = state.next_action.sleep if state.next_action else 0
        why = f"waiting {seconds:,.0f} s, then try {state.attempt_number + 1}: {_error(state)}"
        reporter.will_wait(seconds, why)

    def told(state: RetryCallState) -> None:
        if state.attempt_number > 1:
            reporter.waiting(None)

    return AsyncRetrying(
        stop=stop,
        wait=wait,
        retry=retry_if_exception(may_pass),
        before=told,
        before_sleep=tell,
        reraise=True,
    )


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
