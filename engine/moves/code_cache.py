"""Compiled code on disk, in the user's cache folder: one file for each function and each types of its arguments.

numba's own cache names a file by the function's name, its line and a counter, so one name may stand for two codes: two
processes count alike, and two functions made from one template may have the same name. Here a file is named by all that
its code follows from, and states it once more inside. Whatever processes write at the same time, a file that does not
have the code that is needed is a reason to compile, and is never run.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import pickle
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, ClassVar

import numpy as np

from ..constraints import move_arithmetic
from ..files import write_whole

CACHE = "MULL_CACHE"
"""Environment variable with the folder for compiled code."""


def cache_folder() -> Path:
    """The folder for compiled code: that of ``MULL_CACHE``, or one in the user's cache."""
    from platformdirs import user_cache_path

    return Path(os.environ.get(CACHE) or user_cache_path("mull", appauthor=False) / "compiled")


def keep(made: Any) -> None:
    """Let numba keep a compiled function on disk, if the folder can be written.

    Args:
        made: numba's dispatcher or callback of a function whose name contains its ``fingerprint``.
    """
    try:
        made._cache = _function_cache()(made.__wrapped__ if hasattr(made, "__wrapped__") else made.py_func)
    except RuntimeError:  # no locator: the code lives as long as the process
        return


# What the code follows from -------------------------------------------------------------------------------------------


@cache
def fingerprint(function: FunctionType) -> str:
    """A digest of a function as it is in memory: its code, and the functions and constants that it reads.

    The sources on disk may have changed since the function was imported, and functions made from one template have the
    same source.

    Args:
        function: plain Python; it does not call itself.

    Returns:
        32 hexadecimal digits.

    Example:
        >>> def made(constant):
        ...     return lambda: constant
        >>> fingerprint(made(1)) == fingerprint(made(1)), fingerprint(made(1)) == fingerprint(made(2))
        (True, False)
    """
    digest = hashlib.sha256(marshal.dumps(function.__code__, 2))  # version 2: later ones depend on reference counts
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    for value in (function.__defaults__, *cells, *named_globals(function).values()):
        digest.update(_content(value))
    return digest.hexdigest()[:32]


def named_globals(function: FunctionType) -> dict[str, Any]:
    """The globals that a function and its inner functions read: name -> value, in the order of names.

    Args:
        function: plain Python.
    """
    return {name: function.__globals__[name] for name in sorted(_names(function.__code__) & {*function.__globals__})}


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


def _content(value: Any) -> bytes:
    if isinstance(value, FunctionType):
        return fingerprint(value).encode()
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return (value.__name__ if isinstance(value, ModuleType) else repr(value)).encode() + b"\0"


@cache
def _stamp(folder: Path) -> str:
    """A digest of the Python sources of a folder."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


# Files ----------------------------------------------------------------------------------------------------------------


STAMP = re.compile("[0-9a-f]{32}")
"""Names of the folders for code. No other folder is removed."""


class CodeFiles:
    """The files with the compiled code of one function. numba calls ``load`` and ``save``.

    Args:
        folder: for the code of the present sources. Other folders beside it have code of other sources; they are removed.
        origin: what the code follows from, without the types of the arguments and the processor. Its ``repr`` is the same
            in every process.
        dumps: turns a value into bytes for ``pickle``.
    """

    def __init__(self, folder: Path, origin: tuple[str, ...], dumps: Callable[[Any], bytes] = pickle.dumps) -> None:
        self._folder, self._origin, self._dumps = folder, origin, dumps

    def load(self, key: Any) -> Any:
        """The code that was saved with an equal key, or None.

        Args:
            key: the types of the arguments, the processor, and other things that numba lists. Its ``repr`` is the same in
                every process.
        """
        try:
            content = self._path(key).read_bytes()
        except OSError:  # not saved yet, removed, or not readable
            return None
        digest, body = content[:32], content[32:]
        if hashlib.sha256(body).digest() != digest:  # a crash of the machine may leave a part of a file
            return None
        found, code = pickle.loads(body)
        return code if found == (self._origin, key) else None

    def save(self, key: Any, code: Any) -> None:
        """Keep code. Of two processes that save code with equal keys, the last one's stays.

        Args:
            key: as for ``load``.
            code: any value that ``dumps`` takes.

        Raises:
            OSError: the file cannot be written.
        """
        body = self._dumps(((self._origin, key), code))
        with write_whole(self._path(key)) as file:
            file.write(hashlib.sha256(body).digest() + body)
        for other in self._folder.parent.iterdir():
            if other != self._folder and STAMP.fullmatch(other.name):
                shutil.rmtree(other, ignore_errors=True)

    def _path(self, key: Any) -> Path:
        return self._folder / hashlib.sha256(repr((self._origin, key)).encode()).hexdigest()[:32]


@cache
def _function_cache() -> Any:
    """numba's cache of a function with our files, in a folder for all sources that the code may come from.

    A function's own fingerprint leaves out the sources that generate code: the intrinsics and the options of numba.
    """
    import numba
    from numba.core import caching
    from numba.core.runtime import rtsys

    class Locator(caching._SourceFileBackedLocatorMixin, caching._CacheLocator):  # type: ignore[misc]
        def __init__(self, py_func: Any, py_file: str) -> None:
            self._py_file, self._lineno = py_file, py_func.__code__.co_firstlineno
            self._folder = cache_folder() / self.get_suitable_cache_subpath(py_file)

        def get_cache_path(self) -> str:
            return str(self._folder / self.get_source_stamp())

        def get_source_stamp(self) -> str:
            folders = (Path(file).parent for file in (self._py_file, __file__, move_arithmetic.__file__))
            return hashlib.sha256("".join(map(_stamp, folders)).encode()).hexdigest()[:32]

    class Implementation(caching.CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes: ClassVar[list[Any]] = [Locator]

    class FunctionCache(caching.FunctionCache):  # type: ignore[misc]
        _impl_class = Implementation

        def __init__(self, py_func: Any) -> None:
            super().__init__(py_func)
            origin = self._impl.filename_base, self._impl.locator.get_source_stamp(), numba.__version__
            self._cache_file = CodeFiles(Path(self._cache_path), origin, caching.dumps)

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
