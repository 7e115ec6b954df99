"""What every test stands on: a clean environment, the sandbox over real HTTP, a registered DuckDB."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
from hypothesis import HealthCheck, settings

import mixpanel_data
from mixpanel_data.cli.printing import AGENTS
from mixpanel_data.client import Budget, retry
from mixpanel_data.client.journal import sandbox_journal
from mixpanel_data.client.limits import HOUR, LIMITS, Limits, Rate
from mixpanel_data.sandbox import Sandbox, shared
from tests.servers import RawServer, json_answer, raw_server

# Other examples each time, on every machine: Hypothesis by itself draws the same ones again and again in CI. A failure
# prints its very example, and the run its seed, so no folder of examples is kept.
settings.register_profile(
    "random",
    deadline=None,
    derandomize=False,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("random")


def pytest_configure(config: pytest.Config) -> None:
    """One seed for the whole run, which pytest-xdist's workers get with the other options."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The seed, always: pytest's header, where it would belong, is not printed with ``-q``."""
    terminalreporter.write_line(f"examples were drawn with --hypothesis-seed={config.option.hypothesis_seed}")


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the whole run, so that the reports are prepared once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache_folder: Path) -> None:
    """No credentials or requests of whoever runs the tests, and no real waits between tries."""
    for name in [name for name in os.environ if name.startswith("MP_") or name in AGENTS]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MP_CONFIG_PATH", str(tmp_path / "config.toml"))
    monkeypatch.setenv("MP_DATA_DIR", str(tmp_path / "databases"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.001)
    monkeypatch.setitem(LIMITS, Budget.EXPORT, Limits((Rate(60, HOUR),), at_once=5))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The sandbox that the account of that name reaches, with nothing logged and no faults."""
    sandbox = shared()
    sandbox.requests.clear()
    sandbox.faults.clear()
    sandbox_journal.cache_clear()
    yield sandbox
    sandbox.faults.clear()


@pytest.fixture
def con(sandbox: Sandbox) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB with the functions, reading the sandbox."""
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        yield con


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch):
    """Makes the environment's credentials lead to a server of the test's own."""

    def point(url: str, *, secret: str = "s3cr3t-välue", project: str = "1", username: str = "robot") -> None:
        monkeypatch.setenv("MP_API_BASE_URL", url)
        monkeypatch.setenv("MP_USERNAME", username)
        monkeypatch.setenv("MP_SECRET", secret)
        monkeypatch.setenv("MP_PROJECT_ID", project)

    return point


@pytest.fixture
def answering(point_at: Callable[..., None]) -> Iterator[Callable[[dict[str, Any]], tuple[Any, RawServer]]]:
    """A DuckDB over a Mixpanel that answers each path with this JSON (or these bytes), and any other path with 404."""
    with ExitStack() as stack:

        def start(answers: dict[str, Any]) -> tuple[duckdb.DuckDBPyConnection, RawServer]:
            def reply(target: str) -> bytes:
                path = urlsplit(target).path
                if path not in answers:
                    return json_answer({"error": "no such thing"}, "404 Not Found")
                found = answers[path]
                return found if isinstance(found, bytes) else json_answer(found)

            server = stack.enter_context(raw_server(reply))
            point_at(server.url)
            con = stack.enter_context(duckdb.connect())
            mixpanel_data.register(con)
            return con, server

        yield start


@pytest.fixture
def reach(sandbox: Sandbox) -> dict[str, str]:
    """The environment in which another process reaches this process's sandbox."""
    return {
        "MP_API_BASE_URL": sandbox.url,
        "MP_USERNAME": "sandbox",
        "MP_SECRET": "sandbox-secret",
        "MP_PROJECT_ID": "1",
    }
