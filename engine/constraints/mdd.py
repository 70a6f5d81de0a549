"""MDD: a sequence that labels a path of a multi-valued decision diagram."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .regular import Regular, Transition


@dataclass(frozen=True)
class MDD(Regular):
    """The items label a path of a decision diagram from the root ``start`` to one of the ``accepting`` nodes.

    The diagram has a level for each item. The violation degree is that of ``Regular``, computed level by level.

    Args:
        items: terms, one for each level.
        transitions: triples of a node, a value and a node of the next level; nodes are integers.
        start: the root.
        accepting: nodes after the last level.

    Raises:
        GraphError: a node or value is not an integer.
    """

    def layers(self) -> list[list[Transition]]:
        """The transitions of each level."""
        outgoing: dict[int, list[Transition]] = defaultdict(list)
        for transition in self.transitions:
            outgoing[transition[0]].append(transition)
        nodes, found = {self.start}, []
        for _ in self.items:
            found.append([transition for node in sorted(nodes) for transition in outgoing.get(node, ())])
            nodes = {after for _, _, after in found[-1]}
        return found
