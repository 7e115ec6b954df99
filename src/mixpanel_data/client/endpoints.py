"""Where Mixpanel's APIs live: one host a family and region.

Source: Mixpanel's API reference (hosts by data residency).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote, urlsplit

from ..credentials import Credentials, Region
from .limits import Budget


class Api(Enum):
    """A family of endpoints that share a host and a time limit."""

    QUERY = "query"
    EXPORT = "export"
    APP = "app"


HOSTS: dict[Api, dict[Region, str]] = {
    Api.QUERY: {
        "us": "https://mixpanel.com/api/query",
        "eu": "https://eu.mixpanel.com/api/query",
        "in": "https://in.mixpanel.com/api/query",
    },
    Api.EXPORT: {
        "us": "https://data.mixpanel.com/api/2.0",
        "eu": "https://data-eu.mixpanel.com/api/2.0",
        "in": "https://data-in.mixpanel.com/api/2.0",
    },
    Api.APP: {
        "us": "https://mixpanel.com/api/app",
        "eu": "https://eu.mixpanel.com/api/app",
        "in": "https://in.mixpanel.com/api/app",
    },
}
PATHS = {Api.QUERY: "/api/query", Api.EXPORT: "/api/2.0", Api.APP: "/api/app"}

# Seconds without a byte before a connection counts as hung: a little more than the server's own
# deadlines (488 s and 120 s); an export may be silent for long before its first byte.
READ_TIMEOUT = {Api.QUERY: 503.0, Api.EXPORT: 900.0, Api.APP: 135.0}


@dataclass(frozen=True)
class Endpoint:
    """One thing Mixpanel can be asked. ``path`` may hold ``{project_id}``, and the names of parameters likewise."""

    api: Api
    path: str
    method: str = "GET"
    own_budget: Budget | None = None
    """For endpoints that do not share their API's."""
    free_with: str | None = None
    """A request with this parameter is not charged for."""
    takes_json: bool = False
    """Whether the body of a POST is JSON instead of a form."""

    @property
    def budget(self) -> Budget:
        return self.own_budget or Budget(self.api.value)

    @property
    def in_path(self) -> frozenset[str]:
        """The parameters that are parts of the path."""
        return frozenset(re.findall(r"{(\w+)}", self.path)) - {"project_id"}

    def is_free(self, params: Mapping[str, Any]) -> bool:
        """Whether a request with these parameters costs nothing of the budget."""
        return self.free_with is not None and bool(params.get(self.free_with))

    def url(self, credentials: Credentials, params: Mapping[str, Any]) -> str:
        base = HOSTS[self.api][credentials.region]
        if credentials.base_url is not None:
            base = credentials.base_url + PATHS[self.api]
        parts = {name: quote(str(params[name]), safe="") for name in self.in_path}
        return base + self.path.format(project_id=credentials.project_id, **parts)

    def host(self, credentials: Credentials) -> str | None:
        return urlsplit(credentials.base_url or HOSTS[self.api][credentials.region]).hostname

    def __str__(self) -> str:
        return f"{self.method} {PATHS[self.api]}{self.path}"
