"""SubCircuit: successors that form one cycle through some of the vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Term
from .base import Parameters
from .circuit import cycle_length, path, post_circuit, returns, without_predecessor
from .terms import TermConstraint

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class SubCircuit(TermConstraint):
    """Vertex i is followed by ``successors[i]``. All vertices that do not follow themselves lie on one cycle.

    The cycle may be empty. Vertices are numbered from 0. The violation degree is the number of vertices that neither
    follow themselves nor lie on the cycle of the first such vertex, plus the number of vertices without a predecessor.

    Args:
        successors: a term for each vertex; a value that is no vertex violates the constraint.

    Raises:
        GraphError: there is no vertex.
    """

    successors: tuple[Term, ...]

    of = ("successors",)
    nonempty = ("successors",)

    def holds(self, successors: tuple[int, ...]) -> bool:
        moving = [i for i, successor in enumerate(successors) if successor != i]
        if not moving:
            return True
        walk = path(successors, moving[0])
        return successors[walk[-1]] == moving[0] and len(walk) == len(moving)

    @staticmethod
    def distance(p: Parameters, successors: Tensor) -> Tensor:
        moving = (successors != successors.new_tensor(range(successors.shape[-1]))).long()
        start = moving.argmax(-1)  # the first of equal maxima
        count = moving.sum(-1)
        return (count > 0) * (count - cycle_length(successors, start) + without_predecessor(successors))

    def post(self, to: Posting) -> None:
        post_circuit(to, self.successors, loops=True)

    def post_negation(self, to: Posting) -> None:
        # The walk from the first moving vertex returns before all moving vertices were visited, or not after the last.
        count = len(self.successors)
        stays = [to.literal(successor, i) for i, successor in enumerate(self.successors)]
        start, moving = to.integer(0, count - 1), to.integer(0, count)
        with to.defining():
            to.model.add(moving == count - sum(stays))
            for i, stay in enumerate(stays):
                to.model.add(start == i).only_enforce_if(*stays[:i], to.opposite(stay))
            to.model.add(start == 0).only_enforce_if(*stays)
        wrong = [to.opposite(to.within(each, 0, count - 1)) for each in self.successors]
        for steps, back in enumerate(returns(to, self.successors, start), 1):
            more = to.truth(moving > steps, moving <= steps)
            as_many = to.truth(moving == steps, moving != steps)
            wrong += [to.all_of((more, back)), to.all_of((as_many, to.opposite(back)))]
        to.model.add_bool_or(wrong)
