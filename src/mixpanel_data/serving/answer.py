"""One statement of a client's, running on a connection of ours, which can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import monotonic

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from ..binding.stream import Stream
from ..exceptions import QueryError
from ..quoting import quoted
from .limits import Limits

BATCH = 61_440
"""Rows that are handed over at once."""
AGAIN = 0.1
"""Seconds until a statement that is to end is told so again: it may just have begun."""
VARIANT = "VARIANT"


class Answer(ds.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """Its rows as DuckDB reads them: once, in order, a batch at a time.

    Args:
        said: what is told of an error.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, query: str, limits: Limits, said: Callable[[BaseException], str]
    ) -> None:
        # Dataset.__init__ refuses to be called; nothing of pyarrow's own state is used.
        self._con = con
        self._query = query
        self._limits = limits
        self._said = said
        self._stopped: str | None = None
        self._rows = 0
        self._reader: pa.RecordBatchReader | None = None
        self._schema = pa.schema([])
        self._turn = threading.Lock()
        self._timer = threading.Timer(limits.seconds, self._take_too_long)
        self._timer.daemon = True
        self.is_closed = False
        self.columns = ""
        """How its columns are had as they were, as SQL: two may have one name, and Arrow has no VARIANT and no ENUM."""

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def begin(self) -> None:
        """Runs the statement until there are rows."""
        with self._turn:
            self._timer.start()
            rows = self._con.sql(self._query)
            names = [f"c{place}" for place in range(len(rows.columns))]
            self.columns = ", ".join(map(_as_it_was, names, rows.types, rows.columns))
            if VARIANT in map(str, rows.types):
                taken = ", ".join(map(_for_arrow, names, rows.types))
                rows = self._con.sql(f"SELECT {taken} FROM (\n{self._query}\n) AS _({', '.join(names)})")
            self._reader = rows.to_arrow_reader(BATCH)
            fields = zip(names, self._reader.schema, strict=True)
            self._schema = pa.schema([field.with_name(name) for name, field in fields])

    def scanner(self, columns: list[str] | None = None, **_: object) -> Stream:
        """What DuckDB calls, once."""
        return Stream(_Chosen(self, self.schema.names if columns is None else columns))

    def next(self) -> pa.RecordBatch | None:
        """The next rows, None at the end."""
        with self._turn:
            try:
                batch = self._read()
            except Exception as error:  # noqa: BLE001 - it is raised again, as one line
                raise QueryError(self.why(error)) from None
        return None if batch is None else pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)

    def why(self, error: BaseException) -> str:
        """What is told of the error: why the answer was stopped, if it was."""
        return self._stopped or self._said(error)

    def stop(self, reason: str, until: float = inf) -> None:
        """Ends it for this reason, whatever it is doing; tries until this time."""
        self._stopped = self._stopped or reason
        while not self._turn.acquire(timeout=AGAIN):
            if monotonic() > until:
                return
            self._interrupt()
        self._turn.release()
        self.close()

    def close(self) -> None:
        with self._turn:
            if self.is_closed:
                return
            self.is_closed = True
            self._timer.cancel()
            self._interrupt()
            if self._reader is not None:
                self._reader.close()  # first: DuckDB 1.5 holds Python's lock while it waits in the other
            self._reader = None
            self._con.close()

    def _read(self) -> pa.RecordBatch | None:
        if self._reader is None:
            raise QueryError("the answer has been read")
        batch = next(self._reader, None)
        self._rows += 0 if batch is None else batch.num_rows
        if self._rows > self._limits.rows:
            raise QueryError(
                f"the answer has more than {self._limits.rows:,} rows: ask for fewer, or start mp serve with a larger "
                "--max-rows"
            )
        return batch

    def _interrupt(self) -> None:
        with suppress(duckdb.Error):
            self._con.interrupt()

    def _take_too_long(self) -> None:
        self.stop(
            f"the answer takes longer than {self._limits.seconds:g} seconds: ask for less at once, or start mp serve "
            "with a larger --max-seconds"
        )


class _Chosen:
    """The batches of an answer with some of its columns."""

    def __init__(self, answer: Answer, columns: list[str]) -> None:
        self._answer = answer
        self._columns = columns
        self.schema = pa.schema([answer.schema.field(name) for name in columns])

    def next(self) -> pa.RecordBatch | None:
        batch = self._answer.next()
        return None if batch is None else batch.select(self._columns)

    def close(self) -> None:
        self._answer.close()


def _for_arrow(name: str, kind: object) -> str:
    return f"{name}::JSON" if str(kind) == VARIANT else name


def _as_it_was(name: str, kind: object, column: str) -> str:
    is_lost = str(kind) == VARIANT or str(kind).startswith("ENUM(")
    return f"{name}{f'::{kind}' if is_lost else ''} AS {quoted(column)}"
