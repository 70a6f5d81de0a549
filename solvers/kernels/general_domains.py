"""Random numbers, domains and decisions of a chain, compiled with the kernels that use them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.draws import below, draw
from .general_state import DRAWN


def drawn(s: Any) -> Any:
    """The next random number of the chain, uint64."""
    s.number[DRAWN] += 1
    return draw(np.uint64(s.key[0]), s.number[DRAWN])


def pick(s: Any, count: Any) -> Any:
    """A random number from 0 to ``count - 1``.

    Args:
        s: the chain.
        count: from 1 on.
    """
    return below(drawn(s), count)


def code(t: Any, v: Any, index: Any) -> Any:
    """The code of a domain index.

    Args:
        t: the tables.
        v: the variable.
        index: in its domain.
    """
    if t.step[v] == 0:
        return t.listed[t.listed_at[v] + index]
    return t.first[v] + index * t.step[v]


def contains(t: Any, v: Any, value: Any) -> Any:
    """Whether a code is in the domain of a variable.

    Args:
        t: the tables.
        v: the variable.
        value: the code.
    """
    step = t.step[v]
    if step != 0:
        away = value - t.first[v]
        index = away // step
        return index >= 0 and index < t.size[v] and index * step == away
    low, high = t.listed_at[v], t.listed_at[v] + t.size[v]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if t.ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low < end and t.ordered[low] == value


def nearest(t: Any, v: Any, value: Any) -> Any:
    """The code of an integer domain that is nearest to a number.

    Args:
        t: the tables.
        v: the variable.
        value: the number.
    """
    step = t.step[v]
    if step != 0:
        away = value - t.first[v]
        index = away // step
        if 2 * abs(away - index * step) > abs(step):
            index += 1
        index = min(max(index, 0), t.size[v] - 1)
        return t.first[v] + index * step
    low, high = t.listed_at[v], t.listed_at[v] + t.size[v] - 1
    begin = low
    while low < high:
        middle = (low + high) >> 1
        if t.ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    if low > begin and t.ordered[low] - value > value - t.ordered[low - 1]:
        low -= 1
    return t.ordered[low]


def decision(t: Any, s: Any, v: Any) -> Any:
    """A variable that is searched and on which v depends: v itself, or one found by a random walk; -1 if none.

    Args:
        t, s: the tables and the chain.
        v: the variable.
    """
    for _ in range(64):
        if t.definer[v] < 0:
            return v if t.free[v] else -1
        c = t.definer[v]
        begin = t.scope_ptr[c]
        size = t.scope_ptr[c + 1] - begin
        if size < 2:
            return -1
        k = pick(s, size - 1)
        v = np.int64(t.scope[begin + k + int(k >= t.definer_slot[v])])
    return -1
