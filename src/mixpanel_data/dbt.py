"""The functions in dbt, where it works on DuckDB (dbt-duckdb): ``profiles.yml`` names this module.

.. code-block:: yaml

    type: duckdb
    plugins:
      - module: mixpanel_data.dbt
        config: {account: staging}

Then any model may say ``SELECT * FROM mixpanel.export('2024-01-01', '2024-01-31')``.
"""

from __future__ import annotations

from typing import Any, NoReturn

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import SourceConfig
from dbt_common.exceptions import DbtRuntimeError
from pydantic import BaseModel, ConfigDict, ValidationError

from .binding import add_short_names, register
from .exceptions import MixpanelDataError


class Config(BaseModel):
    """What ``config`` may say."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    account: str | None = None
    """A name from the configuration file, or ``sandbox``; as in :func:`register` if there is none, or an empty one."""
    wait: bool = True
    """Whether a model waits when the request budget is spent; otherwise it fails at once."""


class Plugin(BasePlugin):
    """Every function on every connection that dbt opens: ``mixpanel.export(…)`` and ``mixpanel_export(…)``."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Reads ``config``.

        Raises:
            DbtRuntimeError: it says something else than an account and whether to wait.
        """
        # dbt-duckdb adds the profile's DuckDB settings to it.
        others = self.creds.settings or {} if self.creds else {}
        self._config = _validated({name: value for name, value in plugin_config.items() if name not in others})

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the functions, once for all threads.

        Raises:
            DbtRuntimeError: no account of that name is configured, or the configuration cannot be used.
        """
        try:
            self._registration = register(conn, account=self._config.account or None, wait=self._config.wait)
        except MixpanelDataError as error:  # of others than its own dbt would show a traceback
            raise DbtRuntimeError(error.message) from None

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Adds the short names, which are of one connection, to that of a thread."""
        add_short_names(cursor, self._registration)

    def load(self, source_config: SourceConfig) -> NoReturn:
        """Refuses to copy a source, which dbt would do anew for every model that reads it.

        Raises:
            DbtRuntimeError: always; says what to write instead.
        """
        raise DbtRuntimeError(
            f"source {source_config.name}: write external_location: \"mixpanel.export('2024-01-01', '2024-01-31')\" "
            "instead of plugin"
        )


def _validated(config: dict[str, Any]) -> Config:
    try:
        return Config.model_validate(config)
    except ValidationError as error:
        # Only names and rules: what was given may be a secret.
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
    raise DbtRuntimeError(f"the config of mixpanel_data.dbt takes account and wait (true or false): {wrong}")
