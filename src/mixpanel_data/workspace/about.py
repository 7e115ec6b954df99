"""What can be asked, what was asked, and what may still be asked."""

from __future__ import annotations

from ..types import BudgetInfo, FunctionInfo, RequestInfo
from .session import Session
from .statement import call

FUNCTIONS = """
SELECT name, doc,
  list_transform(
    parameters, lambda p : if(p."default" = 'required', p.name, concat(p.name, ' := ', p."default"))
  ) AS parameters,
  cost, example
FROM """
REQUESTS = """
SELECT started_at, budget, endpoint, account, project_id, from_date, to_date, attempt, status, error, rows, bytes,
  seconds, counted
FROM """


class About(Session):
    """The functions themselves, and the requests behind them. Nothing here asks Mixpanel."""

    def functions(self) -> list[FunctionInfo]:
        """The table functions that SQL can use: what they return, what a call costs, and an example.

        In the shell: ``mp inspect functions``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [function.name for function in ws.functions() if "budget" in function.name]
            ['mixpanel_budget']
        """
        return self._each(FunctionInfo, call("functions").inside(FUNCTIONS))

    def requests(self, limit: int = 20) -> list[RequestInfo]:
        """The last requests to Mixpanel from this machine, the newest first, whichever process sent them.

        In the shell: ``mp inspect requests``.

        Args:
            limit: at most so many.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     _ = ws.events()
            ...     ws.requests(limit=1)[0].endpoint
            'GET /api/query/events/names'
        """
        return self._each(RequestInfo, call("requests").inside(REQUESTS, " LIMIT $most", most=limit))

    def budget(self) -> list[BudgetInfo]:
        """What is left of the project's request budgets.

        In the shell: ``mp inspect budget``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [budget.budget for budget in ws.budget()]
            ['query', 'export']
        """
        return self._each(BudgetInfo, call("budget").inside("FROM "))
