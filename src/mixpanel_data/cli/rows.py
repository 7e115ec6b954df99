"""What a command has to say, as rows that every format can print."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..exceptions import ArgumentError
from ..lenient import read_json, write_json
from ..quoting import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from .script import Answer

A_BATCH = 2048
Texts = tuple[str | None, ...]
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = {*WHOLE, *(f"U{name}" for name in WHOLE), "FLOAT", "DOUBLE", "DECIMAL"}


class Rows(ABC):
    """Rows to be printed."""

    is_one = False
    """Whether it is one object, and no list."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """Their names."""

    @property
    def numeric(self) -> Sequence[bool]:
        """Of each column, whether it holds numbers."""
        return [False] * len(self.columns)

    @abstractmethod
    def texts(self) -> Iterator[Texts]:
        """The values of each row, as text."""

    def readable(self) -> Iterator[Texts]:
        """The values of each row as a person reads them: long numbers are rounded."""
        from .rounding import rounded  # noqa: PLC0415 - only a person's terminal needs it

        numeric = self.numeric
        for row in self.texts():
            pairs = zip(row, numeric, strict=True)
            yield tuple(rounded(value) if value and is_number else value for value, is_number in pairs)

    @abstractmethod
    def jsons(self) -> Iterator[str]:
        """Each row as JSON."""

    @contextmanager
    def reader(self) -> Iterator[pa.RecordBatchReader]:
        """The rows as Arrow batches; of text, where nothing better is known."""
        import pyarrow as pa  # noqa: PLC0415 - only Arrow needs it

        schema = pa.schema([(name, pa.string()) for name in self.columns])
        yield pa.RecordBatchReader.from_batches(schema, _batches_of(self.texts(), schema))


class Answered(Rows):
    """The rows of a SQL statement, which DuckDB puts into words as they come."""

    def __init__(self, answer: Answer, fields: Sequence[str] = ()) -> None:
        self.answer = answer
        self.fields = fields

    @property
    def columns(self) -> Sequence[str]:
        return chosen(self.answer.columns, self.fields)

    @property
    def numeric(self) -> Sequence[bool]:
        return [kind.partition("(")[0] in NUMBERS and not kind.endswith("]") for kind in self._types()]

    def texts(self) -> Iterator[Texts]:
        return self.answer.rows("COLUMNS(*)::VARCHAR", self._source("{}"))

    def jsons(self) -> Iterator[str]:
        """Each row as a JSON object, NaN and infinities as null: JSON has no word for them."""
        source = self._source("CASE WHEN isfinite({}) THEN {} END")
        texts = (text for (text,) in self.answer.rows("to_json(_rows)::VARCHAR", source))
        may_hide = any(("DOUBLE" in kind or "FLOAT" in kind) and len(kind) > len("DOUBLE") for kind in self._types())
        return map(_finite, texts) if may_hide else texts

    def write_parquet(self, file: str) -> None:
        """Writes the rows to a Parquet file."""
        self.answer.write_parquet(file, self._source("{}"))

    @contextmanager
    def reader(self) -> Iterator[pa.RecordBatchReader]:
        with self.answer.reader(self._source("{}")) as reader:
            yield reader

    def _types(self) -> list[str]:
        if not self.fields:
            return self.answer.types
        types = dict(zip(self.answer.columns, self.answer.types, strict=True))
        return [types[name] for name in self.columns]

    def _source(self, of_doubles: str) -> str:
        """What to select; as little as possible, since columns may share a name."""
        doubles = {name for name, kind in zip(self.columns, self._types(), strict=True) if kind in {"DOUBLE", "FLOAT"}}
        terms = {name: f"{of_doubles.replace('{}', quoted(name))} AS {quoted(name)}" for name in doubles}
        if self.fields:
            return ", ".join(terms.get(name, quoted(name)) for name in self.columns)
        return f"* REPLACE ({', '.join(terms.values())})" if terms and of_doubles != "{}" else "*"


class Objects(Rows):
    """Objects, whose keys are the columns; ``named`` tells them too, since no object may be there."""

    def __init__(
        self,
        objects: Sequence[Mapping[str, Any]],
        fields: Sequence[str] = (),
        named: Sequence[str] = (),
        *,
        is_one: bool = False,
    ) -> None:
        self.objects = objects
        self.fields = fields
        self.named = named
        self.is_one = is_one

    @property
    def columns(self) -> Sequence[str]:
        known = dict.fromkeys([*self.named, *(name for item in self.objects for name in item)])
        return chosen(list(known), self.fields) if known else []

    @property
    def numeric(self) -> Sequence[bool]:
        return [
            any(_is_number(item.get(name)) for item in self.objects)
            and all(_is_number(item.get(name)) or item.get(name) is None for item in self.objects)
            for name in self.columns
        ]

    def texts(self) -> Iterator[Texts]:
        return (tuple(as_text(item.get(name)) for name in self.columns) for item in self.objects)

    def readable(self) -> Iterator[Texts]:
        """One object has numbers and text in a single column, so each value is looked at."""
        from .rounding import rounded  # noqa: PLC0415

        for item in self.objects:
            values = (item.get(name) for name in self.columns)
            yield tuple(rounded(str(value)) if isinstance(value, float) else as_text(value) for value in values)

    def jsons(self) -> Iterator[str]:
        columns = self.columns
        return (as_json({name: item[name] for name in columns if name in item}) for item in self.objects)

    @contextmanager
    def reader(self) -> Iterator[pa.RecordBatchReader]:
        import pyarrow as pa  # noqa: PLC0415

        columns = self.columns
        yield pa.Table.from_pylist([{name: item.get(name) for name in columns} for item in self.objects]).to_reader()

    def upright(self) -> Objects:
        """One object as a row for each of its values, as a person reads it."""
        return Objects([{"name": name, "value": self.objects[0].get(name)} for name in self.columns])


class Names(Rows):
    """A list of names: strings, and no objects."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = names

    @property
    def columns(self) -> Sequence[str]:
        return ["name"]

    def texts(self) -> Iterator[Texts]:
        return ((name,) for name in self.names)

    def jsons(self) -> Iterator[str]:
        return map(as_json, self.names)


