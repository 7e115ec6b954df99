"""The example project, built by dbt itself over real HTTP; and what dbt shows and keeps when something is wrong."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.sandbox import Fault, Sandbox
from tests.binding.test_stopping import eventually

pytest.importorskip("dbt.adapters.duckdb", reason="dbt-duckdb is not installed")

DBT = str(Path(sys.executable).with_name("dbt"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "dbt"
JANUARY = "mixpanel_export('2024-01-01', '2024-01-31')"
REVENUE = "SELECT properties->>'$.plan', count(*), sum((properties->>'$.amount')::DECIMAL(18, 2))"

SNAPSHOT_AND_UNIT_TEST = """
sources:
  - name: mixpanel
    tables:
      - name: cohorts
        config: {meta: {external_location: mixpanel.cohorts()}}
snapshots:
  - name: cohorts_over_time
    relation: source('mixpanel', 'cohorts')
    config: {unique_key: id, strategy: check, check_cols: all}
unit_tests:
  - name: revenue
    model: revenue_by_plan
    given:
      - input: ref('stg_purchases')
        rows: [{plan: free, amount: 2}, {plan: free, amount: 3}]
    expect:
      rows: [{plan: free, purchases: 2, revenue: 5}]
"""

EVENT_SOURCE = """
sources:
  - name: mixpanel
    schema: main
    tables: [{name: event}]
"""
READ_BY_THE_PACKAGE = {
    "VARCHAR": "_fivetran_id name distinct_id insert_id properties ae_session_length app_build_number "
    "app_version_string bluetooth_version brand browser carrier city current_url device device_id "
    "distinct_id_before_identity google_play_services initial_referrer initial_referring_domain lib_version "
    "manufacturer model mp_country_code mp_keyword mp_lib os os_version radio referrer referring_domain region "
    "search_engine",
    "TIMESTAMP": "_fivetran_synced time",
    "BOOLEAN": "bluetooth_enabled has_nfc has_telephone wifi",
    "INTEGER": "browser_version screen_dpi screen_height screen_width",
    "BIGINT": "mp_processing_time_ms",
}
"""What fivetran/dbt_mixpanel selects from its source, and as what."""


@dataclass
class Project:
    """A copy of the example, in a folder of its own, that reads with the environment's credentials."""

    folder: Path

    def call(self, *arguments: str, **more: str) -> dict[str, Any]:
        """How a process is started that runs dbt."""
        quiet = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_USE_COLORS": "false"}
        return {
            "args": [DBT, *arguments],
            "cwd": self.folder,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
            "env": {**os.environ, **quiet, "DBT_PROFILES_DIR": str(self.folder), "SHOP_ACCOUNT": "", **more},
        }

    def dbt(self, *arguments: str, fails: bool = False, **more: str) -> str:
        """What dbt printed."""
        done = subprocess.run(**self.call(*arguments, **more), timeout=90)
        assert bool(done.returncode) == fails, done.stdout
        return done.stdout

    def rows(self, query: str) -> list[Any]:
        with duckdb.connect(str(self.folder / "shop.duckdb"), read_only=True) as con:
            return con.execute(query).fetchall()

    def model(self, name: str, text: str) -> None:
        (self.folder / "models" / f"{name}.sql").write_text(text)

    def configure(self, config: str) -> None:
        """Has profiles.yml say this of the plugin."""
        profiles = self.folder / "profiles.yml"
        kept, _, _ = profiles.read_text().partition("          config:")
        profiles.write_text(f"{kept}          config: {config}\n")


@pytest.fixture
def mixpanel(point_at: Callable[..., None]) -> Iterator[Sandbox]:
    """A small Mixpanel that the environment's credentials lead to."""
    with Sandbox(sessions=50) as sandbox:
        point_at(sandbox.url, username=sandbox.username, secret=sandbox.secret)
        yield sandbox


