"""``mp fetch profiles`` as a shell sees it."""

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
    plan = json.loads(ok(*base, "fetch", "profiles", "other", "--dry-run"))
    assert len(plan["requests"]) == 1


def test_profiles_that_cannot_be_had(tmp_path: Path) -> None:
    base = ("--account", "sandbox", "--path", str(tmp_path / "x.db"), "fetch", "profiles")
    for more, code, said in (
        (("--cohort", "Nobody"), 4, "mp: there is no cohort 'Nobody'; there are: "),
        (("--append",), 4, "mp: there is no table profiles to append to"),
        (("--append", "--replace"), 3, "mp: give only one of append and replace"),
        (("--where", "1 +"), 3, "mp: Mixpanel refused the request"),
    ):
        done = mp(*base, *more)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith(said)
        assert done.stderr.count("\n") == 1
