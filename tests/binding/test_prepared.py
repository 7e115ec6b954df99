"""Local reports come out of a file that is made once, and out of their text where there can be no such file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import mixpanel_data

ASK = """
import duckdb, mixpanel_data
con = duckdb.connect()
mixpanel_data.register(con, account="sandbox")
con.execute("CREATE TABLE day AS FROM mixpanel_export('2024-01-02', '2024-01-02')")
print(con.sql("SELECT users FROM local_daily_active_users(day)").fetchall())
"""
ANSWER = [(702,)]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "mixpanel_data"


def users_of_a_day() -> list[tuple[int]]:
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE day AS FROM mixpanel_export('2024-01-02', '2024-01-02')")
        return con.sql("SELECT users FROM local_daily_active_users(day)").fetchall()


def test_the_first_time_and_later(cache: Path) -> None:
    assert users_of_a_day() == ANSWER
    (file,) = cache.iterdir()
    made = file.stat()
    assert users_of_a_day() == ANSWER
    assert [file] == list(cache.iterdir())
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


def test_the_file_is_what_is_read(cache: Path) -> None:
    users_of_a_day()
    (file,) = cache.iterdir()
    with duckdb.connect(str(file)) as con:
        taken = '(events, "by" := NULL, from_date := NULL, to_date := NULL, timezone := NULL)'
        con.execute(f"CREATE OR REPLACE MACRO local.daily_active_users{taken} AS TABLE SELECT 7 AS users")
    assert users_of_a_day() == [(7,)]


def test_a_file_that_is_none(cache: Path) -> None:
    users_of_a_day()
    (file,) = cache.iterdir()
    file.write_bytes(b"no database")
    assert users_of_a_day() == ANSWER


def test_no_folder_can_be_made(cache: Path) -> None:
    cache.touch()
    assert users_of_a_day() == ANSWER


def test_a_database_that_may_open_no_file(cache: Path) -> None:
    users_of_a_day()
    with duckdb.connect(config={"enable_external_access": "false"}) as con:
        mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE day AS FROM mixpanel_export('2024-01-02', '2024-01-02')")
        assert con.sql("SELECT users FROM local_daily_active_users(day)").fetchall() == ANSWER


def test_many_processes_at_once_for_the_first_time(cache: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in processes] == [str(ANSWER)] * 3
    assert len(list(cache.iterdir())) == 1


def test_registered_again() -> None:
    with duckdb.connect() as con:
        for _ in range(2):
            mixpanel_data.register(con, account="sandbox")
        con.execute("CREATE TABLE day AS FROM mixpanel_export('2024-01-02', '2024-01-02')")
        assert con.sql("SELECT users FROM local_daily_active_users(day)").fetchall() == ANSWER
