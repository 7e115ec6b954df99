"""How long the main job takes, as whole processes: ``python benchmarks/fetch.py [EVENTS] [ROUNDS] [NAME …]``.

Every way of loading a month of events into a table of a database file, against a floor in the same run: curl to a file,
then DuckDB's own ``read_ndjson`` over it into the same columns. The floor proves nothing and removes no duplicates.
Each process is started in turn; quote the ratio of the medians, and the processor seconds beside it.

The events have some 650 bytes, ids as clients make them, a few without ``$insert_id`` and a few sent twice. The server
is a process of its own, on this machine.
"""

from __future__ import annotations

import fcntl
import os
import statistics
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from multiprocessing import Queue
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
from common import Handler, listen, served

FIRST, DAYS = date(2024, 1, 1), 30
LAST = FIRST + timedelta(days=DAYS - 1)
SPAN = f"'{FIRST}', '{LAST}'"
EVENTS = """
SELECT '{"event":"' || ['App Open', 'Page View', 'Search', 'Add To Cart', 'Purchase', 'Sign Up'][1 + n % 6]
  || '","properties":{"time":' || (epoch($first) + n * 86400 // $events)::BIGINT
  || ',"distinct_id":"' || md5((n % ($events // 12 + 1))::VARCHAR)::UUID
  || CASE WHEN n % 100 = 7 THEN '"' ELSE
       '","$insert_id":"' || left(md5((n - (n % 500 = 3)::INT)::VARCHAR || $first), 16) || '"' END
  || ',"$app_build_number":"' || 4000 + n % 37 || '","$app_version_string":"7.' || n % 37
  || '.1","$carrier":"Carrier ' || n % 23 || '","$city":"City ' || hash(n) % 900 || '","mp_country_code":"'
  || ['US', 'DE', 'IN', 'BR', 'JP'][1 + (hash(n) % 5)::INT]
  || '","$device_id":"' || md5('d' || n % ($events // 9 + 1))::UUID
  || '","$lib_version":"4.2.' || n % 9 || '","$manufacturer":"Maker","$model":"Model ' || hash(n, 1) % 150
  || '","$os":"' || ['iOS', 'Android'][1 + n % 2] || '","$os_version":"17.' || n % 6
  || '","$region":"Region ' || hash(n, 2) % 90 || '","$screen_height":2532,"$screen_width":1170,"$wifi":'
  || ['true', 'false'][1 + n % 2] || ',"mp_lib":"swift","mp_processing_time_ms":'
  || (1000 * (epoch($first) + n * 86400 // $events) + 1500 + hash(n, 3) % 90000)::BIGINT || ',"plan":"'
  || ['free', 'pro', 'team'][1 + (hash(n, 4) % 3)::INT] || '","amount":' || round((hash(n, 5) % 100000) / 100, 2)
  || ',"session_id":"' || md5('s' || n // 7 || $first) || '","screen":"Screen ' || hash(n, 6) % 40 || '"}}' || chr(10)
FROM range($events) AS r(n)
"""
FLOOR = f"""
import subprocess, duckdb, sys
subprocess.run(["curl", "-s", "-o", sys.argv[2], sys.argv[3] + "/?from_date={FIRST}&to_date={LAST}"], check=True)
con = duckdb.connect(sys.argv[1])
con.execute('''
CREATE OR REPLACE TABLE events AS
SELECT event AS event_name, make_timestamp(fields[1]::BIGINT * 1000000) AS event_time,
       fields[2] AS distinct_id, fields[3] AS insert_id, properties
FROM (SELECT *, json_extract_string(properties, ['$.time', '$.distinct_id', '$."$insert_id"']) AS fields
      FROM read_ndjson(?, columns = {{event: 'VARCHAR', properties: 'JSON'}}, compression = 'gzip'))
''', [sys.argv[2]])
con.close()
"""
SQL = """
import sys, duckdb, mixpanel_data
con = duckdb.connect(sys.argv[1])
mixpanel_data.register(con)
print(con.execute(sys.argv[4]).fetchall())
con.close()
"""
FETCH = ["-m", "mixpanel_data", "--path", "{path}", "fetch", "events", "--from", str(FIRST), "--to", str(LAST)]
WAYS: dict[str, list[str]] = {
    "floor": ["-c", FLOOR, "{path}", "{body}", "{url}"],
    "CREATE TABLE AS": ["-c", SQL, "{path}", "", "", f"CREATE TABLE events AS FROM mixpanel_export({SPAN})"],
    "fetch": FETCH,
    "fetch --resume": [*FETCH, "--resume"],
    "fetch zstd": [*FETCH, "--compression", "zstd"],
    "count(*)": ["-c", SQL, "{path}", "", "", f"SELECT count(*) FROM mixpanel_export({SPAN})"],
    "count by event": [
        "-c",
        SQL,
        "{path}",
        "",
        "",
        f"SELECT event_name, count(*) FROM mixpanel_export({SPAN}) GROUP BY 1",
    ],
}


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    processor_seconds: float
    peak_mb: float
    locked: float
    """Seconds in which nobody else could open the file."""
    file_mb: float


