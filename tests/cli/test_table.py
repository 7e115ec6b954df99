"""Tables: on a terminal numbers are rounded and nobody has to piece them together; elsewhere they are exact."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.cli.rounding import rounded
from tests.cli.terminal import on_a_terminal

Ok = Callable[..., str]
PLAIN = {"NO_COLOR": "1"}
EXACT = "0.5672981056829511"
NUMBERS = (
    f"SELECT {EXACT}::DOUBLE AS share, {EXACT} AS exact, -1234.56789::FLOAT AS below, 12.50 AS price, 1::DOUBLE AS one, "
    f"1.5e-9::DOUBLE AS small, 7 AS count, '{EXACT}' AS id"
)
NOON = "2024-01-01 12:00:00.123456"


def lines_of(query: str, columns: int = 120) -> list[str]:
    """What a terminal shows of it."""
    code, shown = on_a_terminal(["sql", query], PLAIN, columns=columns)
    assert code == 0
    return [line.rstrip() for line in shown.splitlines() if line.strip()]


def test_numbers_are_rounded_on_a_terminal() -> None:
    assert lines_of(NUMBERS)[-1].split() == ["0.5673", "0.5673", "-1234.5679", "12.50", "1.0", "1.5e-09", "7", EXACT]


def test_numbers_are_exact_elsewhere(ok: Ok) -> None:
    assert ok("sql", NUMBERS, "--format", "table").split()[-8:-5] == [EXACT, EXACT, "-1234.5679"]
    for form in ("json", "jsonl", "csv", "plain", "markdown"):
        code, shown = on_a_terminal(["sql", NUMBERS, "--format", form], PLAIN)
        assert (code, shown.count(EXACT)) == (0, 3)


def test_the_numbers_of_one_object_are_rounded(tmp_path: Path) -> None:
    table = ["--path", str(tmp_path / "x.db")]
    assert on_a_terminal([*table, "sql", "CREATE TABLE t AS SELECT i / 7 AS share FROM range(3) r(i)"], PLAIN)[0] == 0
    code, shown = on_a_terminal([*table, "inspect", "column", "t", "share"], PLAIN)
    assert code == 0
    assert ["max", "0.2857"] in [line.split() for line in shown.splitlines()]


def test_text_gives_way_to_numbers_and_times() -> None:
    words = " ".join(["word"] * 20)
    numbers = "123456789012345678 AS number, 0.123456 AS share, DATE '2024-01-01' AS day"
    lines = lines_of(f"SELECT {numbers}, TIMESTAMP '{NOON}' AS time, '{words}' AS text", columns=80)
    assert lines[2].split()[:5] == ["123456789012345678", "0.1235", "2024-01-01", *NOON.split()]
    assert " ".join(lines).count("word") == 20
    assert max(map(len, lines)) <= 80


def test_a_head_gives_way_to_numbers_and_times() -> None:
    lines = lines_of(f"SELECT 1 AS {'n' * 90}, TIMESTAMP '{NOON}' AS {'t' * 30}", columns=80)
    assert lines[-1].split() == ["1", *NOON.split()]
    assert max(map(len, lines)) <= 80


def test_a_table_is_wider_than_the_terminal_before_a_number_is_split() -> None:
    times = ", ".join(f"TIMESTAMP '{NOON}' AS t{n}" for n in range(4))
    lines = lines_of(f"SELECT {times}, 'a lengthy text' AS text", columns=80)
    assert lines[2].split() == [*NOON.split() * 4, "a"]


def test_control_characters_are_shown_and_not_done() -> None:
    lines = lines_of("""SELECT chr(27) || '[31mred' AS "a\x1b[31mb" """)
    assert (lines[0].strip(), lines[-1].strip()) == ("a\\x1b[31mb", "\\x1b[31mred")


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("0.5672981056829511", "0.5673"),
        ("12.5", "12.5"),
        ("12.50", "12.50"),
        ("1234.5678", "1234.5678"),
        ("1234.56789", "1234.5679"),
        ("115325.640000001", "115325.64"),
        ("0.99999999", "1.0"),
        ("-0.0000123456", "-1.235e-05"),
        ("0.00056789", "0.0005679"),
        ("1.23456789e+20", "1.235e+20"),
        ("12345678901234567890.123456", "12345678901234567890.1235"),
        ("170411575423", "170411575423"),
        ("0.000000", "0"),
        ("nan", "nan"),
        ("-inf", "-inf"),
    ],
)
def test_rounded(number: str, read: str) -> None:
    assert rounded(number) == read


@given(st.floats(allow_nan=False, allow_infinity=False).filter(bool))
def test_no_number_is_read_as_none_or_another(number: float) -> None:
    read = Decimal(rounded(str(number)))
    assert read != 0
    assert abs(read - Decimal(number)) <= max(Decimal("0.00005"), abs(Decimal(number)) / 1000)
    assert abs(read - Decimal(number)) <= abs(Decimal(number)) / 10
