"""numba's compiler for kernels: no lock of the interpreter, and a cache on disk if there is a folder for it."""

from __future__ import annotations

from typing import TypeVar

from numba import njit

Function = TypeVar("Function")


def jit(function: Function) -> Function:
    """Compile a function at its first call, so that it runs beside other threads.

    The code is cached beside the source or in the user's cache folder. If neither can be written, each process compiles
    again. The cache of a function is invalidated by changes of its own file only: after a change of a function that it
    calls in another file, delete ``__pycache__``.
    """
    try:
        return njit(cache=True, nogil=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # numba finds no folder for a cache
        return njit(nogil=True)(function)  # type: ignore[no-any-return]
