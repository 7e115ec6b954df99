"""pyarrow without pandas, for as long as nobody else imports pandas.

pyarrow imports pandas when its data sets are imported: a fifth of a second and 40 MB that most do not need. So it is
told that there is none. When somebody imports pandas later, pyarrow is told so (by a private part of it, which the
tests try on each version).
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PANDAS = "pandas"


class _NoPandas(MetaPathFinder):
    """While it is asked, there is no pandas."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:  # noqa: ARG002
        if name == PANDAS:
            raise ModuleNotFoundError("pandas is not imported yet", name=name)


class _TellPyarrow(MetaPathFinder):
    """Tells pyarrow of pandas when it is imported."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if name != PANDAS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(PANDAS)
        if spec is not None and spec.loader is not None:
            _call_after(spec.loader, _look_for_pandas)
        return spec


def _call_after(loader: Any, then: Any) -> None:
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        load(module)
        then()

    loader.exec_module = exec_module


def _look_for_pandas() -> None:
    import pyarrow as pa  # noqa: PLC0415

    _ = pa.lib._pandas_api.pd  # looks again, unless it has found pandas before


@contextmanager
def _first(finder: MetaPathFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


if PANDAS not in sys.modules:
    with _first(_NoPandas()):
        import pyarrow.dataset  # noqa: F401
    sys.meta_path.insert(0, _TellPyarrow())
