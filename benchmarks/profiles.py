"""Profiles, page by page: ``python benchmarks/profiles.py [pages]``.

Another process serves pages of 1,000 profiles of 20 properties each, a fifth of a second after they are asked for. Each
run is a process of its own; the peak is what its memory grew by while it read.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from urllib.parse import parse_qs

from common import Handler, listen, served

SIZE = 1000
LATENCY = 0.2
RUN = """
import sys, time, duckdb, mixpanel_data
from mixpanel_data.functions import pages
def peak():
    return int(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1]) / 1024
pages.AT_ONCE = int(sys.argv[1])
con = duckdb.connect(config={'memory_limit': '100MB'})
mixpanel_data.register(con)
con.execute("FROM mixpanel_profiles() LIMIT 1").fetchall()
before, start = peak(), time.perf_counter()
found = con.execute("SELECT count(DISTINCT distinct_id), max(length(properties)) FROM mixpanel_profiles()").fetchall()
print(time.perf_counter() - start, peak() - before, found[0][0])
"""


def page(number: int, pages: int) -> bytes:
    people = [
        {
            "$distinct_id": f"user-{number * SIZE + place:08}",
            "$properties": {f"property number {n}": f"value {n} of {place}" for n in range(20)},
        }
        for place in range(SIZE)
    ]
    head = {"page": number, "page_size": SIZE, "session_id": "s", "status": "ok", "total": SIZE * pages}
    return json.dumps({**head, "results": people}).encode()


def serve(pages: int, port: multiprocessing.Queue[int]) -> None:
    class Pages(Handler):
        def do_POST(self) -> None:  # noqa: N802 - http.server's name
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = page(int(form.get("page", ["0"])[0]), pages)
            time.sleep(LATENCY)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    listen(Pages, port)


def main(pages: int) -> None:
    for count, at_once in ((pages, 1), (pages, 5), (pages * 5, 5)):
        with served(serve, count) as environment:
            command = [sys.executable, "-c", RUN, str(at_once)]
            out = subprocess.run(
                command, env={**os.environ, **environment}, check=True, capture_output=True, text=True
            ).stdout
        taken, grown, found = map(float, out.split()[-3:])
        print(
            f"{found:9,.0f} profiles, {at_once} pages at once: {taken:6.2f} s, {found / taken:7,.0f} a second, "
            f"memory grew by {grown:.0f} MB"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
