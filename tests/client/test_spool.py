"""A body read back from disk is whole, or refused."""

from __future__ import annotations

import gzip
import io
import random
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.client import Spool, blocks, spool
from mixpanel_data.client.spool import open_spools, spooled_bytes
from mixpanel_data.exceptions import IncompleteExportError, StorageError

BODY = b"".join(b'{"line":%d,"pad":"%s"}\n' % (n, bytes(random.Random(n).choices(b"abcdef", k=40))) for n in range(400))
GZIPPED = gzip.compress(BODY)


def read(body: bytes, *, gzipped: bool) -> bytes:
    with Spool(gzipped=gzipped) as spooled:
        spooled.write(body)
        spooled.end()
        blocks = [bytes(block) for block in spooled.blocks()]
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    return b"".join(blocks)


def test_gzip_and_plain_read_alike() -> None:
    assert read(GZIPPED, gzipped=True) == read(BODY, gzipped=False) == BODY


@pytest.mark.parametrize("gzipped", [False, True])
def test_an_empty_body_is_an_empty_day(gzipped: bool) -> None:
    assert read(b"", gzipped=gzipped) == b""


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_every_member_of_a_gzip_body_is_read(parts: int) -> None:
    size = -(-len(BODY) // parts)
    members = [gzip.compress(BODY[start : start + size]) for start in range(0, len(BODY), size)]
    assert read(b"".join(members), gzipped=True) == BODY


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_blocks_hold_whole_lines_whatever_the_piece(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", piece)
    assert read(GZIPPED, gzipped=True) == BODY


@given(st.integers(1, len(GZIPPED) - 1))
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
def test_a_last_line_without_an_end_is_a_block_of_its_own(length: int) -> None:
    with Spool(gzipped=False) as spooled:
        spooled.write(BODY[:length])
        spooled.end()
        *whole, last = [bytes(block) for block in spooled.blocks()]
    assert b"".join(whole) + last == BODY[:length]
    assert b"\n" not in last[:-1] or last.endswith(b"\n")


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


class Sipping(io.FileIO):
    """A file that takes only a part of what it is given, as the system may."""

    def write(self, data: Any) -> int:
        return super().write(data[:1000])


def test_what_the_disk_takes_in_parts_is_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Sipping(tmp_path / "body", "w+"))
    with Spool(gzipped=False) as spooled:
        spooled.write(BODY[:5000])
        spooled.write(BODY[5000:])
        spooled.end()
        assert b"".join(map(bytes, spooled.blocks())) == BODY
        assert spooled.size == len(BODY)


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "w+"))
    with Spool(gzipped=False) as spooled, pytest.raises(StorageError, match="make room there, or set TMPDIR"):
        spooled.write(BODY)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match=r"cannot be kept in .*gone"):
        Spool(gzipped=False)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(("gzipped", "body"), [(False, BODY), (True, GZIPPED[:-100])])
def test_a_spool_that_is_closed_while_it_is_read_has_no_end(
    ended: bool, gzipped: bool, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 300)
    monkeypatch.setattr(spool, "ENOUGH", 1)
    with Spool(gzipped=gzipped) as spooled:
        spooled.write(body)
        if ended:
            spooled.end()
        reading = spooled.blocks()
        next(reading)
    with pytest.raises(IncompleteExportError, match="given up"):
        list(reading)


def beside(work: Callable[[], bytes]) -> Future[bytes]:
    """Does the work in a thread that nobody has to wait for."""
    done: Future[bytes] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


class Telling(threading.Condition):
    """Tells when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_awaited.set()
        return super().wait(timeout)


@pytest.mark.parametrize(("gzipped", "body"), [(False, BODY), (True, GZIPPED)])
@pytest.mark.parametrize("end", [Spool.end, Spool.close])
def test_who_waits_for_more_is_told_when_no_more_will_come(
    gzipped: bool, body: bytes, end: Callable[[Spool], None]
) -> None:
    with Spool(gzipped=gzipped) as spooled:
        spooled._changed = changed = Telling()
        spooled.write(body)
        reading = beside(lambda: b"".join(map(bytes, spooled.blocks())))
        changed.is_awaited.wait()
        end(spooled)
        if end is Spool.end:
            assert reading.result() == BODY
            return
        with pytest.raises(IncompleteExportError, match="given up"):
            reading.result()


def test_a_lull_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "ENOUGH", 1)
    lines = BODY.splitlines(keepends=True)
    with Spool(gzipped=False) as spooled:
        spooled._changed = changed = Telling()
        spooled.write(lines[0])
        reading = beside(lambda: b"".join(map(bytes, spooled.blocks())))
        reading.add_done_callback(lambda _: changed.is_awaited.set())
        for line in lines[1:]:
            changed.is_awaited.wait()
            changed.is_awaited.clear()
            spooled.write(line)
        spooled.end()
        assert reading.result() == BODY


def test_what_comes_while_an_earlier_part_is_read_stands_behind_all_that_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 300)
    monkeypatch.setattr(spool, "ENOUGH", 1)
    with Spool(gzipped=False) as spooled:
        spooled.write(BODY[:2000])
        reading = spooled.blocks()
        first = bytes(next(reading))
        spooled.write(BODY[2000:])
        spooled.end()
        assert first + b"".join(map(bytes, reading)) == BODY


def test_what_is_on_disk_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_open", WeakSet())  # an earlier test's may still be closing
    with Spool(gzipped=False) as spooled:
        spooled.write(BODY)
        assert spooled_bytes() == len(BODY)
    assert spooled_bytes() == 0


def places() -> int:
    """For how many more blocks there is room."""
    taken = [blocks._room().acquire(blocking=False) for _ in range(blocks.BLOCKS + 1)].count(True)
    for _ in range(taken):
        blocks._room().release()
    return taken


def test_every_place_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 4000)
    room = threading.Semaphore(blocks.BLOCKS)  # an earlier test's blocks may still be read
    monkeypatch.setattr(blocks, "_room", lambda: room)
    with Spool(gzipped=False) as spooled:
        spooled.write(BODY)
        spooled.end()
        held = list(spooled.blocks())
    assert len(held) > blocks.BLOCKS
    assert places() == 0
    del held
    assert places() == blocks.BLOCKS
    for _ in range(2):
        with pytest.raises(IncompleteExportError):
            read(GZIPPED[:-100], gzipped=True)
    assert places() == blocks.BLOCKS
