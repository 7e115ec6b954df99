"""``mp`` as a shell runs it."""

from __future__ import annotations

import os
import subprocess
import sys

MP = (sys.executable, "-m", "mixpanel_data")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", **more}


def mp(*arguments: str, stdin: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MP, *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=60,
    )


def ok(*arguments: str, stdin: str | None = None, **more: str) -> str:
    done = mp(*arguments, stdin=stdin, **more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def started(*arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*MP, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**more),
    )
