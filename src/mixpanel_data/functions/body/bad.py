"""Lines of an export that are no events: what is said of them, and those that are left out by choice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from ...exceptions import BadLineError, IncompleteExportError
from ...lenient import read_json

NEAR = 10
"""Lines before and after a bad one whose days tell its own."""
AROUND = 40
"""Characters that are shown before and after the place that cannot be read."""
ENDED_EARLY = "terminated early"
"""What Mixpanel writes where it gives up in the middle of an export; or it writes an error, as the last line."""


@dataclass(eq=False)
class BadLine(Exception):  # noqa: N818 - becomes an error where its number is known
    """A line that is no event."""

    text: str
    place: int
    """Its place in its block, from 0."""
    is_last: bool
    """Whether it is the last one of its block."""
    is_cut: bool
    """Whether it is the last one of all, and seems to have no end."""
    lines: Sequence[str]
    """Those of its block."""

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day of the events near it, as UTC counts days; None where there are none."""
        near = [*self.lines[max(0, self.place - NEAR) : self.place], *self.lines[self.place + 1 :][:NEAR]]
        days = [day for line in near if (day := _day(line))]
        return (min(days), max(days)) if days else None

    @property
    def is_skippable(self) -> bool:
        """Whether it may be left out: what only tells that the body is not whole may not."""
        return not (self.is_cut or self.ending or self.text.lstrip().startswith("<"))

    @property
    def ending(self) -> str | None:
        """What Mixpanel says, if the line says that the export ends here before it is complete."""
        if ENDED_EARLY in self.text[:100]:
            return ENDED_EARLY
        try:
            said = read_json(self.text) if self.is_last else None
        except ValueError:
            return None
        return str(said["error"]) if isinstance(said, dict) and "error" in said and "event" not in said else None

    def error(self, before: int) -> IncompleteExportError:
        """What to raise, where so many events stand before its block."""
        if (said := self.ending) is not None:
            return IncompleteExportError(f"Mixpanel ended the export before it was complete ({said})")
        if self.is_cut:
            return IncompleteExportError(f"the export ends in the middle of a line: {self.text[-AROUND:]!r}")
        number = before + self.place + 1
        error = BadLineError(f"line {number:,} of the export is no event: {excerpt(self.text)}", line=number)
        error.answer = digest(self.text)
        error.days = self.days
        error.is_skippable = self.is_skippable
        error.excerpt = excerpt(self.text)
        return error


@dataclass
class Skipped:
    """The lines of a body that were left out."""

    found: list[tuple[int, int, str]] = field(default_factory=list)
    """For each the position of its block, its place there, and its text."""

    def add(self, position: int, bad: BadLine) -> None:
        self.found.append((position, bad.place, bad.text))

    @property
    def texts(self) -> list[str]:
        """In the order of the body: its blocks are read on several threads."""
        return [text for _, _, text in sorted(self.found)]


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def excerpt(line: str) -> str:
    """The place of the line that cannot be read, with control characters escaped."""
    place = 0
    try:
        json.loads(line, strict=False)
    except json.JSONDecodeError as error:
        place = error.pos
    except (ValueError, RecursionError):
        pass
    start, end = max(0, place - AROUND), place + AROUND
    return repr(f"{'…' * (start > 0)}{line[start:end]}{'…' * (end < len(line))}")


def is_cut(line: str) -> bool:
    """Whether a line without an end may be the beginning of an event."""
    try:
        read_json(line)
    except ValueError:
        return line.lstrip("\ufeff \t")[:1] == "{"
    return False


def _day(line: str) -> date | None:
    try:
        return datetime.fromtimestamp(int(json.loads(line)["properties"]["time"]), UTC).date()
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None