@pytest.fixture
def project(tmp_path: Path, mixpanel: Sandbox) -> Project:
    shutil.copytree(EXAMPLE, tmp_path / "shop", ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    return Project(tmp_path / "shop")


def asked(query: str) -> list[Any]:
    """What the functions themselves answer."""
    with duckdb.connect() as con:
        mixpanel_data.register(con)
        return con.execute(query).fetchall()


def exports(mixpanel: Sandbox) -> list[dict[str, str]]:
    """The exports asked for since last time."""
    found = [request.params for request in mixpanel.requests if request.path.endswith("/export")]
    mixpanel.requests.clear()
    return found


def test_the_example_gives_the_figures_of_the_functions(project: Project) -> None:
    assert "ERROR=0" in project.dbt("build")
    active = "SELECT event_time::DATE AS day, count(DISTINCT distinct_id), count(*)"
    assert project.rows("FROM daily_active_users ORDER BY day") == asked(
        f"{active} FROM {JANUARY} GROUP BY 1 ORDER BY 1"
    )
    revenue = f"{REVENUE} FROM {JANUARY} WHERE event_name = 'Purchase' GROUP BY 1 ORDER BY 1"
    assert project.rows("FROM revenue_by_plan ORDER BY plan") == asked(revenue)
    assert project.rows("SELECT function_name FROM duckdb_functions() WHERE NOT internal") == []


def test_the_example_needs_no_credentials(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MP_API_BASE_URL", "MP_USERNAME", "MP_SECRET", "MP_PROJECT_ID"):
        monkeypatch.delenv(name)
    project.dbt("run", "--select", "stg_events", SHOP_ACCOUNT="sandbox")
    assert project.rows("SELECT count(*) FROM stg_events") == [(111_948,)]


def test_the_incremental_model_asks_for_the_last_days_only(project: Project, mixpanel: Sandbox) -> None:
    only = ("run", "--select", "stg_purchases")
    everything = asked(f"SELECT count(*), count(DISTINCT insert_id) FROM {JANUARY} WHERE event_name = 'Purchase'")
    counts = "SELECT count(*), count(DISTINCT insert_id) FROM stg_purchases"

    project.dbt(*only, "--vars", "to_date: '2024-01-10'")
    assert project.rows("SELECT max(event_time)::DATE::VARCHAR FROM stg_purchases") == [("2024-01-10",)]
    exports(mixpanel)

    project.dbt(*only)
    assert min(asked_for["from_date"] for asked_for in exports(mixpanel)) == "2024-01-05"
    assert project.rows(counts) == everything

    project.dbt(*only, "--full-refresh")
    assert min(asked_for["from_date"] for asked_for in exports(mixpanel)) == "2024-01-01"
    assert project.rows(counts) == everything


def test_an_incremental_model_may_compare_with_its_own_newest_row(project: Project) -> None:
    project.model(
        "newer",
        "{{ config(materialized='incremental') }} FROM mixpanel_export('2024-01-01', '{{ var(\"to_date\") }}')"
        "{% if is_incremental() %} WHERE event_time > (SELECT max(event_time) FROM {{ this }}) {% endif %}",
    )
    for _ in range(2):
        project.dbt("run", "--select", "newer", "--vars", "to_date: '2024-01-02'")
        assert project.rows("SELECT count(*) FROM newer") == asked(
            "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-02')"
        )
    project.dbt("run", "--select", "newer", "--vars", "to_date: '2024-01-03'")
    assert project.rows("SELECT count(*) FROM newer") == asked(
        "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-03')"
    )


def test_models_run_at_the_same_time_under_either_name(project: Project) -> None:
    for day in range(1, 9):
        name = "mixpanel_export" if day % 2 else "mixpanel.export"
        project.model(f"day_{day}", f"SELECT count(*) AS events FROM {name}('2024-01-0{day}', '2024-01-0{day}')")
    assert "Concurrency: 4 threads" in project.dbt("run", "--select", "day_*")
    for day in range(1, 9):
        (events,) = asked(f"SELECT count(*) FROM mixpanel_export('2024-01-0{day}', '2024-01-0{day}')")
        assert project.rows(f"FROM day_{day}") == [events]


def test_a_source_may_be_a_function(project: Project) -> None:
    (project.folder / "models" / "sources.yml").write_text("""
sources:
  - name: mixpanel
    tables:
      - name: january
        config:
          meta: {external_location: "mixpanel.export('{{ var(\\"from_date\\") }}', '2024-01-31')"}
      - name: copied
        config:
          meta: {plugin: dbt}
""")
    project.model("signups", "SELECT count(*) FROM {{ source('mixpanel', 'january') }} WHERE event_name = 'Sign Up'")
    project.dbt("run", "--select", "signups")
    assert project.rows("FROM signups") == asked(f"SELECT count(*) FROM {JANUARY} WHERE event_name = 'Sign Up'")
    project.model("copy", "FROM {{ source('mixpanel', 'copied') }}")
    refused = project.dbt("run", "--select", "copy", fails=True)
    assert 'source copied: write external_location: "mixpanel.export(' in refused


def test_events_have_the_shape_that_the_package_for_mixpanel_reads(project: Project, mixpanel: Sandbox) -> None:
    types = {name: type_ for type_, names in READ_BY_THE_PACKAGE.items() for name in names.split()}
    (project.folder / "models" / "sources.yml").write_text(EVENT_SOURCE)
    project.model("event", "FROM mixpanel.local.dbt_event('{{ ref(\"stg_events\") }}')")
    project.model("staged", f"SELECT {', '.join(types)} FROM {{{{ source('mixpanel', 'event') }}}}")
    project.dbt("run", "--select", "+event")
    exports(mixpanel)
    project.dbt("run", "--select", "staged")
    assert exports(mixpanel) == []

    assert {name: type_ for name, type_, *_ in project.rows("DESCRIBE staged")} == types
    read = "name, time, distinct_id, city, screen_width, wifi"
    city, width = "properties->>'$.\"$city\"'", "(properties->>'$.\"$screen_width\"')::INTEGER"
    said = f"event_name, event_time, distinct_id, {city}, {width}, NULL"
    events = "mixpanel_export('2024-01-01', '2024-01-31', deduplicate := true)"
    assert project.rows(f"SELECT {read} FROM staged ORDER BY insert_id") == asked(
        f"SELECT {said} FROM {events} ORDER BY insert_id"
    )
    assert project.rows("SELECT count(*) - count(DISTINCT _fivetran_id) FROM staged") == [(0,)]


def test_every_kind_of_model_works(project: Project) -> None:
    project.model("names", "{{ config(materialized='view') }} FROM mixpanel.events()")
    project.model("funnels", "{{ config(materialized='ephemeral') }} FROM mixpanel_funnels()")
    project.model(
        "how_many", "SELECT (SELECT count(*) FROM {{ ref('names') }}), (SELECT count(*) FROM {{ ref('funnels') }})"
    )
    project.model("file", "{{ config(materialized='external', location='cohorts.parquet') }} FROM mixpanel_cohorts()")
    python = "def model(dbt, session):\n    return session.sql('SELECT count(*) FROM mixpanel_cohorts()')\n"
    (project.folder / "models" / "in_python.py").write_text(python)
    (project.folder / "models" / "more.yml").write_text(SNAPSHOT_AND_UNIT_TEST)
    chosen = ("+how_many", "file", "in_python", "cohorts_over_time", "+revenue_by_plan")
    assert "PASS revenue_by_plan::revenue" in project.dbt("build", "--select", *chosen)

    cohorts = asked("FROM mixpanel_cohorts()")
    assert project.rows("FROM how_many") == asked(
        "SELECT (SELECT count(*) FROM mixpanel_events()), (SELECT count(*) FROM mixpanel_funnels())"
    )
    assert duckdb.sql(f"FROM '{project.folder / 'cohorts.parquet'}'").fetchall() == cohorts
    assert project.rows("FROM in_python") == [(len(cohorts),)]
    assert (
        project.rows(
            "SELECT * EXCLUDE (dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to) FROM cohorts_over_time"
        )
        == cohorts
    )

    project.dbt("docs", "generate", "--select", "names")
    assert '"event_name"' in (project.folder / "target" / "catalog.json").read_text()


def test_a_failure_is_one_line_and_leaves_the_table_as_it_was(project: Project, mixpanel: Sandbox) -> None:
    project.model("misspelt", "FROM mixpanel.export('2024-01-01', '2024-01-02', events := ['Purchas'])")
    misspelt = project.dbt("run", "--select", "stg_events misspelt", "--vars", "to_date: '2024-01-02'", fails=True)
    assert "no event 'Purchas': did you mean 'Purchase'?" in misspelt
    assert "Traceback" not in misspelt

    mixpanel.faults.add(Fault(match="/export", status=401, body='{"error": "revoked"}', times=100))
    revoked = project.dbt("run", "--select", "stg_events+", fails=True)
    assert "Mixpanel refused the credentials for project 1" in revoked
    assert "SKIP relation main.daily_active_users" in revoked
    mixpanel.faults.clear()
    assert project.rows("SELECT count(*) FROM stg_events") == asked(
        "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-02')"
    )


def test_missing_credentials_say_what_to_set(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MP_USERNAME")
    monkeypatch.delenv("MP_SECRET")
    printed = project.dbt("run", "--select", "stg_events", fails=True)
    assert "no Mixpanel credentials: set MP_USERNAME, MP_SECRET and MP_PROJECT_ID" in printed


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("{acount: staging}", "takes account and wait (true or false): acount: Extra inputs are not permitted"),
        ("{wait: perhaps}", "takes account and wait (true or false): wait: Input should be a valid boolean"),
        ("{secret: hush-hush}", "takes account and wait (true or false): secret: Extra inputs are not permitted"),
    ],
)
def test_what_the_plugin_cannot_use_is_refused(project: Project, config: str, line: str) -> None:
    project.configure(config)
    printed = project.dbt("run", fails=True)
    assert line in printed
    assert "Traceback" not in printed
    assert "hush-hush" not in printed + everything_in(project.folder / "logs")


def test_an_unknown_account_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MP_USERNAME")
    monkeypatch.delenv("MP_SECRET")
    printed = project.dbt("run", fails=True, SHOP_ACCOUNT="stagin")
    assert "no account 'stagin' in" in printed
    assert "Traceback" not in printed


def test_nothing_that_dbt_keeps_has_a_secret(project: Project, mixpanel: Sandbox) -> None:
    project.model("misspelt", "FROM mixpanel_export('2024-01-01', '2024-01-02', events := ['Purchas'])")
    printed = project.dbt("--debug", "build", fails=True) + project.dbt("--debug", "debug")
    credentials = f"{mixpanel.username}:{mixpanel.secret}".encode()
    kept = everything_in(project.folder)
    assert "mixpanel_export('2024-01-01', '2024-01-02'" in kept
    for secret in (mixpanel.secret, base64.b64encode(credentials).decode()):
        assert secret not in printed + kept


def everything_in(folder: Path) -> str:
    """What its files say, whatever they are."""
    return "".join(file.read_bytes().decode("latin-1") for file in sorted(folder.rglob("*")) if file.is_file())


def test_ctrl_c_ends_what_waits_for_mixpanel(project: Project, mixpanel: Sandbox) -> None:
    mixpanel.faults.add(Fault(match="/export", hang=True, cut=0, times=100))
    with subprocess.Popen(**project.call("run", "--select", "stg_events")) as process:
        try:
            assert eventually(lambda: any(request.path.endswith("/export") for request in mixpanel.requests))
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "CANCEL query model.shop.stg_events" in printed
    assert project.rows("SHOW TABLES") == []
