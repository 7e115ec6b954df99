"""The lines of docs/anywhere.md, as they stand there, in the programs that they are for."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.exploring.cells import Cell
from mixpanel_data.exploring.formats import as_marimo
from mixpanel_data.sandbox import Sandbox

PAGE = (Path(__file__).parents[2] / "docs" / "anywhere.md").read_text(encoding="utf-8")
EVENTS, FIRST_DAY = 12, 3885
IS_2 = not duckdb.__version__.startswith("1.")


def blocks(host: str) -> list[str]:
    """What the page says to type in a program."""
    _, _, section = PAGE.partition(f"\n### {host}\n")
    return re.findall(
        r"^```text\n(.*?)^```", re.split(r"^##", section, flags=re.MULTILINE)[0], re.MULTILINE | re.DOTALL
    )


def typed(block: str) -> dict[str, Any]:
    """What there is after the lines are run."""
    names: dict[str, Any] = {}
    exec(block, names)
    return names


def command(*words: str, folder: Path) -> str:
    """What a program of this environment prints."""
    program, *arguments = words
    place = str(Path(sys.executable).parent / program)
    done = subprocess.run([place, *arguments], cwd=folder, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.chdir(tmp_path)


def test_jupysql() -> None:
    pytest.importorskip("sql", reason="JupySQL")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    (block,) = blocks("JupySQL")
    cells = [nbformat.v4.new_code_cell(source) for source in block.strip().split("\n\n")]
    done = nbclient.NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=60, kernel_name="python3").execute()
    said = [[output.get("data", {}).get("text/plain", "") for output in cell.outputs] for cell in done.cells]
    assert not [output for cell in done.cells for output in cell.outputs if output.output_type in {"error", "stream"}]
    assert str(EVENTS) in said[3][-1]
    assert all(plan in said[5][-1] for plan in ("free", "pro", "team"))


def test_marimo(tmp_path: Path) -> None:
    pytest.importorskip("marimo")
    (block,) = blocks("marimo")
    cells = [Cell("A cell.", f"{code}\n") for code in block.strip().split("\n\n")]
    (tmp_path / "cells.py").write_text(as_marimo([*cells, Cell("The last.", "print(first, len(top), mo.__name__)\n")]))
    assert command("python", "cells.py", folder=tmp_path).endswith(f"Page View {EVENTS} marimo\n")
    command("marimo", "-q", "export", "html", "cells.py", "-o", "cells.html", folder=tmp_path)
    assert "Page View" in (tmp_path / "cells.html").read_text(encoding="utf-8")


def test_marimo_on_the_default_connection(tmp_path: Path) -> None:
    pytest.importorskip("marimo")
    cells = [
        Cell("Registers.", 'import mixpanel_data\n\nregistered = mixpanel_data.register(account="sandbox")\n'),
        Cell("Asks.", 'print(registered and len(mo.sql(f"FROM mixpanel_events()")))\n'),
    ]
    (tmp_path / "cells.py").write_text(as_marimo(cells))
    assert command("python", "cells.py", folder=tmp_path).endswith(f"{EVENTS}\n")


def test_pandas_and_polars() -> None:
    pytest.importorskip("polars")
    (block,) = blocks("pandas and Polars")
    found = typed(block)
    assert [len(found[name]) for name in ("frame", "polar", "read")] == [FIRST_DAY] * 3
    assert type(found["polar"]) is type(found["read"])
    assert found["read"]["event_name"].value_counts().sort("count")["event_name"][-1] == "Page View"


def test_sqlalchemy_with_a_file() -> None:
    """More connections than the pool keeps, from several threads, and the functions outlive each of them."""
    pytest.importorskip("duckdb_engine")
    from sqlalchemy import text

    found = typed(blocks("SQLAlchemy")[0])
    engine, read_sql = found["engine"], found["pandas"].read_sql
    assert len(found["names"]) == EVENTS
    query = "SELECT count(*) AS n FROM mixpanel.export('2024-01-01', '2024-01-01')"
    with ThreadPoolExecutor(8) as pool:
        assert [int(frame.n[0]) for frame in pool.map(lambda _: read_sql(query, engine), range(16))] == [FIRST_DAY] * 16
    with engine.begin() as one, engine.connect() as another:
        one.execute(text("CREATE TABLE day AS FROM mixpanel.export('2024-01-01', '2024-01-01')"))
        another.invalidate()
    count = text("SELECT count(*) AS n FROM day WHERE event_name = :name")
    assert read_sql(count, engine, params={"name": "Purchase"}).n[0] == 115
    found["registered"].close()
    engine.dispose()


def test_sqlalchemy_in_memory() -> None:
    pytest.importorskip("duckdb_engine")
    found = typed(blocks("SQLAlchemy")[1])
    engine, read_sql = found["engine"], found["pandas"].read_sql
    assert len(found["names"]) == EVENTS
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(lambda _: read_sql("FROM mixpanel_events()", engine), range(8)))
    assert [len(frame) for frame in frames] == [EVENTS] * 8
    engine.dispose()


@pytest.mark.skipif(IS_2, reason="ibis does not know DuckDB 2.0")
@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
def test_ibis(sandbox: Sandbox) -> None:
    """What is filtered in ibis is not even asked for."""
    pytest.importorskip("ibis")
    (block,) = blocks("ibis")
    found = typed(block)
    assert sandbox.requests == []
    assert found["purchases"].execute() == 3547
    assert {request.params.get("event") for request in sandbox.requests} == {'["Purchase"]'}
    assert found["db"].create_table("january", found["january"]).count().execute() == 111_948
    assert len(found["db"].raw_sql("FROM mixpanel_events()").fetchall()) == EVENTS


@pytest.mark.skipif(not IS_2, reason="ibis knows DuckDB 1.5")
def test_what_the_page_says_of_ibis_on_duckdb_2() -> None:
    """Where this fails, ibis has learnt it, and the page is to say so."""
    ibis = pytest.importorskip("ibis")
    with pytest.raises(AttributeError, match="fetch_arrow_table"):
        ibis.duckdb.connect().sql("SELECT 1 AS one").execute()


def test_ibis_from_a_connection(con: duckdb.DuckDBPyConnection) -> None:
    ibis = pytest.importorskip("ibis")
    db = ibis.duckdb.from_connection(con)
    assert len(db.raw_sql("FROM mixpanel_events()").fetchall()) == EVENTS


def test_sqlmesh(tmp_path: Path) -> None:
    pytest.importorskip("sqlmesh")
    for block in blocks("SQLMesh"):
        file = tmp_path / re.split(r"\s+", block)[1]
        file.parent.mkdir(exist_ok=True)
        file.write_text(block if file.suffix != ".yaml" else f"{block}disable_anonymized_analytics: true\n")
    command("sqlmesh", "plan", "--auto-apply", "--no-prompts", folder=tmp_path)
    with duckdb.connect("warehouse.duckdb") as con, duckdb.connect() as ours:
        filled = con.execute("FROM shop.daily_events ORDER BY ALL").fetchall()
        mixpanel_data.register(ours, account="sandbox")
        counts = "SELECT event_time::DATE AS day, event_name, count(*) FROM mixpanel_export('2024-01-01', '2024-01-10')"
        assert filled == ours.execute(f"{counts} GROUP BY ALL ORDER BY ALL").fetchall()
    assert len(filled) > 100
    command("sqlmesh", "run", folder=tmp_path)