def day(number: int, events: int) -> bytes:
    """The lines of one day."""
    first = FIRST + timedelta(days=number)
    with duckdb.connect() as con:
        return b"".join(line.encode() for (line,) in con.execute(EVENTS, {"first": first, "events": events}).fetchall())


def serve(events: int, port: Queue[int]) -> None:
    """A project that has so many events a day; bodies are compressed once."""
    days = {FIRST + timedelta(days=n): day(n, events) for n in range(DAYS)}
    bodies: dict[tuple[str, str], bytes] = {}
    lock = threading.Lock()

    def body(first: str, last: str) -> bytes:
        with lock:
            if (first, last) not in bodies:
                deflate = zlib.compressobj(6, wbits=31)
                lines = [deflate.compress(text) for at, text in days.items() if first <= at.isoformat() <= last]
                bodies[first, last] = b"".join([*lines, deflate.flush()])
            return bodies[first, last]

    class Export(Handler):
        def do_GET(self) -> None:  # noqa: N802
            given = parse_qs(urlsplit(self.path).query)
            content = body(given["from_date"][0], given["to_date"][0])
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    listen(Export, port)


def locked_seconds(path: Path, stop: threading.Event) -> float:
    """How long nobody else can open the file, watched from beside."""
    locked, last = 0.0, time.perf_counter()
    while not stop.wait(0.004):
        is_locked = path.exists() and not _opens(path)
        now = time.perf_counter()
        locked, last = locked + (now - last) * is_locked, now
    return locked


def _opens(path: Path) -> bool:
    """Whether DuckDB's lock on the file is free: it is a POSIX lock on its first bytes."""
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def run(command: Sequence[str], path: Path) -> Run:
    """One process from its start to its end."""
    found: list[float] = []
    stop = threading.Event()
    probe = threading.Thread(target=lambda: found.append(locked_seconds(path, stop)))
    probe.start()
    start = time.perf_counter()
    quiet = os.open(os.devnull, os.O_RDWR)
    process = os.posix_spawn(
        sys.executable, [sys.executable, *command], os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 0), (os.POSIX_SPAWN_DUP2, quiet, 1)],
    )  # fmt: skip
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    os.close(quiet)
    stop.set()
    probe.join()
    if status:
        raise SystemExit(f"{command} failed")
    size = path.stat().st_size / 1e6
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3, found[0], size)


def report(runs: dict[str, list[Run]]) -> None:
    """A row for each way: medians, and the ratio to the floor with its least and its most."""
    floor = statistics.median(one.seconds for one in runs["floor"])
    print(f"{'':16} seconds   of the floor        processor s   peak MB   locked s   file MB")
    for name, taken in runs.items():
        columns = zip(*map(astuple, taken), strict=True)
        seconds, processor, peak, locked, file = (statistics.median(column) for column in columns)
        ratios = [one.seconds / base.seconds for one, base in zip(taken, runs["floor"], strict=True)]
        ratio = f"{seconds / floor:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{name:16} {seconds:7.2f}   {ratio:20} {processor:10.2f} {peak:9.0f} {locked:10.2f} {file:9.0f}")


def main(events: int = 400_000, rounds: int = 5, *names: str) -> None:
    ways = {name: WAYS[name] for name in ("floor", *(names or list(WAYS)[1:]))}
    with served(serve, events // DAYS) as environment, tempfile.TemporaryDirectory() as folder:
        os.environ |= environment
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process would compile the package anew
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, way in ways.items():
                path = Path(folder) / f"{number}.duckdb"
                places = {"{path}": str(path), "{url}": environment["MP_API_BASE_URL"], "{body}": f"{folder}/body.gz"}
                os.environ["MP_STATE_PATH"] = f"{folder}/requests-{number}-{name}.db"  # no budget to wait for
                os.sync()  # or each would wait for what the one before it has written
                one = run([places.get(part, part) for part in way], path)
                path.unlink()
                if number:  # the first round compresses the bodies
                    runs[name].append(one)
    print(f"{events // DAYS * DAYS:,} events; DuckDB {duckdb.__version__}, {os.cpu_count()} cores")
    report(runs)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
