"""What a table function is: parameters in, columns out, and how one call becomes rows.

Adding an endpoint to the package is writing one such declaration. The SQL macros, ``mixpanel_functions()``, the
argument checks with their messages and the reference page are all made from it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa

from ..client import COSTS, Api, Check, Client, Endpoint, Reporter
from ..exceptions import QueryError
from .columns import ARROW_TYPES, JSON, as_json, whole_text
from .cuts import warn_if_cut
from .held import Downloads
from .kept import Kept
from .predicate import Predicate
from .saved import Kind, by_id_or_name
from .zones import refuse_too_late

T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """One argument. ``example`` is SQL for a value, shown in documentation and in error messages."""

    name: str
    type: str
    doc: str
    example: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    """The only values there are, where they can be listed."""
    kind: Kind | None = None
    """What is saved in Mixpanel under the id that it takes: its name is taken too."""

    @property
    def meaning(self) -> str:
        """What it is, what it can be, and what it is unless given."""
        default = self.default if isinstance(self.default, str) else json.dumps(self.default)
        unless = () if self.default is None or self.required else (f"{default} unless given",)
        choices = [f"one of {', '.join(self.choices)}"] if self.choices else []
        days = ["a date, today, yesterday, or 7d for seven days ago"] if self.type in {"DATE", "DATE[]"} else []
        return "; ".join([self.doc, *choices, *days, *unless])


@dataclass(frozen=True)
class Column:
    """One column of the result, by its DuckDB type."""

    name: str
    type: str
    doc: str
    arrow_type: pa.DataType | None = None
    """For the few columns whose type is not in ``ARROW_TYPES``."""
    is_count: bool = False
    """Whether it is a fraction where averages are asked for, and whole otherwise."""

    @property
    def field(self) -> pa.Field:
        return pa.field(self.name, self.arrow_type or ARROW_TYPES[self.type])


@dataclass(frozen=True)
class Call:
    """One call of a function: what was asked, and the way to Mixpanel."""

    function: str
    arguments: Mapping[str, Any]
    """Every parameter's value, checked and of its Python type; defaults filled in."""
    columns: frozenset[str]
    """The columns DuckDB needs: those returned, and those the WHERE looks at."""
    where: Predicate
    """What the statement's WHERE says of the rows; requests may be narrowed by it, never below it."""
    client: Client
    reporter: Reporter
    kept: Kept
    """Answers of earlier calls, for functions that ask for what seldom changes."""
    downloads: Downloads[Any]
    """What earlier calls have downloaded, and nobody has read yet."""

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    async def ask(
        self, endpoint: Endpoint, params: Mapping[str, Any] | None = None, /, check: Check | None = None, **more: Any
    ) -> Any:
        """Mixpanel's JSON answer, live; parameters that are None are not sent. A warning says if it is not all."""
        scope = {"workspace_id": self.arguments.get("workspace_id")}
        try:
            answer = await self.client.ask(endpoint, {**scope, **(params or {}), **more}, self.reporter, check)
        except QueryError as error:
            refuse_too_late(error, self.client)
            raise
        warn_if_cut(self.function, answer)
        return answer

    async def recall(self, endpoint: Endpoint, **params: Any) -> Any:
        """The same, asked once and then kept. Not to be changed by who gets it."""
        return await self.keep((endpoint, *sorted(params.items())), lambda: self.ask(endpoint, **params))

    async def keep(self, key: Hashable, ask: Callable[[], Awaitable[T]], longest: float | None = None) -> T:
        """What an earlier call has kept under the key, less than ``longest`` seconds ago; else what ``ask`` gives."""
        whole_key = (self.client, self.arguments.get("workspace_id"), key)
        return await self.kept.get(whole_key, ask, longest=0 if self.arguments.get("refresh") else longest)


Rows: TypeAlias = pa.RecordBatch | Sequence[tuple[Any, ...]]
"""Some rows: an Arrow batch of the columns in ``Call.columns``, or tuples of all columns."""


