"""Compiled code on disk: numba's cache in the user's cache folder, stamped by all sources that the code may come from."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from ..constraints import move_arithmetic

CACHE = "MULL_CACHE"
"""Environment variable with the folder for compiled code."""


def cache_folder() -> Path:
    """The folder for compiled code: that of ``MULL_CACHE``, or one in the user's cache."""
    from platformdirs import user_cache_path

    return Path(os.environ.get(CACHE) or user_cache_path("mull", appauthor=False) / "compiled")


def keep(made: Any) -> None:
    """Let numba keep a compiled function on disk, if the folder can be written."""
    try:
        made._cache = _function_cache()(made.__wrapped__ if hasattr(made, "__wrapped__") else made.py_func)
    except RuntimeError:  # no locator: the code lives as long as the process
        return


@cache
def _function_cache() -> Any:
    """numba's cache of a function with our folder, and with a stamp over all sources that the code may come from.

    numba's own stamp covers one file: after a change of ``move_arithmetic.py`` it would load kinds that are out of date.
    """
    from numba.core import caching
    from numba.core.runtime import rtsys

    class Locator(caching._SourceFileBackedLocatorMixin, caching._CacheLocator):  # type: ignore[misc]
        def __init__(self, py_func: Any, py_file: str) -> None:
            self._py_file, self._lineno = py_file, py_func.__code__.co_firstlineno
            self._folder = str(cache_folder() / self.get_suitable_cache_subpath(py_file))

        def get_cache_path(self) -> str:
            return self._folder

        def get_source_stamp(self) -> str:
            folders = (Path(file).parent for file in (self._py_file, __file__, move_arithmetic.__file__))
            return "".join(map(_stamp, folders))

    class Implementation(caching.CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes: ClassVar[list[Any]] = [Locator]

    class FunctionCache(caching.FunctionCache):  # type: ignore[misc]
        _impl_class = Implementation

        def save_overload(self, sig: Any, data: Any) -> None:
            with suppress(OSError):  # such as a full disk: the code lives as long as the process
                super().save_overload(sig, data)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            # numba registers all functions that it can compile before it loads code, which takes 0.15 s. Loading needs
            # its run-time library only.
            rtsys.initialize(target_context)
            with self._guard_against_spurious_io_errors():
                found = self._load_overload(sig, target_context)
            if found is None:
                target_context.refresh()
            return found

    return FunctionCache


@cache
def _stamp(folder: Path) -> str:
    """A digest of the Python sources of a folder."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
