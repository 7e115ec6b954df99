"""Many clients of ``mp serve`` at once, of whom some are killed: everybody is answered, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixpanel_data import Workspace
from tests.anywhere.served import Served, ask, client, serving

pytest.importorskip("duckdb_extension_quack")

CLIENTS, TURNS = 8, 3
TOO_LONG = "takes longer than 5 seconds"
"""What anything may be told of on a machine that is busy."""
LIMITS = ("--max-seconds", "5", "--max-rows", "300000", "--memory-limit", "1GB")
ASKED = {
    "FROM mixpanel_events()": "",
    "FROM mixpanel_export('2024-01-01', '2024-01-01')": "",
    "FROM mixpanel_segmentation('Purchas', '2024-01-01', '2024-01-31')": "did you mean 'Purchase'?",
    "FROM local_daily_active_users(first)": "",
    "FROM first": "",
    "FROM range(200000)": "",
    "FROM range(300001)": "more than 300,000 rows",
    "FROM quack_stop('quack:localhost:9494')": "cannot be run here",
    "CALL quack_stop('quack:localhost:9494')": "runs only SELECT",
    "SELECT nothing FROM first": "not found",
    "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = -1": TOO_LONG,
}
"""What is asked, and what the error says."""
CLIENT = """
import duckdb, random, sys
from mixpanel_data.serving import extension

where, token, seed, turns, asked, too_long = *sys.argv[1:3], *map(int, sys.argv[3:5]), eval(sys.argv[5]), sys.argv[6]
turn = random.Random(seed)
with duckdb.connect() as con:
    extension.load(con)
    con.execute(f"ATTACH '{where}' AS mp (TOKEN '{token}')")
    while turns:
        turns -= 1
        for query, refusal in turn.sample(sorted(asked.items()), len(asked)):
            try:
                con.execute("FROM quack_query_by_name('mp', $1)", [query]).fetchall()
                told = ""
            except duckdb.Error as error:
                told = str(error)
            if too_long not in told and ((told == "") != (refusal == "") or refusal not in told):
                sys.exit(f"{query}: {told}")
            print("answered", flush=True)
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Workspace("sandbox", path=tmp_path / "shop.db", progress=False) as ws:
        ws.fetch_events("first", from_date="2024-01-01", to_date="2024-01-01")
    with serving("--account", "sandbox", "--path", str(tmp_path / "shop.db"), *LIMITS) as found:
        yield found


def asking(served: Served, seed: int, turns: int) -> subprocess.Popen[str]:
    """A client that asks everything so often, each time in another order; -1 is without end."""
    where = f"quack:localhost:{served.port}"
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, where, served.token, str(seed), str(turns), repr(ASKED), TOO_LONG],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def kill_amid_answers(served: Served, seed: int) -> None:
    with asking(served, seed, -1) as process:
        assert process.stdout is not None
        for _ in range(seed % 5):
            assert process.stdout.readline() == "answered\n"
        process.kill()


def resident(served: Served) -> int:
    """Megabytes of memory that the server has; 0 where the system does not say."""
    statm = Path(f"/proc/{served.process.pid}/statm")
    return int(statm.read_text().split()[1]) * 4096 // 1_000_000 if statm.exists() else 0


@pytest.mark.timeout(300)
def test_everybody_is_answered_whatever_the_others_do(served: Served) -> None:
    clients = [asking(served, seed, TURNS) for seed in range(CLIENTS)]
    for seed in range(12):
        kill_amid_answers(served, seed)
    for process in clients:
        out, err = process.communicate()
        assert (out.count("answered"), err) == (TURNS * len(ASKED), "")
    with client(served) as con:
        assert ask(con, "SELECT 42") == [(42,)]
    assert resident(served) < 1_500
