"""What a statement's WHERE allows: which days, which event names, can still match.

DuckDB hands the WHERE over as a pyarrow filter expression. Arrow's own reasoning over partitions answers what we need
without taking the expression apart: a fragment of a data set declares what holds for all its rows, and
``get_fragments(filter=…)`` drops the fragments whose declaration contradicts the filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import fs

StartOf = Callable[[date], datetime]


def midnight(day: date) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time.min)


class Predicate:
    """A filter over rows of ``schema``; None matches every row."""

    def __init__(self, expression: pc.Expression | None, schema: pa.Schema) -> None:
        self.expression = expression
        self._schema = schema

    def equals(self, expression: pc.Expression) -> bool:
        """Whether the filter is just this expression."""
        return self.expression is not None and bool(self.expression.equals(expression))

    def possible(self, claims: Sequence[pc.Expression]) -> list[int]:
        """The positions of those claims under which some row may match the filter.

        A claim says what holds for all rows of a group, for example ``event_name = 'Purchase'``.
        """
        if self.expression is None:
            return list(range(len(claims)))
        form, anywhere = ds.ParquetFileFormat(), fs.LocalFileSystem()
        fragments = [
            form.make_fragment(str(place), anywhere, partition_expression=claim) for place, claim in enumerate(claims)
        ]
        groups = ds.FileSystemDataset(fragments, self._schema, form, anywhere)
        return [int(group.path) for group in groups.get_fragments(filter=self.expression)]

    def mentions(self, column: str) -> bool:
        """Whether the filter looks at the column."""
        if self.expression is None:
            return False
        without = pa.schema([field for field in self._schema if field.name != column])
        nothing = ds.FileSystemDataset([], without, ds.ParquetFileFormat(), fs.LocalFileSystem())
        try:
            list(nothing.get_fragments(filter=self.expression))
        except pa.ArrowInvalid:  # Arrow found no field of that name
            return True
        return False

    def possible_days(self, column: str, first: date, last: date, start_of: StartOf = midnight) -> list[date]:
        """Those days from first to last on which the timestamp column may match; ``start_of`` tells when one begins."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        claims = [_between(column, start_of(day), start_of(day + timedelta(days=1))) for day in days]
        return [days[place] for place in self.possible(claims)]

    def possible_values(self, column: str) -> list[str] | None:
        """The only strings the column can match with, or None where they cannot be listed."""
        if self.expression is None:
            return None
        named = sorted({literal for literal in self.literals() if isinstance(literal, str)})
        others = list(_everything_but(column, named))
        possible = self.possible([pc.field(column) == name for name in named] + others)
        if any(place >= len(named) for place in possible):
            return None
        return [named[place] for place in possible]

    def literals(self) -> Iterator[Any]:
        """Every constant in the filter, exactly as it was written.

        A pyarrow expression pickles to an Arrow IPC file whose columns are its constants.
        """
        if self.expression is None:
            return
        _, (buffer, *_) = self.expression.__reduce__()
        for column in pa.ipc.open_file(buffer).read_all().columns:
            yield from _leaves(column.to_pylist())


EVERYTHING = Predicate(None, pa.schema([]))


def _between(column: str, start: datetime, end: datetime) -> pc.Expression:
    """The claim of one day. A row without a time may be found in any day's answer, so NULL is always possible."""
    value = pc.field(column)
    low, high = (pa.scalar(moment, pa.timestamp("us")) for moment in (start, end))
    return ((value >= low) | value.is_null()) & ((value < high) | value.is_null())


def _everything_but(column: str, names: Sequence[str]) -> Iterator[pc.Expression]:
    """Claims that together cover every value but the sorted names: the gaps between them, and NULL."""
    value = pc.field(column)
    yield value.is_null()
    if not names:
        yield value.is_valid()
        return
    yield value < names[0]
    for low, high in pairwise(names):
        yield (value > low) & (value < high)
    yield value > names[-1]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
