"""``mp sandbox``: a Mixpanel for other programs, until it is told to end."""

from __future__ import annotations

import json
import re
import signal

import pytest

from tests.shell import ok, started

LINE = re.compile(r"export MP_API_BASE_URL=(\S+) MP_USERNAME=(\S+) MP_SECRET=(\S+) MP_PROJECT_ID=(\d+)\n")
NAMES = ("MP_API_BASE_URL", "MP_USERNAME", "MP_SECRET", "MP_PROJECT_ID")


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_other_programs_use_it(ending: signal.Signals, code: int) -> None:
    with started("sandbox", "--sessions", "50") as process:
        assert process.stdout is not None
        found = LINE.fullmatch(process.stdout.readline())
        assert found is not None
        variables = dict(zip(NAMES, found.groups(), strict=True))
        assert "Purchase" in json.loads(ok("inspect", "events", **variables))
        process.send_signal(ending)
        assert process.wait(timeout=20) == code


def test_a_port_that_is_taken() -> None:
    with started("sandbox", "--sessions", "50") as first:
        assert first.stdout is not None
        port = re.search(r":(\d+) ", first.stdout.readline())
        assert port is not None
        with started("sandbox", "--port", port[1]) as second:
            assert second.wait(timeout=20) == 1
            assert second.stderr is not None
            assert second.stderr.read() == f"mp: port {port[1]} cannot be used: Address already in use\n"
        first.terminate()
