"""What several reports have in common, written once: ``python -m mixpanel_data.local.parts`` puts it into each file.

A part is the inside of a common table expression, in a file of its name. A report that takes a ``timezone`` and has an
expression of that name has this part in it, word for word, so each report still runs by itself. Lines marked
``?amount`` are for reports that take an ``amount``.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
MARKED = re.compile(r"^\?(\w+)(.*\n)", re.MULTILINE)


def with_parts(sql: str) -> str:
    """The report's text with each part as it stands in its file."""
    if "timezone := NULL" in sql:
        for part in FOLDER.glob("parts/*.sql"):
            sql = _with_part(sql, part.stem, part.read_text("utf-8"))
    return sql


def _with_part(sql: str, name: str, text: str) -> str:
    inside = rf"^((?:WITH |\), ){name} AS (?:NOT MATERIALIZED |MATERIALIZED )?\(\n).*?(?=^\))"
    return re.sub(inside, lambda found: found[1] + _lines_for(sql, text), sql, flags=re.MULTILINE | re.DOTALL)


def _lines_for(sql: str, text: str) -> str:
    """Without the marks, and without the lines that are marked for other reports."""
    taken = re.findall(r"^  (\w+)(?:,| :=) ", sql, re.MULTILINE)
    return MARKED.sub(lambda found: found[2] if found[1] in taken else "", text)


if __name__ == "__main__":
    for report in FOLDER.glob("reports/*.sql"):
        report.write_text(with_parts(report.read_text("utf-8")), "utf-8")
