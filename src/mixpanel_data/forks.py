"""What a forked child must not share with its parent: threads, which it does not have, and connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def once_a_process(make: Callable[[], T]) -> Callable[[], T]:
    """What ``make`` gives, made once, and anew in a forked child."""
    kept = cache(make)
    in_a_forked_child(kept.cache_clear)
    return kept


def in_a_forked_child(begin_anew: Callable[[], object]) -> None:
    """Has the function called in every child, before anything else is done there."""
    if hasattr(os, "register_at_fork"):  # Windows knows no forks
        os.register_at_fork(after_in_child=begin_anew)
