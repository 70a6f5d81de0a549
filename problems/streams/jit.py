"""numba's compiler, with a cache on disk where there is a place for one."""

from __future__ import annotations

from typing import TypeVar

from numba import njit

Function = TypeVar("Function")


def jit(function: Function) -> Function:
    """Compiles on first call; what was compiled is kept beside the source or in the user's cache folder.

    Where neither can be written numba refuses to cache, and each process compiles anew.
    """
    try:
        return njit(cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return njit(function)  # type: ignore[no-any-return]
