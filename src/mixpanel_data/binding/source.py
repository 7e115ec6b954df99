"""A function as DuckDB sees it: an Arrow data set with two hidden columns.

DuckDB scans the data set with the columns it needs and a filter. The macro has put the call's arguments into that
filter as ``__args = '{…}'`` (see ``macros``), so the filter says what was asked; the rest of it is the user's WHERE.
DuckDB applies none of it again, so every batch leaves here filtered.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from ..exceptions import ArgumentError
from ..functions import Function, Predicate
from ..functions.columns import as_text, plain
from .macros import ARGS
from .scan import BEAT, Scan
from .stream import Stream

PLACE = "__place"
HIDDEN = (pa.field(ARGS, pa.string()), pa.field(BEAT, pa.bool_()))

RowsOf = Callable[[Function, dict[str, Any], frozenset[str], Predicate], AsyncGenerator[pa.RecordBatch]]


class Source(ds.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """The data set behind one function."""

    def __init__(
        self,
        function: Function,
        rows: RowsOf,
        is_usable: Callable[[], bool],
        on_error: Callable[[BaseException], None],
    ) -> None:
        # Dataset.__init__ refuses to be called; nothing of pyarrow's own state is used.
        self._function = function
        self._rows = rows
        self._is_usable = is_usable
        self._on_error = on_error
        self._schema = pa.schema([*function.schema, *HIDDEN])

    @property
    def schema(self) -> pa.Schema:
        if not self._is_usable():
            # DuckDB 1.5 would go on with a dangling pointer to the connection that created the view.
            raise ArgumentError("the connection that was registered is closed: call mixpanel_data.register again")
        return self._schema

    def scanner(
        self,
        columns: list[str] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002 - pyarrow's name for it
        **_: Any,
    ) -> Stream:
        """What DuckDB calls, once a scan."""
        wanted = columns if columns is not None else self._schema.names
        schema = pa.schema([self._schema.field(name) for name in wanted])
        where = Predicate(filter, pa.schema([plain(field) for field in self._schema]))
        produce = partial(self._batches, wanted, where)
        return Stream(Scan(schema, produce, self._on_error, is_local=self._function.is_local))

    async def _batches(self, wanted: list[str], where: Predicate) -> AsyncGenerator[pa.RecordBatch]:
        arguments = _find_arguments(self._function, where)
        is_filtered = not where.equals(pc.field(ARGS) == arguments)
        looked_at = [name for name in self._schema.names if where.mentions(name)]
        needed = frozenset({*wanted, *looked_at} - {ARGS, BEAT})
        async for batch in self._rows(self._function, json.loads(arguments), needed, where):
            if is_filtered or ARGS in wanted:
                batch = batch.append_column(ARGS, pa.repeat(arguments, batch.num_rows))  # noqa: PLW2901
            whole = batch.append_column(BEAT, pa.repeat(False, batch.num_rows))
            rows = _filter(whole, where, looked_at) if is_filtered else whole
            if rows.num_rows:
                yield rows.select(wanted)


def _filter(batch: pa.RecordBatch, where: Predicate, looked_at: Sequence[str]) -> pa.RecordBatch:
    """The rows for which the filter is true. Arrow's kernels know no JSON, so what they look at is text meanwhile."""
    seen = {name: as_text(batch.column(name)) for name in looked_at}
    places = pa.table({**seen, PLACE: np.arange(batch.num_rows)})
    return batch.take(places.filter(where.expression).column(PLACE).combine_chunks())


def _find_arguments(function: Function, where: Predicate) -> str:
    """The one string that the filter lets ``__args`` be: the call's arguments as JSON."""
    names = where.possible_values(ARGS)
    if names is None or len(names) != 1:
        raise ArgumentError(
            f"mixpanel_{function.name}: every argument must be a constant, a ? parameter or getvariable(…) that can be "
            "evaluated, not a column or a subquery, and the optimizer must be on: SET VARIABLE x = (SELECT …) first, "
            "then give getvariable('x')"
        )
    return names[0]
