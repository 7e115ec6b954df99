"""What a function of SQL says, in the words of the Python methods that stand on it."""

from __future__ import annotations

import copy
import re

from ..exceptions import MixpanelDataError

RENAMED = {"segment_by": "on", "filter": "where", "max_segments": "limit", "max_rows": "limit", "cohort_id": "cohort"}
"""Parameters of SQL that are called differently in Python."""
METHODS = "annotations|bookmarks|cohorts|events|flows|funnels|properties|property_values|schemas|top_events"
"""Functions whose methods have their names."""
ARGUMENT = re.compile(r"\b(\w+) := ")
SUBJECT = re.compile(r"^(mixpanel_\w+: |mixpanel_\w+ needs )(\w+)\b")
CALL = re.compile(rf"\bFROM mixpanel_({METHODS})\(")


def in_python(text: str) -> str:
    """The same with arguments and calls as Python writes them."""
    text = SUBJECT.sub(lambda found: f"{found[1]}{_name(found[2])}", text)
    text = ARGUMENT.sub(lambda found: f"{_name(found[1])}=", text)
    return CALL.sub(r"\1(", text)


def say_in_python(error: BaseException) -> BaseException:
    """The error, in the words of Python."""
    if not isinstance(error, MixpanelDataError) or (said := in_python(error.message)) == error.message:
        return error
    ours = copy.copy(error)
    ours.message, ours.args = said, (said,)
    ours.__cause__ = error.__cause__
    return ours


def _name(parameter: str) -> str:
    return RENAMED.get(parameter, parameter)
