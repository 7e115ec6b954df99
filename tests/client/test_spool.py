"""A body read back from disk is whole, or refused."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.client import Spool, blocks, spool
from mixpanel_data.client.spool import open_spools
from mixpanel_data.exceptions import IncompleteExportError

BODY = b"".join(b'{"line":%d,"pad":"%s"}\n' % (n, bytes(random.Random(n).choices(b"abcdef", k=40))) for n in range(400))
GZIPPED = gzip.compress(BODY)


def read(body: bytes, *, gzipped: bool) -> bytes:
    with Spool(gzipped=gzipped) as spooled:
        spooled.write(body)
        spooled.end()
        blocks = [bytes(block) for block in spooled.blocks()]
    assert all(block.endswith(b"\n") for block in blocks)
    return b"".join(blocks)


def test_gzip_and_plain_read_alike() -> None:
    assert read(GZIPPED, gzipped=True) == read(BODY, gzipped=False) == BODY


def test_an_empty_plain_body_is_an_empty_day() -> None:
    assert read(b"", gzipped=False) == b""


def test_an_empty_gzip_body_is_not() -> None:
    with pytest.raises(IncompleteExportError, match="empty"):
        read(b"", gzipped=True)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_every_member_of_a_gzip_body_is_read(parts: int) -> None:
    size = -(-len(BODY) // parts)
    members = [gzip.compress(BODY[start : start + size]) for start in range(0, len(BODY), size)]
    assert read(b"".join(members), gzipped=True) == BODY


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_blocks_hold_whole_lines_whatever_the_piece(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", piece)
    assert read(GZIPPED, gzipped=True) == BODY


@given(st.integers(0, len(GZIPPED) - 1))
def test_a_gzip_body_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(IncompleteExportError):
        read(GZIPPED[:length], gzipped=True)


@given(st.integers(0, len(GZIPPED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_harmless(place: int, change: int) -> None:
    broken = GZIPPED[:place] + bytes([GZIPPED[place] ^ change]) + GZIPPED[place + 1 :]
    try:
        assert read(broken, gzipped=True) == BODY  # bytes of the header that mean nothing, such as the time
    except IncompleteExportError:
        pass


@given(st.integers(1, len(BODY) - 1))
def test_a_plain_body_cut_inside_a_line_is_refused(length: int) -> None:
    if BODY[length - 1] == ord("\n"):
        assert read(BODY[:length], gzipped=False) == BODY[:length]
        return
    with pytest.raises(IncompleteExportError, match="middle of a line"):
        read(BODY[:length], gzipped=False)


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError), Spool(gzipped=False) as spooled:
        spooled.write(BODY)
        assert open_spools() > 0
        assert list(tmp_path.iterdir()) == [], "the file has no name, so not even a killed process leaves it behind"
        raise RuntimeError
    assert spooled not in spool._open


def test_a_body_read_twice_falls_into_the_same_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 300)
    blocks._idle.append(bytearray(1000))  # as left by whoever used another size
    with Spool(gzipped=True) as spooled:
        spooled.write(GZIPPED)
        spooled.end()
        first, second = ([bytes(block) for block in spooled.blocks()] for _ in range(2))
    assert first == second
    assert len(first) > 10
