"""Runs ``*.test`` files: DuckDB's sqllogictest format, the part of it that is used here, against the sandbox.

A directory has them run by importing ``pytest_collect_file`` in its ``conftest.py``.

``statement ok``, ``statement error`` and ``query`` as DuckDB has them (https://duckdb.org/docs/dev/sqllogictest/intro);
``request`` is ours: the lines after it are the requests that the statements since the last ``request`` have made, sorted,
each as method, path and parameters without the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.client.journal import sandbox_journal
from mixpanel_data.sandbox import Sandbox, shared


@dataclass(frozen=True)
class Record:
    """One block of a file: what to do, the SQL, and what is expected after ``----``."""

    line: int
    words: tuple[str, ...]
    sql: str
    expected: tuple[str, ...]


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return TestFile.from_parent(parent, path=file_path) if file_path.suffix == ".test" else None


class TestFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        item = TestItem.from_parent(self, name=self.path.stem)
        # Some ask of events that are nowhere; what is told of them, tests/local/test_unknown_names.py says.
        item.add_marker(pytest.mark.filterwarnings("ignore:local_.*the table has no event"))
        yield item


class TestItem(pytest.Item):
    def runtest(self) -> None:
        sandbox = shared()
        sandbox.faults.clear()
        sandbox.requests.clear()
        sandbox_journal.cache_clear()  # so that no earlier test has shown how large a day is
        with duckdb.connect() as con:
            mixpanel_data.register(con, account="sandbox")
            for record in records(self.path.read_text(encoding="utf-8")):
                try:
                    run(con, sandbox, record)
                except (AssertionError, duckdb.Error) as error:
                    raise Failure(f"{self.path.name}:{record.line}: {error}\n{record.sql}") from None

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if excinfo.errisinstance(Failure) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class Failure(Exception):
    pass


def records(text: str) -> Iterator[Record]:
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            block.append(line)
        elif block:
            yield parsed(block, number - len(block))
            block = []


def parsed(block: list[str], line: int) -> Record:
    words, rest = tuple(block[0].split()), block[1:]
    if words[0] == "request":
        return Record(line, words, "", tuple(rest))
    middle = rest.index("----") if "----" in rest else len(rest)
    return Record(line, words, "\n".join(rest[:middle]), tuple(rest[middle + 1 :]))


def run(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, record: Record) -> None:
    match record.words:
        case ("statement", "ok"):
            con.execute(record.sql).fetchall()
        case ("statement", "error"):
            expect_error(con, record)
        case ("query", types, *sorting):
            expect_rows(con, record, types, "rowsort" in sorting)
        case ("request",):
            made = sorted(shown(request) for request in sandbox.requests)
            sandbox.requests.clear()
            assert made == sorted(record.expected), f"requests were {made}"
        case _:
            raise AssertionError(f"cannot run {' '.join(record.words)!r}")


def expect_error(con: duckdb.DuckDBPyConnection, record: Record) -> None:
    try:
        con.execute(record.sql).fetchall()
    except duckdb.Error as error:
        for line in record.expected:
            assert line in str(error), f"the error was: {error}"
    else:
        raise AssertionError("no error")


def expect_rows(con: duckdb.DuckDBPyConnection, record: Record, types: str, rowsort: bool) -> None:
    result = con.sql(record.sql.rstrip().rstrip(";"))
    assert len(result.columns) == len(types), f"{len(result.columns)} columns: {result.columns}"
    rows = ["\t".join(map(written, row)) for row in result.project("COLUMNS(*)::VARCHAR").fetchall()]
    expected = list(record.expected)
    if rowsort:
        rows, expected = sorted(rows), sorted(expected)
    assert rows == expected, "rows were:\n" + "\n".join(rows)


def written(value: str | None) -> str:
    return "NULL" if value is None else value or "(empty)"


def shown(request: Any) -> str:
    params = {name: value for name, value in sorted(request.params.items()) if name != "project_id"}
    return " ".join([request.method, request.path, *(f"{name}={value}" for name, value in params.items())])
