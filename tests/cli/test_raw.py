"""``mp raw`` and ``mp fetch … --stdout``: straight to standard output, and nothing is kept."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from mixpanel_data.sandbox import Fault, Sandbox
from tests.cli.conftest import Run

Ok = Callable[..., str]
BASE = ("--account", "sandbox")
DAY = ("--from", "2024-01-01", "--to", "2024-01-01")


def sent(sandbox: Sandbox, query: str) -> list[str]:
    """The lines of an export, as the server sends them."""
    login = base64.b64encode(f"{sandbox.username}:{sandbox.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Accept-Encoding": "gzip"}
    url = f"{sandbox.url}/api/2.0/export?project_id=1&from_date=2024-01-01&to_date=2024-01-01&{query}"
    with urlopen(Request(url, headers=headers)) as answer:
        body = answer.read()
        packed = answer.headers["Content-Encoding"] == "gzip"
    return (gzip.decompress(body) if packed else body).decode().splitlines()


def test_export_is_what_was_sent(ok: Ok, sandbox: Sandbox, tmp_path: Path) -> None:
    ours = ok(*BASE, "raw", "export", *DAY, "--event", "Purchase").splitlines()
    theirs = sent(sandbox, "event=%5B%22Purchase%22%5D")
    assert len(ours) == 115
    assert sorted(map(json.dumps, map(json.loads, ours))) == sorted(map(json.dumps, map(json.loads, theirs)))
    properties = {line[line.index('"properties":') :].replace(": ", ":").replace(", ", ",") for line in theirs}
    assert {line[line.index('"properties":') :].replace(": ", ":").replace(", ", ",") for line in ours} == properties
    assert not (tmp_path / "databases").exists()


def test_fetch_to_stdout(ok: Ok, run: Run, tmp_path: Path) -> None:
    lines = ok(*BASE, "fetch", "events", *DAY, "--stdout", "--limit", "3").splitlines()
    assert [list(json.loads(line)) for line in lines] == [
        ["event_name", "event_time", "distinct_id", "insert_id", "properties"]
    ] * 3
    raw = ok(*BASE, "fetch", "events", *DAY, "--stdout", "--raw", "--limit", "3").splitlines()
    assert [list(json.loads(line)) for line in raw] == [["event", "properties"]] * 3
    as_csv = ok(*BASE, "fetch", "events", *DAY, "--stdout", "--limit", "3", "--format", "csv").splitlines()
    assert as_csv[0] == "event_name,event_time,distinct_id,insert_id,properties"
    assert len(as_csv) == 4
    assert not (tmp_path / "databases").exists()
    unfit = (("--append",), ("--dry-run",), ("--column", "a=b"), ("--properties", "variant"), ("--keep-duplicates",))
    for wrong in (("--raw",), *(("--stdout", *option) for option in unfit)):
        assert run(*BASE, "fetch", "events", *DAY, *wrong).code == 3
    assert run(*BASE, "fetch", "events", "--stdout").code == 3


def test_profiles(ok: Ok) -> None:
    raw = ok(*BASE, "raw", "engage", "--cohort", "Buyers", "--property", "plan").splitlines()
    first = json.loads(raw[0])
    assert list(first) == ["$distinct_id", "$properties"]
    assert list(first["$properties"]) == ["plan"]
    ours = ok(*BASE, "fetch", "profiles", "--stdout", "--cohort", "1001", "--property", "plan").splitlines()
    assert len(ours) == len(raw)
    assert {json.loads(line)["distinct_id"] for line in ours} == {json.loads(line)["$distinct_id"] for line in raw}


def test_get(ok: Ok, run: Run) -> None:
    path = "/api/query/events/top"
    answer = json.loads(ok(*BASE, "raw", "get", path, "--param", "type=general", "--param", "limit=2"))
    assert len(answer["events"]) == 2
    assert ok(*BASE, "raw", "get", path, "--param", "type=general", "--jq", ".type") == "general\n"
    done = run(*BASE, "raw", "get", path, "--param", "type")
    assert (done.code, done.err) == (3, "mp: --param type: write a name, = and a value, as in limit=3\n")
    assert run(*BASE, "raw", "get", "/etc/passwd").code == 3


def test_a_failure_on_the_way_is_a_failure(run: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(match="/export", status=403, body='{"error":"no"}', times=9))
    done = run(*BASE, "raw", "export", *DAY)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1


@pytest.mark.filterwarnings("always::mixpanel_data.MixpanelDataWarning")
@pytest.mark.parametrize(
    "command", [("raw", "export"), ("fetch", "events", "--stdout"), ("fetch", "events", "--stdout", "--raw")]
)
def test_a_line_that_is_no_event_is_refused_and_left_out_by_choice(
    ok: Ok, run: Run, sandbox: Sandbox, command: tuple[str, ...]
) -> None:
    asked = (*BASE, *command, *DAY, "--event", "Purchase")
    whole = list(map(json.loads, ok(*asked).splitlines()))
    sandbox.faults.add(Fault(match="/export", first_line='{"event": "Purchase"', times=9))
    done = run(*asked)
    assert (done.code, done.out) == (1, "")
    assert "line 1 of 2024-01-01 is no event" in done.err
    assert "--skip-bad-lines" in done.err
    done = run(*asked, "--skip-bad-lines")
    assert (done.code, list(map(json.loads, done.out.splitlines()))) == (0, whole)
    assert 'of 2024-01-01 a line is no event and was left out; the first: \'{"event"' in done.err
