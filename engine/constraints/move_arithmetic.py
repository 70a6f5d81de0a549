"""Functions that the move forms of several kinds call: see ``move_form.py`` for the subset of Python that they use."""

from __future__ import annotations

from .move_form import Ints


def shifted(array: Ints, count: int) -> Ints:
    """The entries of an array from a position on; in compiled code a pointer to that position.

    Args:
        array: the array.
        count: the position.
    """
    return array[count:]  # type: ignore[index, return-value]  # a slice of numpy's array


def is_listed(params: Ints, first: int, count: int, value: int) -> bool:
    """Whether a value is one of some parameters.

    Args:
        params: the parameters.
        first: position of the first of the values, which increase.
        count: how many there are.
        value: the value.
    """
    if count <= 8:
        for i in range(first, first + count):  # noqa: SIM110  # compiled code has no generators
            if params[i] == value:
                return True
        return False
    at = lower_bound(params, first, count, value)
    return bool(at < first + count and params[at] == value)


def lower_bound(params: Ints, first: int, count: int, value: int) -> int:
    """The position of the first of some increasing parameters that is at least a value.

    Args:
        params: the parameters.
        first: position of the first of them.
        count: how many there are.
        value: the value.

    Returns:
        A position from ``first`` to ``first + count``.
    """
    low, high = first, first + count
    while low < high:
        middle = (low + high) >> 1
        if params[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


def beyond(total: int, least: int, most: int) -> int:
    """The distance of a sum from an interval; 0 inside.

    Args:
        total: the sum.
        least, most: the bounds, both included.
    """
    if total < least:
        return least - total
    if total > most:
        return total - most
    return 0


def mixed(seed: int, value: int) -> int:
    """A hash of a value, from 0 to 2^31 - 1.

    Args:
        seed: the hash of the values before it, or 0.
        value: any int64.
    """
    folded = (value ^ (value >> 31)) & 0x7FFFFFFF
    return (((seed ^ folded) * 0x9E3779B1) >> 16) & 0x7FFFFFFF  # the product is below 2^63


# Counts by value, in cells of a range or in a hash table: ``move_form.counter`` chooses. Parameters ``at`` and ``at + 1`` hold
# the layout, and the memory from ``base`` on the counts. A hash table has pairs (value, count), and is probed linearly.


def clear_counts(params: Ints, at: int, memory: Ints, base: int) -> None:
    """Set all counts to 0.

    Args:
        params, at: the layout.
        memory, base: the counts.
    """
    cells = params[at + 1]
    if cells < 0:
        cells = -2 * cells
    for i in range(base, base + cells):
        memory[i] = 0


def count_place(params: Ints, at: int, memory: Ints, base: int, value: int) -> int:
    """The position of the count of a value in the memory; the count there is 0 where the value has none.

    Args:
        params, at: the layout.
        memory, base: the counts.
        value: the value.
    """
    cells = params[at + 1]
    if cells > 0:
        return base + value - params[at]
    mask = -cells - 1
    cell = mixed(0, value) & mask
    while memory[base + 2 * cell + 1] != 0 and memory[base + 2 * cell] != value:
        cell = (cell + 1) & mask
    return base + 2 * cell + 1


def count(params: Ints, at: int, memory: Ints, base: int, value: int) -> int:
    """How often a value is counted.

    Args:
        params, at: the layout.
        memory, base: the counts.
        value: the value.
    """
    return memory[count_place(params, at, memory, base, value)]


def count_more(params: Ints, at: int, memory: Ints, base: int, value: int) -> int:
    """Count a value once more.

    Args:
        params, at: the layout.
        memory, base: the counts.
        value: the value.

    Returns:
        Its count before.
    """
    place = count_place(params, at, memory, base, value)
    if params[at + 1] < 0:
        memory[place - 1] = value
    before = memory[place]
    memory[place] = before + 1
    return before


def count_less(params: Ints, at: int, memory: Ints, base: int, value: int) -> int:
    """Count a value once less.

    Args:
        params, at: the layout.
        memory, base: the counts.
        value: a value that is counted.

    Returns:
        Its count afterwards.
    """
    place = count_place(params, at, memory, base, value)
    after = memory[place] - 1
    memory[place] = after
    cells = params[at + 1]
    if after == 0 and cells < 0:
        # The entries that follow move back, so that no probe ends at the gap too early.
        mask = -cells - 1
        gap = (place - 1 - base) >> 1
        cell = (gap + 1) & mask
        while memory[base + 2 * cell + 1] != 0:
            home = mixed(0, memory[base + 2 * cell]) & mask
            if ((cell - home) & mask) >= ((cell - gap) & mask):
                memory[base + 2 * gap] = memory[base + 2 * cell]
                memory[base + 2 * gap + 1] = memory[base + 2 * cell + 1]
                memory[base + 2 * cell + 1] = 0
                gap = cell
            cell = (cell + 1) & mask
    return after