@dataclass(frozen=True)
class Function:
    """A table function: ``mixpanel_<name>`` for short, ``mixpanel.<name>`` from any connection."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    endpoint: Endpoint | None
    requests: str
    """How many requests one call makes, in words."""
    example: str
    rows: Callable[[Call], AsyncGenerator[Rows]]
    reads_account: bool
    """Whether it is about one account, and so needs credentials."""
    is_local: bool = False
    """Whether all its rows are on this machine, so that nothing is waited for."""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([column.field for column in self.columns])

    @property
    def averaging(self) -> Function | None:
        """The same for ``type := 'average'``, with fractions for counts; None if nothing of it is counted."""
        if not any(column.is_count for column in self.columns):
            return None
        columns = (replace(one, type="DOUBLE", is_count=False) if one.is_count else one for one in self.columns)
        return replace(self, columns=tuple(columns))

    def batch(self, rows: Rows) -> pa.RecordBatch:
        """The rows as an Arrow batch."""
        if isinstance(rows, pa.RecordBatch):
            return rows
        values = zip(*rows, strict=True) if rows else ([] for _ in self.columns)
        arrays = [_array(list(column), field) for column, field in zip(values, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    @property
    def cost(self) -> str:
        """What a call takes from the request budget."""
        if self.endpoint is None:
            return "nothing: answered on this machine"
        return f"{self.requests}, {COSTS[self.endpoint.budget]}"


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    try:
        return as_json(pa.array(values, pa.string())) if field.type == JSON else pa.array(values, field.type)
    except UnicodeEncodeError:
        return _array([_whole(value) for value in values], field)


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return whole_text(value) if isinstance(value, str) else value


def table_function(
    *,
    doc: str,
    columns: tuple[Column, ...],
    example: str,
    parameters: tuple[Parameter, ...] = (),
    endpoint: Endpoint | None = None,
    requests: str = "one request",
    reads_account: bool = False,
    keeps: bool = False,
    maintained_only: bool = False,
    is_local: bool = False,
) -> Callable[[Callable[[Call], AsyncGenerator[Rows]]], Function]:
    """Turns an async generator of rows into the :class:`Function` of the same name.

    Args:
        reads_account: whether it is about an account though it has no endpoint.
        keeps: whether answers are kept until ``refresh := true``.
        maintained_only: whether Mixpanel only keeps the endpoint alive, and advises against new use.
        is_local: whether all its rows are on this machine, so that nothing is waited for.
    """

    def declare(rows: Callable[[Call], AsyncGenerator[Rows]]) -> Function:
        name = rows.__name__.rstrip("_")
        about_account = reads_account or endpoint is not None
        shared = _shared(endpoint, about_account, keeps)
        whole_doc = f"{doc} {MAINTENANCE}" if maintained_only else doc
        return Function(
            name, whole_doc, parameters + shared, columns, endpoint, requests, example, by_id_or_name(rows, parameters),
            about_account, is_local,
        )  # fmt: skip

    return declare


def _shared(endpoint: Endpoint | None, about_account: bool, keeps: bool) -> tuple[Parameter, ...]:
    """The parameters that every function of a kind has."""
    has_views = endpoint is not None and endpoint.api is not Api.EXPORT
    given = ((WORKSPACE_ID, has_views), (REFRESH, keeps), (ACCOUNT, about_account))
    return tuple(parameter for parameter, is_given in given if is_given)


MAINTENANCE = "Mixpanel has put this API into maintenance mode: it works, but may end one day."
ACCOUNT = Parameter("account", "VARCHAR", "whose project to read; the registered account unless given", "'staging'")
WORKSPACE_ID = Parameter("workspace_id", "BIGINT", "the data view to read within; all data unless given", "12345")
REFRESH = Parameter("refresh", "BOOLEAN", "ask Mixpanel again instead of giving the answer kept", "true", default=False)
