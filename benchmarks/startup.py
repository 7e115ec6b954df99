"""How long a command takes to begin: ``python benchmarks/startup.py``.

Each against the least that a command of its kind could load, in turns, in the same minute.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from common import seconds

MP = [sys.executable, "-m", "mixpanel_data"]
PAIRS = {
    "mp --version": ([*MP, "--version"], [sys.executable, "-c", "import typer"]),
    'mp sql "select 1"': (
        [*MP, "sql", "select 1"],
        [sys.executable, "-c", "import duckdb; duckdb.sql('select 1').show()"],
    ),
}


def main(turns: int = 21) -> None:
    for name, commands in PAIRS.items():
        times = [[taken(command) for command in commands] for _ in range(turns)]
        ours, least = (statistics.median(column) for column in zip(*times, strict=True))
        print(
            f"{name:20} {1000 * ours:4.0f} ms, {ours / least:.2f} times the {1000 * least:.0f} ms of {commands[1][2]!r}"
        )


def taken(command: list[str]) -> float:
    return seconds(lambda: subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
