"""Ctrl-C on a plain connection: it stops the script and not only the query, whatever errors the script expects."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, threading, time
import duckdb, mixpanel_data
from mixpanel_data.sandbox import Fault, shared

con = duckdb.connect()
con.execute("SET enable_progress_bar = false")
mixpanel_data.register(con, account="sandbox")
con.execute("FROM mixpanel_events()").fetchall()  # so that the sandbox is there
shared().faults.add(Fault(match="/export", hang=True, cut=0, times=1000))

def press():
    while not shared().answering:
        time.sleep(0.001)
    time.sleep({delay})
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without one
threading.Thread(target=press).start()
tries = 0
try:
    while tries < 5:
        tries += 1
        try:
            {query}
        except duckdb.Error:
            pass
except (KeyboardInterrupt, RuntimeError):
    print("stopped at try", tries)
assert con.execute("SELECT 42").fetchall() == [(42,)]
"""
MONTH = "FROM mixpanel_export('2024-01-01', '2024-01-31')"


@pytest.mark.parametrize("delay", [0, 0.05, 0.25])
@pytest.mark.parametrize(
    "query",
    [
        f'con.execute("{MONTH}").fetchall()',
        f'con.execute("CREATE OR REPLACE TABLE t AS {MONTH}")',
        f'con.sql("SELECT count(*) {MONTH}").df()',
        f'con.cursor().sql("{MONTH.replace("_", ".", 1)}").arrow()',
    ],
)
def test_ctrl_c_ends_a_loop_that_expects_errors_of_duckdb(query: str, delay: float) -> None:
    script = SCRIPT.format(query=query, delay=delay)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("stopped at try 1\n", "")
