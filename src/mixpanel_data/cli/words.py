"""What Python and SQL say, in the words of the shell: what to write there, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..engine.words import in_python

FLAGS = {
    "from_date": "--from",
    "to_date": "--to",
    "born_event": "--born",
    "return_event": "--return",
    "filters": "--filter",
}
"""Parameters that are options of another name."""
OPTIONS = (
    "addiction_unit|born_event|born_where|distinct_ids|dry_run|entity_type|from_date|interval_count|length_unit|"
    "look_back|project_id|return_event|return_where|to_date|workspace_id"
)
"""Parameters that cannot be taken for words."""
VALUE = r"""(?:'[^']*'|"[^"]*"|\[[^\]]*\]|[^\s,;:)]+)"""
Say = str | Callable[[re.Match[str]], str]
SAID: Sequence[tuple[str, Say]] = (
    (r"on_bad_line='skip'", "--skip-bad-lines"),
    (r"\b(?:databases\.)?(switch|create)_database\('\d+', '([^']+)'\)", r"mp db workspace \1 \2"),
    (r"\b(?:databases\.)?reset_database\('\d+', '([^']+)'\)", "mp db reset"),
    (r"\bWorkspace\.adopt\('([^']+)'\)", r"mp db adopt \1"),
    (r"\bWorkspace\(path='([^']+)'\)", r"--path \1"),
    (r"\bflows\((\d+)\)", r"mp query flows \1"),
    (r"\bproperty_values\([^)]*\)", "mp inspect values PROPERTY --event EVENT"),
    (r"\bproperties\('([^']*)'\)", r"mp inspect properties --event '\1'"),
    (
        r"\b(annotations|bookmarks|cohorts|events|funnels|schemas|top_events)\(\)",
        lambda found: f"mp inspect {found[1].replace('_', '-')}",
    ),
    (r"\b(\w+)=True\b", lambda found: flag(found[1])),
    (rf"\b(?:event|property|property_name|funnel_id|bookmark_id)=({VALUE})", r"\1"),
    (rf"\b([a-z]+(?:_[a-z]+)*)=({VALUE})", lambda found: f"{flag(found[1])} {found[2]}"),
    (rf"(?<![\w'\"{{-])({OPTIONS})\b(?![\"'(:])", lambda found: flag(found[1])),
)
IS_DONE = re.compile(r"in the shell|(?:^|\s)--[a-z]")
"""Where a message says already what to write in the shell."""


def in_shell(text: str, *, speaks_sql: bool = False) -> str:
    """The same with options and commands; where the user speaks SQL, what SQL says stays as it is."""
    if speaks_sql or IS_DONE.search(text):
        return text
    text = in_python(text)
    for pattern, say in SAID:
        text = re.sub(pattern, say, text)
    return text


def flag(parameter: str) -> str:
    """The option that gives a parameter its value."""
    return FLAGS.get(parameter, f"--{parameter.replace('_', '-')}")
