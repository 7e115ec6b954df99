"""Where the functions can be seen, and what is left behind when they are gone."""

from __future__ import annotations

import gc
import threading
import warnings
from pathlib import Path

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import AccountNotFoundError, ConfigError, MixpanelDataWarning
from mixpanel_data.sandbox import Sandbox

COUNT = "SELECT count(*) FROM {}('2024-01-01', '2024-01-01')"


def count(con: duckdb.DuckDBPyConnection, name: str = "mixpanel_export") -> int:
    (found,) = con.execute(COUNT.format(name)).fetchall()[0]
    return found


@pytest.fixture
def plain(sandbox: Sandbox):
    with duckdb.connect() as con:
        yield con


def test_short_and_long_names(con: duckdb.DuckDBPyConnection) -> None:
    assert count(con) == count(con, "mixpanel.export") == count(con, "mixpanel.main.export") > 1000


def test_long_names_work_on_every_cursor_and_thread(con: duckdb.DuckDBPyConnection) -> None:
    found: list[int] = []

    def ask() -> None:
        with con.cursor() as cursor:
            found.append(count(cursor, "mixpanel.export"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [count(con)] * 4


def test_a_cursor_is_told_the_long_name(con: duckdb.DuckDBPyConnection) -> None:
    with (
        con.cursor() as cursor,
        pytest.raises(duckdb.CatalogException, match="mixpanel_export does not exist"),
    ):
        cursor.execute("FROM mixpanel_export('2024-01-01', '2024-01-01')")


def test_registering_twice_is_harmless(con: duckdb.DuckDBPyConnection) -> None:
    before = count(con)
    mixpanel_data.register(con, account="sandbox")
    assert count(con) == count(con, "mixpanel.export") == before
    with pytest.raises(duckdb.Error, match="mixpanel_data"):
        con.execute("FROM mixpanel_data.export('2024-01-01', '2024-01-01')")


@pytest.mark.parametrize(
    "listed",
    [
        "SHOW TABLES",
        "SHOW ALL TABLES",
        "SHOW DATABASES",
        "SELECT table_name FROM information_schema.tables",
        "SELECT view_name FROM duckdb_views() WHERE NOT internal",
        "SELECT column_name FROM duckdb_columns() WHERE NOT internal",
    ],
)
def test_nothing_of_ours_is_listed(plain: duckdb.DuckDBPyConnection, listed: str) -> None:
    before = plain.execute(listed).fetchall()
    mixpanel_data.register(plain, account="sandbox")
    assert plain.execute(listed).fetchall() == before


def test_a_second_connection_to_the_same_database(tmp_path: Path, sandbox: Sandbox) -> None:
    with duckdb.connect(tmp_path / "x.db") as one, duckdb.connect(tmp_path / "x.db") as two:
        mixpanel_data.register(one, account="sandbox")
        mixpanel_data.register(two, account="sandbox")
        assert count(one) == count(two)


def test_unregister_takes_everything_away(con: duckdb.DuckDBPyConnection) -> None:
    def objects() -> list[tuple[str, ...]]:
        return con.execute(
            "SELECT database_name, function_name FROM duckdb_functions() WHERE NOT internal OR function_name LIKE '%mixpanel%' UNION ALL "
            "SELECT database_name, view_name FROM duckdb_views() WHERE NOT internal UNION ALL "
            "SELECT database_name, 'database' FROM duckdb_databases() WHERE NOT internal"
        ).fetchall()

    assert len(objects()) > 5
    mixpanel_data.unregister(con)
    assert objects() == [("memory", "database")]
    for name in ("mixpanel.export", "mixpanel_export"):
        with pytest.raises(duckdb.Error, match="does not exist"):
            count(con, name)
    mixpanel_data.unregister(con)


def test_a_file_that_is_open_only_for_reading(tmp_path: Path, sandbox: Sandbox) -> None:
    duckdb.connect(tmp_path / "mine.db").close()
    with duckdb.connect(tmp_path / "mine.db", read_only=True) as con:
        mixpanel_data.register(con, account="sandbox")
        assert con.execute("SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')").fetchall() == [(3885,)]


def test_nothing_is_left_in_the_users_file(tmp_path: Path, sandbox: Sandbox) -> None:
    with duckdb.connect(tmp_path / "mine.db") as con:
        con.execute("CREATE TABLE mine AS SELECT 42 AS answer")
        mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE day AS FROM mixpanel_export('2024-01-01', '2024-01-01')")
    with duckdb.connect(tmp_path / "mine.db") as con:
        assert con.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall() == [
            ("day",),
            ("mine",),
        ]
        assert con.execute("FROM duckdb_views() WHERE NOT internal").fetchall() == []
        assert con.execute("FROM duckdb_functions() WHERE NOT internal").fetchall() == []
        query = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'mine'"
        assert con.execute(query).fetchall() == [("main",)]


def test_search_path_is_as_before(plain: duckdb.DuckDBPyConnection) -> None:
    plain.execute("""CREATE SCHEMA "my 'odd, ""schema"; USE "my 'odd, ""schema" """)
    query = "SELECT current_database(), current_schema(), current_schemas(true)"
    before = plain.execute(query).fetchall()
    mixpanel_data.register(plain, account="sandbox")
    assert plain.execute(query).fetchall() == before
    assert count(plain) > 0


@pytest.mark.parametrize("taken", ["ATTACH ':memory:' AS mixpanel", "CREATE SCHEMA mixpanel"])
def test_a_taken_name_is_left_alone_and_said(plain: duckdb.DuckDBPyConnection, taken: str) -> None:
    plain.execute(taken)
    with pytest.warns(MixpanelDataWarning, match=r"the functions are mixpanel_data\.export"):
        registration = mixpanel_data.register(plain, account="sandbox")
    assert registration.catalog == "mixpanel_data"
    assert count(plain) == count(plain, "mixpanel_data.export")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mixpanel_data.register(plain, account="sandbox")
    mixpanel_data.unregister(plain)


def test_a_database_file_called_mixpanel(tmp_path: Path, sandbox: Sandbox) -> None:
    with duckdb.connect(tmp_path / "mixpanel.db") as con:
        with pytest.warns(MixpanelDataWarning):
            mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE day AS FROM mixpanel_export('2024-01-01', '2024-01-01')")
        assert con.execute("SELECT count(*) FROM mixpanel.day").fetchall() == [(count(con),)]


def test_a_schema_of_that_name_made_later_leaves_the_short_names_working(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("CREATE SCHEMA mixpanel")
    assert count(con) > 0


def test_inside_a_transaction_registering_is_refused_in_words(plain: duckdb.DuckDBPyConnection) -> None:
    plain.execute("BEGIN; CREATE TABLE mine (i INT)")
    with pytest.raises(ConfigError, match="COMMIT or ROLLBACK first"):
        mixpanel_data.register(plain, account="sandbox")
    plain.execute("ROLLBACK")
    mixpanel_data.register(plain, account="sandbox")
    assert count(plain) > 0


def test_when_the_registered_connection_is_gone_others_go_on_or_are_told(tmp_path: Path, sandbox: Sandbox) -> None:
    two = duckdb.connect(tmp_path / "x.db")
    with duckdb.connect(tmp_path / "x.db") as one:
        mixpanel_data.register(one, account="sandbox")
        assert count(two, "mixpanel.export") > 0
    if duckdb.__version__.startswith("1."):
        with pytest.raises(duckdb.Error, match=r"call mixpanel_data\.register again"):
            count(two, "mixpanel.export")
    else:
        assert count(two, "mixpanel.export") > 0
    mixpanel_data.register(two, account="sandbox")
    assert count(two) > 0
    two.close()


def test_a_dropped_connection_frees_its_database(tmp_path: Path, sandbox: Sandbox) -> None:
    con = duckdb.connect(tmp_path / "x.db")
    mixpanel_data.register(con, account="sandbox")
    count(con)
    del con
    gc.collect()
    # DuckDB refuses another configuration while an instance of the file is still open.
    with duckdb.connect(tmp_path / "x.db", read_only=True) as again:
        assert again.execute("SELECT 1").fetchall() == [(1,)]


def test_the_default_connection(sandbox: Sandbox) -> None:
    mixpanel_data.register(account="sandbox")
    assert count(duckdb.default_connection()) > 0
    mixpanel_data.unregister()


def test_an_unknown_account_is_refused_at_once(plain: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(AccountNotFoundError, match="no account 'nosuch'"):
        mixpanel_data.register(plain, account="nosuch")


def test_without_credentials_what_needs_none_works(plain: duckdb.DuckDBPyConnection) -> None:
    mixpanel_data.register(plain)
    assert len(plain.execute("FROM mixpanel_functions()").fetchall()) > 2
    with pytest.raises(duckdb.Error, match="no Mixpanel credentials: set MP_USERNAME"):
        plain.execute("FROM mixpanel_events()").fetchall()


def test_several_accounts_at_once(
    plain: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    section = '[accounts.{}]\nusername="{}"\nsecret="sandbox-secret"\nproject_id="{}"\n'
    config = tmp_path / "config.toml"
    config.write_text(section.format("good", "sandbox", 1) + section.format("bad", "stranger", 2))
    config.chmod(0o600)
    monkeypatch.setenv("MP_API_BASE_URL", sandbox.url)
    mixpanel_data.register(plain, account="good")
    query = "SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01', account := '{}')"
    good, named = (
        plain.execute(query.format("good")).fetchall(),
        plain.execute(query.format("sandbox")).fetchall(),
    )
    assert good == named == [(count(plain),)]
    with pytest.raises(duckdb.Error, match="refused the credentials for project 2 in region us"):
        plain.execute(query.format("bad"))
    with pytest.raises(duckdb.Error, match="no account 'other'"):
        plain.execute(query.format("other"))
