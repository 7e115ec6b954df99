"""Mixpanel's endpoints as they are, for what no method covers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..lenient import read_json
from .session import Session


class MixpanelAPI:
    """Any endpoint of Mixpanel's Query and App APIs that only reads. Its answers are counted, tried again and refused
    like those of every method; a path that cannot be asked for is an ArgumentError."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The answer to a GET, as Python has JSON. In the shell: ``mp raw get``.

        Args:
            path: beginning with ``/api/query/`` (or ``/api/2.0/``, as it was called before) or ``/api/app/``;
                ``{project_id}`` in it stands for the project.
            params: what goes into the query.

        >>> "Purchase" in ws.api.get("/api/query/events/names", {"type": "general"})
        True
        """
        return self._ask("get", path, params)

    def post(self, path: str, data: Mapping[str, Any] | None = None) -> Any:
        """The answer to a POST, as Python has JSON; only of the Query API, where nothing can be changed.

        Args:
            path: beginning with ``/api/query/``, or ``/api/2.0/``.
            data: what goes into the form.

        >>> script = '''function main() {
        ...   return Events({from_date: "2024-01-01", to_date: "2024-01-01"}).reduce(mixpanel.reducer.count())
        ... }'''
        >>> ws.api.post("/api/2.0/jql", data={"script": script})
        [3885]
        """
        return self._ask("post", path, data)

    def _ask(self, function: str, path: str, given: Mapping[str, Any] | None) -> Any:
        rows = self._session.ask(function, path=path, params=json.dumps(given, default=str) if given else None)
        return read_json(rows.column("value")[0].as_py())
