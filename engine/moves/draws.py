"""The random numbers of compiled searches: a function of a chain's key, the number of its move and the draw.

They are equal on a CPU and on a GPU. Every number is ``mix(key + (move * DRAWS + draw) * GOLDEN)``, where ``mix`` is the
finaliser of splitmix64 and DRAWS is the number of draws that a search makes at each move. The functions take scalars
or numpy arrays of uint64. Kernels compile them (``compiled.Kernel``); they call no other module.
"""

from __future__ import annotations

from typing import Any

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, odd: the increment of splitmix64."""

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_11, _27, _30, _31, _32 = (np.uint64(bits) for bits in (11, 27, 30, 31, 32))


def mix(x: Any) -> Any:
    """The finaliser of splitmix64.

    Args:
        x: uint64.

    Returns:
        uint64.
    """
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    return x ^ (x >> _31)


def draw(key: Any, number: Any) -> Any:
    """A random number of a stream.

    Args:
        key: uint64, of the row.
        number: ``move * DRAWS + draw``, an integer from 0 on.

    Returns:
        uint64, uniform.

    Example:
        >>> int(draw(np.array([0], dtype=np.uint64), 1)[0]) == 0xE220A8397B1DCDAF  # as splitmix64 seeded with 0
        True
    """
    return mix(key + np.uint64(number) * GOLDEN)


def below(number: Any, count: Any) -> Any:
    """A number from 0 to ``count - 1``, from the upper half of a random number.

    Args:
        number: uint64, as ``draw`` returns it.
        count: from 1 to 2^32 - 1.

    Returns:
        int64.
    """
    return np.int64(((number >> _32) * np.uint64(count)) >> _32)


def chance(number: Any) -> Any:
    """A float64 in [0, 1), from the upper 53 bits of a random number.

    Args:
        number: uint64, as ``draw`` returns it.
    """
    return np.float64(number >> _11) * 2.0**-53
