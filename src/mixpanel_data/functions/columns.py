"""Columns in Arrow: the types DuckDB's are, JSON as DuckDB takes it, and text that any of them can hold."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

# Not over string views, though an export's properties are slices of its body: DuckDB 2.0 pushes no filter at all into
# a source that has a string view among its columns.
JSON = pa.json_(pa.string())
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "JSON": JSON,
    "VARCHAR[]": pa.list_(pa.string()),
}


def as_json(texts: pa.Array) -> pa.Array:
    """Strings of JSON as a column of type JSON, not looked at."""
    return pa.ExtensionArray.from_storage(JSON, texts)


def as_text(array: pa.Array) -> pa.Array:
    """A JSON column as plain strings; any other column as it is."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.storage if array.type == JSON else array


def whole_text(text: str) -> str:
    """The text with its unpaired surrogates replaced: Python's JSON takes them, DuckDB's does not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def compact(array: pa.Array) -> pa.Array:
    """A slice of a column of JSON slices, without those parts of its dictionary that other rows refer to.

    Rows refer to the dictionary in ascending order.
    """
    if not pa.types.is_dictionary(array.type) or not len(array):
        return array
    first, last = array.indices[0].as_py(), array.indices[-1].as_py()
    if not first and last + 1 == len(array.dictionary):
        return array
    places = pc.subtract(array.indices, pa.scalar(first, pa.int32()))
    return pa.DictionaryArray.from_arrays(places, array.dictionary.slice(first, last + 1 - first))


def plain(field: pa.Field) -> pa.Field:
    """The field as filters see it: Arrow compares text, but knows no JSON."""
    is_json = JSON in (field.type, getattr(field.type, "value_type", None))
    return field.with_type(pa.string()) if is_json else field
