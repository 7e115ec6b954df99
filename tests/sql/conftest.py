"""Its ``*.test`` files are tests."""

from tests.sqllogic import pytest_collect_file

__all__ = ["pytest_collect_file"]
