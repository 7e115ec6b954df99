"""From bytes to columns: every event, field by field, and the properties as they came."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.client import Spool
from mixpanel_data.exceptions import IncompleteExportError
from mixpanel_data.functions.body.proof import Proof
from tests.functions.body.batches import batches_of
from tests.servers import lines

COLUMNS = ("event_name", "event_time", "distinct_id", "insert_id", "properties")


def read(body: bytes, columns: tuple[str, ...] = COLUMNS) -> list[dict[str, Any]]:
    proof = Proof(columns)
    with Spool(gzipped=False) as spool:
        spool.write(body)
        spool.end()
        try:
            proof(spool)
            batches = list(batches_of(proof, spool, columns))
        finally:
            proof.close()
    assert sum(batch.num_rows for batch in batches) == proof.events
    return [row for batch in batches for row in batch.to_pylist()]


def one(line: str) -> dict[str, Any]:
    (row,) = read(line.encode() + b"\n")
    return row


def with_properties(properties: str) -> dict[str, Any]:
    return one('{"event":"e","properties":' + properties + "}")


def test_a_plain_event() -> None:
    assert one('{"event":"Signed up","properties":{"time":1602611311,"distinct_id":"u","$insert_id":"i"}}') == {
        "event_name": "Signed up",
        "event_time": datetime(2020, 10, 13, 17, 48, 31),
        "distinct_id": "u",
        "insert_id": "i",
        "properties": '{"time":1602611311,"distinct_id":"u","$insert_id":"i"}',
    }


@pytest.mark.parametrize(
    "properties",
    [
        '{"time":1,"n":9007199254740993,"big":123456789012345678901234567890,"f":1.10,"e":1e5,"tiny":0.1000000000000000055}',
        '{"time":1, "spaced" : [ 1 , 2 ] , "u":"\\u00e9\\ud83d\\ude00","slash":"\\/"}',
        '{"time":1,"twice":1,"twice":2,"$city":"a","city":"b"}',
        '{"time":1,"nested":{"properties":{"event":{"properties":1}}},"x":"}}"}',
        '{"time":1,"lines":"\u2028\u2029\u0085\x7f","quote":"\\"properties\\":{"}',
        '{"time":1,"nan":NaN,"inf":-Infinity}',
        '{"time":1}',
        "{}",
    ],
)
@pytest.mark.parametrize("form", ['{"event":"e","properties":%s}', '{"event": "e", "properties": %s}'])
def test_properties_are_the_bytes_that_came(properties: str, form: str) -> None:
    assert one(form % properties)["properties"] == properties


@pytest.mark.parametrize(
    "line",
    [
        '{"properties":{"time":5,"a":"x"},"event":"e"}',
        '{"event":"e","properties":{"time":5,"a":"x"},"more":1}',
        ' {"event":"e","properties":{"time":5,"a":"x"}} ',
        '{"event":"e","properties":{"time":5,"a":"x"}}\r',
        '{"event":"e","properties" : {"time":5,"a":"x"}}',
        '{"a\\"properties":{"b":1},"event":"e","properties":{"time":5,"a":"x"}}',
        '{"event":"e","other":{"properties":{"time":9}},"properties":{"time":5,"a":"x"}}',
    ],
)
def test_lines_of_another_form_are_read_in_full(line: str) -> None:
    row = one(line)
    assert (row["event_name"], row["event_time"]) == ("e", datetime(1970, 1, 1, 0, 0, 5))
    assert json.loads(row["properties"]) == {"time": 5, "a": "x"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"u"', "u"),
        ('""', ""),
        ("null", None),
        ("12345678901234567890", "12345678901234567890"),
        ("17", "17"),
        ('"$device:1-2"', "$device:1-2"),
        ('"<null>"', "<null>"),
        ('"undefined"', "undefined"),
        ('"q\\"\\\\\\n\\u2028😀"', 'q"\\\n\u2028😀'),
    ],
)
def test_distinct_id(value: str, expected: str | None) -> None:
    assert with_properties('{"time":1,"distinct_id":' + value + "}")["distinct_id"] == expected


def test_distinct_id_missing() -> None:
    assert with_properties('{"time":1}')["distinct_id"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1704067260", datetime(2024, 1, 1, 0, 1)),
        ("1704067260123", datetime(2024, 1, 1, 0, 1, 0, 123000)),
        ("1704067260.5", datetime(2024, 1, 1, 0, 1, 0, 500000)),
        ('"1704067260"', datetime(2024, 1, 1, 0, 1)),
        ("0", datetime(1970, 1, 1)),
        ("-1", datetime(1969, 12, 31, 23, 59, 59)),
        ("null", None),
        ('"soon"', None),
        ("1e300", None),
        ("[]", None),
    ],
)
def test_event_time(value: str, expected: datetime | None) -> None:
    assert with_properties('{"time":' + value + "}")["event_time"] == expected


def test_a_missing_time_is_null_not_1970() -> None:
    assert with_properties("{}")["event_time"] is None


def test_a_missing_insert_id_is_the_same_at_every_fetch() -> None:
    first = with_properties('{"time":1,"a":"x"}')["insert_id"]
    again = with_properties('{"a":"x","time":1}')["insert_id"]
    other = with_properties('{"time":2,"a":"x"}')["insert_id"]
    assert first == again != other
    assert uuid.UUID(first).version == 5
    assert with_properties('{"time":1,"$insert_id":null,"a":"x"}')["insert_id"] is not None


def test_event_names_of_any_kind() -> None:
    names = ["", "properties", '"properties":', 'a"b\\c', "\u2028", "😀", "{}", "x" * 5000]
    rows = read(lines([{"event": name, "properties": {"time": 1}} for name in names]))
    assert [row["event_name"] for row in rows] == names


def test_only_wanted_columns_are_read() -> None:
    body = lines([{"event": "e", "properties": {"time": 1}}] * 3)
    assert read(body, ("event_name",)) == [{"event_name": "e"}] * 3


def test_counting_needs_no_columns() -> None:
    assert read(lines([{"event": "e", "properties": {}}] * 3), ()) == [{}] * 3


def test_a_proof_that_failed_can_be_tried_again() -> None:
    proof = Proof(COLUMNS)
    for body, events in ((GOOD + b"broken\n", None), (GOOD * 3, 3), (GOOD, 1)):
        with Spool(gzipped=False) as spool:
            spool.write(body)
            spool.end()
            if events is None:
                with pytest.raises(IncompleteExportError):
                    proof(spool)
            else:
                proof(spool)
                assert [batch.num_rows for batch in batches_of(proof, spool, COLUMNS)] == [events]
    proof.close()


def test_blank_lines_hold_nothing_and_lose_nothing() -> None:
    assert len(read(b'\n{"event":"e","properties":{}}\n \n\r\n{"event":"f","properties":{}}\n')) == 2


@pytest.mark.parametrize("body", [b"", b"\n", b" \n\r\n\n"])
def test_a_body_without_lines_has_no_events(body: bytes) -> None:
    assert read(body) == []


def test_a_last_event_without_an_end_is_an_event() -> None:
    first, last = '{"event":"e","properties":{"time":1}}', '{"event":"f","properties":{"time":2}}'
    assert [row["event_name"] for row in read(f"{first}\n{last}".encode())] == ["e", "f"]
    assert [row["properties"] for row in read(last.encode())] == ['{"time":2}']


@given(st.integers(1, 36))
def test_a_body_cut_inside_a_line_is_refused(length: int) -> None:
    with pytest.raises(IncompleteExportError, match=r"ends in the middle of a line: .+"):
        read(GOOD * 2 + GOOD[:length])


GOOD = b'{"event":"e","properties":{"time":1}}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"terminated early", r"ended the export before it was complete \(terminated early\)"),
        (b"export terminated early", "terminated early"),
        (b'{"event":"e","properties":{"time":1}', "line 3 of the export is no event"),
        (b'{"event":"e","properties":{"time":1}}}', "line 3"),
        (b'{"event":"e","properties":{"time":}}', "line 3"),
        (b'{"event":"e","properties":[]}', "line 3"),
        (b'{"error":"no"}', "line 3"),
        (b"<html>", "line 3"),
        (b"null", "line 3"),
    ],
)
def test_a_line_that_is_no_event_refuses_the_whole(line: bytes, message: str) -> None:
    with pytest.raises(IncompleteExportError, match=message):
        read(GOOD * 2 + line + b"\n" + GOOD)


def test_bytes_that_are_no_text_are_replaced_and_the_event_kept() -> None:
    row = read(b'{"event":"e","properties":{"time":1,"a":"x\xffy"}}\n')[0]
    assert json.loads(row["properties"]) == {"time": 1, "a": "x\ufffdy"}


def test_an_unpaired_surrogate_is_replaced_and_the_event_kept() -> None:
    row = with_properties('{"time":1,"a":"x\\ud83d","b":"\\ud83d\\ude00"}')
    assert json.loads(row["properties"]) == {"time": 1, "a": "x\ufffd", "b": "😀"}


json_texts = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False) | json_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts, inner, max_size=3),
    max_leaves=8,
)
events = st.lists(
    st.builds(
        lambda name, properties: {"event": name, "properties": properties},
        json_texts,
        st.dictionaries(json_texts, json_values, max_size=5),
    ),
    max_size=8,
)


@given(events, st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_any_events_come_back_exactly(
    given_events: list[dict[str, Any]], ascii_only: bool, separators: tuple[str, str]
) -> None:
    def dump(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators)

    body = "".join(dump(event) + "\n" for event in given_events).encode()
    rows = read(body)
    assert [row["event_name"] for row in rows] == [event["event"] for event in given_events]
    assert [row["properties"] for row in rows] == [dump(event["properties"]) for event in given_events]
