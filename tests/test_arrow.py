"""pandas is loaded for those who use it, and then pyarrow knows it."""

from __future__ import annotations

import subprocess
import sys

BEFORE = "import duckdb, mixpanel_data, pyarrow as pa, sys; con = duckdb.connect(); mixpanel_data.register(con, account='sandbox'); "


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


def test_registering_and_an_export_do_without_pandas() -> None:
    query = "con.execute(\"SELECT count(*) FROM mixpanel_export('2024-01-01', '2024-01-01')\").fetchall()"
    assert python(f"{BEFORE} print({query}, 'pandas' in sys.modules)") == "[(3885,)] False"


def test_pyarrow_knows_pandas_when_somebody_has_imported_it() -> None:
    code = (
        "import pandas as pd; print(pa.array(pd.Series([1.0, None])).null_count, pa.table({'a': [1]}).to_pandas().a[0])"
    )
    assert python(f"{BEFORE} {code}") == "1 1"


def test_duckdb_gives_frames_all_the_same() -> None:
    assert python(f"{BEFORE} print(len(con.sql('FROM mixpanel_events()').df()) > 3)") == "True"


def test_pandas_may_be_there_before() -> None:
    assert python(f"import pandas as pd; {BEFORE} print(pa.array(pd.Series([1.0, None])).null_count)") == "1"
