"""Tables as files of other formats: all of them, or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mixpanel_data import (
    ArgumentError,
    QueryError,
    StorageError,
    TableNotFoundError,
    Workspace,
)
from mixpanel_data.sandbox import Sandbox

DAY = {"from_date": "2024-01-01", "to_date": "2024-01-01"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "databases").mkdir()
    return tmp_path / "databases" / "shop.db"


@pytest.fixture
def ws(sandbox: Sandbox, path: Path) -> Iterator[Workspace]:
    with Workspace("sandbox", path=path, wait=False) as workspace:
        yield workspace


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def read(file: Path) -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(f"FROM '{file}' ORDER BY ALL").fetchall()


def inside(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("ending", ["parquet", "csv", "json", "jsonl", "ndjson", "CSV"])
def test_one_table_as_one_file(ws: Workspace, out: Path, ending: str) -> None:
    ws.fetch_events(events=["Purchase"], **DAY)
    file = out / f"purchases.{ending}"
    assert ws.export(file, "EVENTS") == [file]
    assert inside(out) == [file.name]
    assert [row[:4] for row in read(file)] == [row[:4] for row in ws.sql_rows("FROM events ORDER BY ALL")]
    amounts = "SELECT sum((properties->>'$.amount')::DECIMAL(12, 2)) FROM "
    assert duckdb.sql(f"{amounts}'{file}'").fetchall() == ws.sql_rows(f"{amounts} events")


def test_the_two_kinds_of_json(ws: Workspace, out: Path) -> None:
    ws.sql("""CREATE TABLE t AS SELECT unnest([1, 2]) AS one, '{"a": [1.10]}'::JSON AS properties""")
    ws.export(out / "t.json", "t")
    ws.export(out / "t.jsonl", "t")
    rows = [{"one": one, "properties": {"a": [1.1]}} for one in (1, 2)]
    assert json.loads((out / "t.json").read_text()) == rows
    assert [json.loads(line) for line in (out / "t.jsonl").read_text().splitlines()] == rows


@pytest.mark.parametrize("form", [None, "csv", "json"])
def test_all_tables_into_a_folder(ws: Workspace, tmp_path: Path, form: Any) -> None:
    ws.fetch_events(**DAY)
    ws.fetch_profiles()
    ws.sql(
        "CREATE TABLE mine AS SELECT 1 AS one; CREATE VIEW looks AS FROM mine; CREATE TEMP TABLE passing AS FROM mine"
    )
    folder = tmp_path / "new" / "out"
    files = ws.export(folder, format=form)
    assert files == [folder / f"{name}.{form or 'parquet'}" for name in ("events", "mine", "profiles")]
    assert sorted(folder.iterdir()) == sorted(files)
    assert len(read(files[0])) == ws.tables()[0].rows
    assert read(files[1]) == [(1,)]


def test_parquet_knows_the_types(ws: Workspace, out: Path) -> None:
    ws.fetch_events(**DAY)
    (file,) = ws.export(out)
    types = [column[1] for column in duckdb.sql(f"DESCRIBE FROM '{file}'").fetchall()]
    assert types == [column.dtype for column in ws.schema("events").columns]


def test_named_tables_and_views(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE u AS FROM t; CREATE VIEW v AS SELECT one + 1 AS two FROM t")
    assert ws.export(str(out), "v", "t", "T") == [out / "v.parquet", out / "t.parquet"]
    assert read(out / "v.parquet") == [(2,)]
    with pytest.raises(TableNotFoundError, match="there is no table x; there are: t, u"):
        ws.export(out / "more", "t", "x")
    assert not (out / "more").exists()


def test_in_memory(sandbox: Sandbox, out: Path) -> None:
    with Workspace.memory("sandbox") as ws:
        assert ws.export(out) == []
        ws.sql("CREATE TABLE t AS SELECT 1 AS one")
        assert ws.export(out / "all.csv") == [out / "all.csv"], "one table is there, so it is the one"
        assert (out / "all.csv").read_text() == "one\n1\n"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a/b", "a%2Fb"), ("../up", "%2E.%2Fup"), ("..", "%2E%2E"), (".hidden", "%2Ehidden"), ("50%", "50%25"), ("a\\b", "a%5Cb"),
        ('quo"te', "quo%22te"), ("it's", "it's"), ("t; DROP TABLE t", "t; DROP TABLE t"), ("ünï 💥", "ünï 💥"),
        ("line\nfeed", "line%0Afeed"), ("x') TO '/tmp/y", "x') TO '%2Ftmp%2Fy"), ("*", "%2A"), ("end ", "end%20"),
    ],
)  # fmt: skip
def test_tables_of_any_name(ws: Workspace, out: Path, name: str, file: str) -> None:
    quoted = name.replace('"', '""')
    ws.sql(f'CREATE TABLE "{quoted}" AS SELECT 1 AS one')
    assert ws.export(out, name, format="csv") == [out / f"{file}.csv"]
    assert inside(out) == [f"{file}.csv"]
    assert (out / f"{file}.csv").read_text() == "one\n1\n"
    assert ws.sql_rows(f'FROM "{quoted}"') == [(1,)]


def test_a_place_of_any_name(ws: Workspace, tmp_path: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    folder = tmp_path / "it's a {place}; DROP TABLE t; --"
    ws.export(folder)
    ws.export(folder / "%o'*.csv", "t")
    assert inside(folder) == ["%o'*.csv", "t.parquet"]
    assert (folder / "%o'*.csv").read_text() == "one\n1\n"


def test_a_table_whose_name_is_too_long(ws: Workspace, out: Path) -> None:
    ws.sql(f'CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE "{"x" * 300}" AS FROM t')
    with pytest.raises(StorageError, match=r"cannot write .*xxx"):
        ws.export(out)
    assert inside(out) == []
    ws.export(out / "x.csv", "x" * 300)
    assert inside(out) == ["x.csv"]


def test_what_is_there_is_not_overwritten_unless_wished(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE a AS SELECT 1 AS one; CREATE TABLE t AS SELECT 1 AS one")
    (out / "t.csv").write_text("mine")
    for target in (out, out / "t.csv"):
        with pytest.raises(StorageError, match=r"t\.csv exists: give replace=True, or another place"):
            ws.export(target, "t", format="csv")
    with pytest.raises(StorageError, match="exists"):
        ws.export(out, format="csv")
    assert (inside(out), (out / "t.csv").read_text()) == (["t.csv"], "mine")
    ws.export(out, format="csv", replace=True)
    assert (inside(out), (out / "t.csv").read_text()) == (["a.csv", "t.csv"], "one\n1\n")


def test_whole_or_not_at_all(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE a AS SELECT 1 AS one; CREATE VIEW v AS SELECT error('broken') AS x FROM range(100000)")
    (out / "v.csv").write_text("mine")
    with pytest.raises(QueryError, match="broken"):
        ws.export(out, "a", "v", format="csv", replace=True)
    assert (inside(out), (out / "v.csv").read_text()) == (["v.csv"], "mine")
    (out / "a.csv").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*a\.csv"):
        ws.export(out, "a", format="csv", replace=True)
    assert inside(out) == ["a.csv", "v.csv"]


def test_places_that_will_not_do(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one; CREATE TABLE u AS FROM t")
    with pytest.raises(ArgumentError, match="format must be one of parquet, csv, json, jsonl, ndjson, not 'xlsx'"):
        ws.export(out, format="xlsx")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"t\.csv would not be json: write .*t\.json"):
        ws.export(out / "t.csv", "t", format="json")
    with pytest.raises(ArgumentError, match="is one file, for one table, and not for 2: name a folder, or one table"):
        ws.export(out / "t.csv")
    (out / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot make the folder .*file"):
        ws.export(out / "file")
    assert inside(out) == ["file"]


def test_a_folder_that_is_called_like_a_file(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    (out / "all.parquet").mkdir()
    assert ws.export(out / "all.parquet", "t") == [out / "all.parquet" / "t.parquet"]


def test_the_sql_of_an_export(ws: Workspace, out: Path) -> None:
    ws.sql("CREATE TABLE t AS SELECT 1 AS one")
    ws.export(out / "t.csv", "t")
    shown = ws.last_sql
    assert shown is not None
    (out / "t.csv").unlink()
    ws.sql(shown)
    assert (out / "t.csv").read_text() == "one\n1\n"
