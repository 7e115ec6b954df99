"""JSON that is not quite JSON: nothing of it is lost, and what is written is strict."""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.lenient import DEEPEST, Verbatim, read_json, strict_json, write_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
DAMAGES = [b"\x06", b"\n", b"\x00", b"\\x", b"\\", b"\\u12", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\udc00", b"\\u00e9", b"[[{"]  # fmt: skip
DAMAGED = st.lists(st.sampled_from(DAMAGES) | TEXT.map(lambda text: json.dumps(text)[1:-1].encode()), max_size=6)


def is_strict(text: str) -> bool:
    """By Python's strict reader and by DuckDB's."""
    json.loads(text, parse_int=str, parse_constant=lambda said: pytest.fail(f"{said} is no JSON"))
    with duckdb.connect() as con:
        return con.execute("SELECT json_valid($1)", [text]).fetchall() == [(True,)]


@given(VALUES)
def test_json_is_read_and_written_as_ever(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert read_json(text.encode()) == value
        assert strict_json(text.encode()) == text
    assert json.loads(write_json(value)) == value


@given(st.lists(DAMAGED, min_size=1, max_size=3))
def test_any_damaged_strings_are_kept(strings: list[list[bytes]]) -> None:
    body = b"[" + b",".join(b'"' + b"".join(parts) + b'!"' for parts in strings) + b"]"
    strict = strict_json(body)
    assert is_strict(strict)
    value = read_json(body)
    assert read_json(strict) == value == json.loads(strict)
    assert json.loads(write_json(value)) == value
    assert [text[-1] for text in value] == ["!"] * len(strings)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"Acme\x06"', "Acme\x06"),
        (b'[1,{"a":[2, ], }\n,]', [1, {"a": [2]}]),
        (b'[nan,-inf,NaN,-Infinity,"nan,]",]', [None, None, None, None, "nan,]"]),
        ("\ufeff[1]".encode(), [1]),
        (b'"a\nb\tc"', "a\nb\tc"),
        (rb'"C:\Users\new"', "C:\\Users\new"),
        (rb'"\x41\u12"', r"\x41\u12"),
        (rb'"\\x \" \u00e9 \ud83d\ude00"', '\\x " é 😀'),
        (rb'"\ud83d!"', "\ufffd!"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\\ud83d\ude00!"', "\\ud83d\ufffd!"),
        (b'"\xff\xe9"', "\ufffd\ufffd"),
        ('"é\u2028😀"'.encode(), "é\u2028😀"),
        (b'\xef\xbb\xbf"bom"', "bom"),
        (b'{"a": 1, "a": 2, "a (2)": 3, "a": 4}', {"a": 1, "a (2)": 2, "a (2) (2)": 3, "a (3)": 4}),
        (b'{"S\xc3": {"x": 1}, "S\xe2": 2, "S": 3}', {"S\ufffd": {"x": 1}, "S\ufffd (2)": 2, "S": 3}),
        (rb'{"\ud83d": 1, "\ude00": 2}', {"\ufffd": 1, "\ufffd (2)": 2}),
        (b"[NaN, -Infinity, Infinity, 1.5]", [None, None, None, 1.5]),
        (b"[1e400, -1E+999, 1.5]", [Verbatim("1e400"), Verbatim("-1E+999"), 1.5]),
        (b'["NaN", "-Infinity"]', ["NaN", "-Infinity"]),
        (b"12345678901234567890123", 12345678901234567890123),
    ],
)
def test_what_is_read(body: bytes, value: Any) -> None:
    assert read_json(body) == value
    assert is_strict(strict_json(body))
    assert read_json(strict_json(body)) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{", b'{"a": 1', b'"a', b"[1] x", b"{'a': 1}", b"[1,,]", b"[" * 5000, b"[" * 5000 + b"}" * 5000],
)
def test_what_is_no_json(body: bytes) -> None:
    for read in (read_json, strict_json):
        with pytest.raises(ValueError, match=r"."):
            read(body)


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_any_length_keeps_its_digits(sign: str) -> None:
    digits = sign + "7" * 5000
    value = read_json(f'{{"n": {digits}, "m": [1, {digits}]}}')
    assert write_json(value) == f'{{"n": {digits}, "m": [1, {digits}]}}'
    assert (value["n"], value["m"][0]) == (Verbatim(digits), 1)
    assert write_json({**value, "s": "\x06"}).endswith('"s": "\\u0006"}')


@pytest.mark.parametrize("depth", [DEEPEST - 1, DEEPEST, DEEPEST + 1, 3 * DEEPEST, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"k\\"]]]": ', "}"), ('[0, "[", ', ', {"b": 1}]'), ('["}}", ', "]")]
)
def test_any_depth_is_kept(depth: int, opening: str, closing: str) -> None:
    text = f"[5, {opening * depth}1.50{closing * depth}, 6]"
    value = read_json(text)
    assert (value[0], value[2]) == (5, 6)
    written = write_json(value)
    assert re.sub(r"\s", "", written).count(opening.strip()[0]) == re.sub(r"\s", "", text).count(opening.strip()[0])
    assert strict_json(text) == text
    assert read_json(written) == value


@given(VALUES, st.integers(1, 3))
def test_what_is_deep_means_the_same(value: Any, times: int) -> None:
    """Written with many levels around it, which are taken off again one by one."""
    levels = DEEPEST * times + 7
    text = '[{"a": ' * levels + json.dumps(value) + "}]" * levels
    told = write_json(read_json(text))
    inside = told
    for _ in range(levels):
        inside = inside.removeprefix("[").removesuffix("]").removeprefix('{"a": ').removesuffix("}")
    assert json.loads(inside) == value
