"""What can be asked, what was asked, and what may still be asked. Nothing here asks Mixpanel."""

from __future__ import annotations

from ..engine.statement import call
from ..types import BudgetInfo, FunctionInfo, RequestInfo
from .session import Session

FUNCTIONS = """
SELECT name, doc, cost, example,
  list_transform(parameters, lambda p : p.name || if(p."default" = 'required', '', ' := ' || p."default")) AS parameters
FROM """
REQUESTS = """
SELECT started_at, budget, endpoint, account, project_id, from_date, to_date, attempt, status, error, rows, bytes,
  seconds, counted
FROM """


def functions(session: Session) -> list[FunctionInfo]:
    """The table functions that SQL can use: what they return, what a call costs, and an example.
    In the shell: ``mp inspect functions``.

    >>> [function.name for function in ws.functions() if "budget" in function.name]
    ['mixpanel_budget']
    """
    return session.each(FunctionInfo, call("functions").wrap(FUNCTIONS))


def requests(session: Session, limit: int = 20) -> list[RequestInfo]:
    """The last requests to Mixpanel from this machine, the newest first, whichever process sent them.
    In the shell: ``mp inspect requests``.

    Args:
        limit: at most so many.

    >>> _ = ws.events()
    >>> ws.requests(limit=1)[0].endpoint
    'GET /api/query/events/names'
    """
    return session.each(RequestInfo, call("requests").wrap(REQUESTS, " LIMIT $most", most=limit))


def budget(session: Session) -> list[BudgetInfo]:
    """What is left of the project's request budgets. In the shell: ``mp inspect budget``.

    >>> [budget.budget for budget in ws.budget()]
    ['query', 'export']
    """
    return session.each(BudgetInfo, call("budget").wrap("FROM "))
