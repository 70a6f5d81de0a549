"""The order in which the streams of a mixture get their steps."""

from __future__ import annotations

from collections.abc import Sequence

from ..examples import Stream


def turns(streams: Sequence[Stream]) -> tuple[list[int], list[int]]:
    """The distinct streams, and the order of their steps in a round.

    The steps of a stream that occurs several times are spread evenly over the round.

    Args:
        streams: of the training, as given; a stream may occur several times.

    Returns:
        The place of each distinct stream in ``streams``, and for each step of a round the number of its stream among
        the distinct ones.

    Example:
        >>> from mull.problems.streams import stream
        >>> a, b = stream("sudoku:4"), stream("parity:2-8")
        >>> turns([a, a, a, b])
        ([0, 3], [0, 0, 1, 0])
    """
    places: dict[tuple[str, int], list[int]] = {}
    for i, stream in enumerate(streams):
        places.setdefault((stream.name, stream.seed), []).append(i)
    moments = [((k + 0.5) / len(given), n) for n, given in enumerate(places.values()) for k in range(len(given))]
    return [given[0] for given in places.values()], [n for _, n in sorted(moments)]
