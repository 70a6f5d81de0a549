"""Whether a puzzle has other solutions than the intended one, decided by CP-SAT. Generators add clues by it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from ..engine.graph import ConstraintGraph
from ..engine.lazy import cp_model
from ..engine.posting import Posting
from ..engine.values import Assignment, Value


class OtherSolutions:
    """The solutions of a puzzle that differ from the intended one.

    Every answer is a property of the puzzle. It does not depend on which solutions CP-SAT finds, so a generator makes
    the same puzzle from the same seed.

    Args:
        graph: of the puzzle.
        solution: the intended one.
        known: assignments that may be other solutions; they save searches.

    Attributes:
        known: the other solutions found so far.
    """

    def __init__(self, graph: ConstraintGraph, solution: Mapping[str, Value], known: Iterable[Assignment] = ()) -> None:
        self.solution = solution
        self.known = [other for other in known if not graph.broken(other)]
        self._posting = Posting(graph.domains, {})
        for constraint in graph.constraints:
            constraint.post(self._posting)

    def fix(self, name: str) -> None:
        """Give a variable: the others are then solutions with its value."""
        value = self.solution[name]
        self._posting.model.add(self._posting.variable(name) == self._posting.code(value))
        self.known = [other for other in self.known if other[name] == value]

    def differ(self, *names: str) -> bool:
        """Whether another solution differs in at least one of some variables; without names, in any variable."""
        among = names or tuple(self.solution)
        if any(other[name] != self.solution[name] for other in self.known for name in among):
            return True
        posting = self._posting
        same = [posting.literal(name, self.solution[name]) for name in among]
        model = posting.model.clone()
        model.add_bool_or([~literal for literal in same if not isinstance(literal, int)])
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1  # small problems: the start of several workers takes longer than the search
        if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return False
        self.known.append({name: posting.value(name, solver.value(posting.variable(name))) for name in self.solution})
        return True


def needed_givens(
    graph: ConstraintGraph, solution: Mapping[str, Value], rng: random.Random, minimal: bool = False
) -> dict[str, Value]:
    """Random values of a solution that make it the only one.

    Args:
        graph: of the puzzle.
        solution: the intended one.
        rng: random numbers.
        minimal: leave out the values that the others make redundant.
    """
    others = OtherSolutions(graph, solution)
    names = rng.sample(list(solution), len(solution))
    givens: dict[str, Value] = {}
    for name in names if others.differ() else ():
        if others.differ(name):
            givens[name] = solution[name]
            others.fix(name)
    for name in list(givens)[:-1] if minimal else ():  # the last one was needed beside all others
        without = OtherSolutions(graph, solution)
        for other in givens:
            if other != name:
                without.fix(other)
        if not without.differ():
            del givens[name]
    return givens
