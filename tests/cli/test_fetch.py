"""``mp fetch`` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.shell import mp, ok


def test_profiles_into_a_table(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"))
    by_name = json.loads(ok(*base, "fetch", "profiles", "buyers", "--cohort", "Buyers", "--property", "plan"))
    assert by_name["type"] == "profiles"
    assert json.loads(ok(*base, "sql", "SELECT count(*) AS n, max(json_keys(properties)) AS k FROM buyers")) == [
        {"n": by_name["rows"], "k": ["plan"]}
    ]
    by_id = json.loads(ok(*base, "fetch", "profiles", "buyers", "--cohort", "1001", "--replace"))
    assert by_id["rows"] == by_name["rows"]
    one = json.loads(ok(*base, "fetch", "profiles", "one", "--distinct-id", "user-0000001"))
    assert one["rows"] == 1
    plan = json.loads(ok(*base, "fetch", "profiles", "other", "--dry-run"))
    assert len(plan["requests"]) == 1


def test_profiles_that_cannot_be_had(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"), "fetch", "profiles")
    for more, code, said in (
        (("--cohort", "Nobody"), 4, "mp: there is no cohort 'Nobody'; there are: "),
        (("--append",), 4, "mp: there is no table profiles to append to"),
        (("--append", "--replace"), 3, "mp: give only one of --append and --replace"),
        (("--where", "1 +"), 3, "mp: Mixpanel refused the request"),
    ):
        done = mp(*base, *more)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith(said)
        assert done.stderr.count("\n") == 1


def test_events_by_all_their_options(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"))
    january = ("fetch", "events", "january", "--from", "2024-01-01")
    first = json.loads(ok(*base, *january, "--to", "2024-01-02", "--events", "Purchase, Search", "--event", "Sign Up"))
    assert (first["table"], first["days"], first["date_range"]) == ("january", 2, ["2024-01-01", "2024-01-02"])
    names = "SELECT list(DISTINCT event_name ORDER BY event_name) AS names FROM january"
    assert json.loads(ok(*base, "sql", names)) == [{"names": ["Purchase", "Search", "Sign Up"]}]
    again = mp(*base, *january, "--to", "2024-01-02")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("mp: table january exists: drop it, ")
    plan = json.loads(ok(*base, *january, "--to", "2024-01-04", "--replace", "--dry-run"))
    assert (sum(request["days"] for request in plan["requests"]), plan["table"]) == (4, "january")
    whole = ("--replace", "--column", "plan=plan", "--properties", "json", "--keep-duplicates", "--parallel", "2")
    assert json.loads(ok(*base, *january, "--to", "2024-01-02", *whole))["rows"] == 7873
    assert json.loads(ok(*base, "sql", "SELECT count(DISTINCT plan) AS plans FROM january")) == [{"plans": 3}]


def test_no_names_are_not_all_names(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"), "fetch", "events", "--from", "2024-01-01")
    for nothing in ("", ", ,"):
        done = mp(*base, "--events", nothing)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("mp: --events names no event: ")


def test_days_that_grow(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"), "fetch", "events")
    assert json.loads(ok(*base, "--from", "2024-01-01", "--to", "2024-01-02", "--resume"))["days"] == 2
    assert json.loads(ok(*base, "--from", "2024-01-01", "--to", "2024-01-03", "--resume"))["days"] == 1
    synced = json.loads(ok(*base, "--sync", "--to", "2024-01-04", "--look-back", "1"))
    assert (synced["days"], synced["date_range"]) == (2, ["2024-01-01", "2024-01-04"])


def test_a_sample(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"))
    days = ("--from", "2024-01-01", "--to", "2024-01-02")
    assert json.loads(ok(*base, "fetch", "events", *days, "--limit", "100"))["rows"] == 100
    assert json.loads(ok(*base, "sql", "SELECT count(*) AS days FROM _loaded_days")) == [{"days": 0}]
    assert json.loads(ok(*base, "fetch", "events", *days, "--resume"))["rows"] == 7873
    assert json.loads(ok(*base, "sql", "SELECT count(*) AS n FROM events")) == [{"n": 7873}]
    for way in ("--append", "--resume", "--sync"):
        done = mp(*base, "fetch", "events", *days, "--limit", "10", way)
        assert (done.returncode, done.stderr) == (
            3,
            "mp: a limit is for a table of its own: leave --append, --resume and --sync out\n",
        )


def test_who_resumes_what_is_whole_learns_what_is_there(tmp_path: Path) -> None:
    fetch = ("--account", "sandbox", "--path", str(tmp_path / "x.db"), "fetch", "events", "--to", "2024-01-02")
    first = json.loads(ok(*fetch, "--from", "2024-01-01"))
    assert first["rows_in_table"] == first["rows"]
    again = json.loads(ok(*fetch, "--from", "2024-01-01", "--resume"))
    assert (again["rows"], again["rows_in_table"]) == (0, first["rows"])