def chosen(columns: Sequence[str], fields: Sequence[str]) -> Sequence[str]:
    """The fields that were asked for, or all.

    Raises:
        ArgumentError: there is no such field.
    """
    for name in fields:
        if name not in columns:
            raise ArgumentError(f"there is no field {name}: there are {', '.join(columns)}")
    return list(fields) or columns


def as_json(value: Any) -> str:
    """JSON in one line; times as SQL writes them."""
    return write_json(value, default=str, allow_nan=False, separators=(",", ":"))


def as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return as_json(value) if isinstance(value, bool | list | tuple | Mapping) else str(value)


def _finite(text: str) -> str:
    """The same JSON without NaN and infinities, which may be inside a list."""
    if "NaN" not in text and "Infinity" not in text:
        return text

    return as_json(read_json(text))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Document(Rows):
    """One JSON value, of whatever kind."""

    is_one = True

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def columns(self) -> Sequence[str]:
        return ["value"]

    def texts(self) -> Iterator[Texts]:
        return iter([(as_text(self.value),)])

    def jsons(self) -> Iterator[str]:
        return iter([as_json(self.value)])


class Lines(Rows):
    """Objects that are JSON already, a line each, as they come."""

    def __init__(self, lines: Iterator[str], columns: Sequence[str]) -> None:
        self.lines = lines
        self._columns = columns

    @property
    def columns(self) -> Sequence[str]:
        return self._columns

    def texts(self) -> Iterator[Texts]:

        return (tuple(as_text(item.get(name)) for name in self.columns) for item in map(read_json, self.lines))

    def jsons(self) -> Iterator[str]:
        return self.lines


def _batches_of(texts: Iterator[Texts], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa  # noqa: PLC0415

    while part := list(islice(texts, A_BATCH)):
        columns = [pa.array(column, pa.string()) for column in zip(*part, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
