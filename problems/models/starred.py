"""Tables with ``*`` as decision diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...engine.values import Domain

Row = tuple[int | None, ...]
"""A row of a table; None stands for any value."""

MOST_STEPS = 4_000_000
"""The most parts of rows that are visited for one diagram."""

MOST_ARCS = 200_000
"""The most arcs of a diagram."""


class Diagram(NamedTuple):
    """A decision diagram with a level for each column. Its root is node 0.

    Args:
        arcs: triples of a node, a value and a node of the next level.
        accepting: the nodes after the last level.
    """

    arcs: tuple[tuple[int, int, int], ...]
    accepting: tuple[int, ...]


def diagram(rows: Sequence[Row], domains: Sequence[Domain]) -> Diagram | None:
    """The diagram whose paths are the tuples that match a row; None where it is too large.

    A node is the set of what is left of the rows that match so far, so that it has one arc for each value. Nodes with
    the same arcs become one.

    Args:
        rows: at least one. All have the length of ``domains``.
        domains: of the columns.
    """
    width = len(domains)
    levels: list[dict[frozenset[Row], dict[int, frozenset[Row]]]] = []
    nodes = {frozenset(rows)}
    steps = 0
    for k, domain in enumerate(domains):
        anything = frozenset({(None,) * (width - k - 1)})
        level: dict[frozenset[Row], dict[int, frozenset[Row]]] = {}
        for node in nodes:
            by_value: dict[int, set[Row]] = {}
            free = set()
            for first, *rest in node:
                if first is None:
                    free.add(tuple(rest))
                elif first in domain:
                    by_value.setdefault(first, set()).add(tuple(rest))
            whole = frozenset(free)
            steps += len(node) + len(whole) * len(by_value) + (len(domain) if free else 0)
            if steps > MOST_STEPS:
                return None
            after: dict[int, frozenset[Row]] = {}
            if free:
                for value in domain:
                    after[int(value)] = whole
            for value, tails in by_value.items():
                after[value] = frozenset(tails | free)
            level[node] = {value: anything if anything.issubset(tails) else tails for value, tails in after.items()}
        levels.append(level)
        nodes = {tails for after in level.values() for tails in after.values()}
    return _reduced(levels)


def _reduced(levels: list[dict[frozenset[Row], dict[int, frozenset[Row]]]]) -> Diagram | None:
    """The diagram without equal nodes, and without nodes that reach no end."""
    below: dict[frozenset[Row], int] = {frozenset({()}): 1}
    arcs: list[tuple[int, int, int]] = []
    count = 2
    for level in reversed(levels):
        numbers: dict[frozenset[Row], int] = {}
        known: dict[tuple[tuple[int, int], ...], int] = {}
        for node, after in level.items():
            own = tuple(sorted((value, below[tails]) for value, tails in after.items() if tails in below))
            if not own:
                continue
            number = known.get(own)
            if number is None:
                number = known[own] = 0 if level is levels[0] else count
                count += 1
                if len(arcs) + len(own) > MOST_ARCS:
                    return None
                arcs += [(number, value, target) for value, target in own]
            numbers[node] = number
        below = numbers
    return Diagram(tuple(arcs), (1,))
