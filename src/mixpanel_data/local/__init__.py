"""Reports over tables that are already here: ``mixpanel.local.funnel(january, …)``. Nothing of them asks Mixpanel.

Each is a macro, in a file of its own that says all there is to say of it: what it is for, an example, what counts and
what does not, and beside each parameter and column its meaning. A file runs in any DuckDB as it stands, and can be
copied and changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import ClassVar

SCHEMA = "local"
"""Where they are in the catalog of the functions."""
NAME = re.compile(r"^CREATE OR REPLACE MACRO (\w+)\(", re.MULTILINE)
PARAMETER = re.compile(r'^  "?(\w+)"?(?: := (.+?))?,? +-- (.+)$', re.MULTILINE)
COLUMN = re.compile(r"^ .*?(\w+),? +-- (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    name: str
    default: str | None
    """As SQL; None where it must be given."""
    meaning: str


@dataclass(frozen=True)
class Column:
    name: str
    meaning: str


@dataclass(frozen=True)
class Report:
    """A file of ``reports``."""

    name: str
    sql: str
    cost: ClassVar[str] = "nothing: asks only tables that are here"
    """What a call takes from the request budget."""

    @property
    def short_name(self) -> str:
        """What people type where the reports are registered."""
        return f"{SCHEMA}_{self.name}"

    @property
    def doc(self) -> str:
        """What it is for, in a line."""
        return self._head[0]

    @property
    def example(self) -> str:
        """A call, as it is where the reports are registered."""
        return self._head[2].replace(f"FROM {self.name}(", f"FROM {self.short_name}(", 1)

    @property
    def notes(self) -> str:
        """What counts and what does not, in paragraphs."""
        return "\n".join(self._head[4:])

    @property
    def parameters(self) -> list[Parameter]:
        signature, _, _ = self._code.partition("\n) AS TABLE")
        return [Parameter(name, default or None, said) for name, default, said in PARAMETER.findall(signature)]

    @property
    def columns(self) -> list[Column]:
        """Those of the last SELECT."""
        return [Column(*found) for found in COLUMN.findall(self._code.rpartition("\nSELECT\n")[2])]

    def named(self, name: str) -> str:
        """The statement that makes it, under another name."""
        return NAME.sub(lambda _: f"CREATE OR REPLACE MACRO {name}(", self._code, count=1)

    @property
    def _head(self) -> list[str]:
        return [line.removeprefix("--").strip() for line in self.sql.partition("\nCREATE")[0].splitlines()]

    @property
    def _code(self) -> str:
        return self.sql[self.sql.index("CREATE") :]


@cache
def reports() -> tuple[Report, ...]:
    """All of them, by name."""
    found = (file for file in (files(__package__) / "reports").iterdir() if file.name.endswith(".sql"))
    return tuple(
        Report(file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    )
