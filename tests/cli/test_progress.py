"""How far a fetch has come, where nobody would see a line that moves."""

from __future__ import annotations

import pytest

from mixpanel_data.cli.progress import Form, progress_line
from mixpanel_data.client import Progress
from mixpanel_data.display import EVERY, Notices


def test_a_long_call_tells_now_and_then_how_far_it_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line(None, quiet=False) as line:
        for seconds in (0.0, EVERY - 1, EVERY + 1, EVERY + 2, 2 * EVERY + 2):
            line.show(progress(seconds))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("mp: mixpanel_download: 12/31 days, 4,000 events, 2.0 MB, ")
    assert second.startswith("mp: mixpanel_download: 12/31 days")


@pytest.mark.parametrize(("form", "quiet"), [(None, True), (Form.NONE, False)])
def test_who_wants_none_gets_none(form: Form | None, quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line(form, quiet) as line:
        line.show(progress(10 * EVERY))
    assert capsys.readouterr().err == ""


def test_plain_lines_on_a_terminal_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress_line(Form.PLAIN, quiet=False) as line:
        line.show(progress(10 * EVERY))
    assert capsys.readouterr().err.startswith("mp: mixpanel_download: 12/31 days")


def test_a_call_that_is_no_fetch_tells_only_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    one = progress(10 * EVERY)
    Notices().show(one)
    one.waiting = "the budget is spent"
    Notices().show(one)
    assert capsys.readouterr().err == "the budget is spent\n"


def progress(seconds: float) -> Progress:
    """A call that has run for so long."""
    RUNNING.waiting = None
    return RUNNING.after(seconds)


class Running(Progress):
    """A call whose clock is set."""

    clock = 0.0

    @property
    def seconds(self) -> float:
        return self.clock

    def after(self, seconds: float) -> Running:
        self.clock = seconds
        return self


RUNNING = Running("download", days=31, days_done=12, bytes=2_000_000, events=4000)
