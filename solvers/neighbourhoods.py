"""Neighbourhoods: sets of variables whose values a search changes together, and the choice among their kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random

from ..engine.constraints import Reify
from ..engine.constraints.base import Constraint
from ..engine.constraints.circuit import Circuit
from ..engine.constraints.element import Element
from ..engine.constraints.subcircuit import SubCircuit
from ..engine.constraints.terms import TermConstraint
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.values import Assignment

GROW, SHRINK = 1.25, 0.8
"""Factors of the neighbourhood's size: after one without a better answer, and after one that ran into a limit."""

FEW = 4
"""An objective of so few variables states a derived figure: they are never fixed."""

FORGET, FOUND = 0.9, 1.0
"""Ropke and Pisinger's weights: the share of the old weight that a round keeps, and the score of a better answer."""


def derived(problem: Problem) -> set[str]:
    """Variables that others determine: results of functions, reified truths, auxiliaries, a single figure to minimise."""
    found = set(problem.auxiliary)
    for constraint in problem.graph.constraints:
        inner = constraint
        if isinstance(constraint, Reify):
            found.add(constraint.literal[0])
            inner = constraint.constraint
        result = getattr(inner, "value", None) if isinstance(inner, TermConstraint) else None
        if isinstance(result, str):
            found.add(result)
    objective = problem.graph.objective
    weighed = [name for name, c in objective.costs.items() if c] if objective else []
    if len(weighed) <= FEW:
        found.update(weighed)
    names = set(problem.graph.domains)
    return found if found < names else set(weighed) if len(weighed) <= FEW else set()


Kind = Callable[[int, Assignment, Random], set[str]]
"""(size, present answer, source of choices) -> the variables of a neighbourhood."""


class Neighbourhoods:
    """Sets of variables whose values may change together.

    Args:
        graph: the problem's.
        decisions: the variables to choose from.
    """

    def __init__(self, graph: ConstraintGraph, decisions: Sequence[str]) -> None:
        self.graph, self.decisions = graph, decisions
        self.kinds: tuple[Kind, ...] = (self.random, self.linked, self.close)
        chosen = set(decisions)
        self.scopes = [[name for name in c.scope if name in chosen] for c in graph.constraints]
        self.around: dict[str, list[int]] = defaultdict(list)
        for i, scope in enumerate(self.scopes):
            for name in scope:
                self.around[name].append(i)

    def random(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Any variables.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        return set(random.sample(self.decisions, min(size, len(self.decisions))))

    def linked(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Variables near one variable in the constraint graph.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        return self.near([random.choice(self.decisions)], size, random)

    def close(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Variables whose values lie close together: neighbours in time, for a schedule.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        order = sorted(self.decisions, key=lambda name: (str(type(best[name])), best[name], random.random()))
        first = random.randrange(max(1, len(order) - size + 1))
        return set(order[first : first + size])

    def near(self, start: Iterable[str], size: int, random: Random) -> set[str]:
        """Some variables, and others near them in the constraint graph.

        Args:
            start: decisions; all of them are in the set.
            size: how many in all.
            random: the source of choices.
        """
        queue = list(start)
        found = set(queue)
        while queue and len(found) < size:
            name = queue.pop(random.randrange(len(queue)))
            for i in random.sample(self.around[name], len(self.around[name])):
                near = [other for other in self.scopes[i] if other not in found]
                for other in random.sample(near, min(len(near), max(1, size // 4), size - len(found))):
                    found.add(other)
                    queue.append(other)
        return found


class CostlyNeighbourhoods(Neighbourhoods):
    """Also sets around variables that cost much, around violated constraints, and along tours.

    Args:
        graph: the problem's.
        decisions: the variables to choose from.
    """

    def __init__(self, graph: ConstraintGraph, decisions: Sequence[str]) -> None:
        super().__init__(graph, decisions)
        self.chosen = set(decisions)
        self.uses: dict[str, list[int]] = defaultdict(list)  # all variables, not only decisions
        for i, constraint in enumerate(graph.constraints):
            for name in constraint.scope:
                self.uses[name].append(i)
        objective = graph.objective
        self.least = {
            name: c * int((min if c > 0 else max)(graph.domains[name]))
            for name, c in (objective.costs.items() if objective else ())
            if c
        }
        self.nearest = _nearest(graph.constraints, self.chosen)
        if self.least:
            self.kinds = (*self.kinds, self.costly)
        if self.nearest:
            # In a tour, neighbours in the constraint graph are any cities, and close values have no meaning.
            self.kinds = (self.random, self.costly, self.toured, self.toured)

    def costly(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Variables near one that costs more than its least value, in proportion to the difference.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        costs = self.graph.objective.costs if self.graph.objective else {}
        excess = {name: costs[name] * int(best[name]) - least for name, least in self.least.items()}
        names = [name for name, above in excess.items() if above > 0]
        if not names:
            return self.linked(size, best, random)
        return self._around(random.choices(names, [excess[name] for name in names])[0], size, random)

    def conflicting(self, violated: Sequence[int], size: int, random: Random, near: bool) -> set[str]:
        """Variables of some violated constraints, then others.

        Args:
            violated: positions of the violated constraints.
            size: how many.
            random: the source of choices.
            near: the others are near in the constraint graph; else they are any.
        """
        found: set[str] = set()
        for i in random.sample(violated, len(violated)):
            inside = self.scopes[i] or sorted(self._decisions_of(self.graph.constraints[i].scope))
            found.update(random.sample(inside, min(len(inside), max(2, size // 2), max(0, size - len(found)))))
            if 2 * len(found) >= size:
                break
        if near:
            return self.near(sorted(found), size, random) if found else self.linked(size, {}, random)
        return found | self.random(size - len(found), {}, random) if len(found) < size else found

    def toured(self, size: int, best: Assignment, random: Random) -> set[str]:
        """Vertices of a tour that are near each other by the distances on their legs, and those before them.

        Args:
            size: how many.
            best: the present answer.
            random: the source of choices.
        """
        names, nearest = random.choice(self.nearest)
        before = {best[name]: place for place, name in enumerate(names)}
        place = random.choice(list(nearest))
        found: set[int] = {place}
        for other in nearest[place]:
            if len(found) >= size:
                break
            found.add(other)
            if other in before:
                found.add(before[other])
        return {names[i] for i in found if names[i] in self.chosen}

    def _around(self, name: str, size: int, random: Random) -> set[str]:
        """Decisions near any variable: a place of a tour, or near in the constraint graph."""
        start = sorted(self._decisions_of([name]))
        chosen = random.sample(start, min(len(start), size))
        return self.near(chosen, size, random) if chosen else self.linked(size, {}, random)

    def _decisions_of(self, names: Iterable[str]) -> set[str]:
        """The decisions that determine some variables: the nearest ones in the constraint graph."""
        queue, seen = list(names), set(names)
        found = {name for name in queue if name in self.chosen}
        while queue and not found:
            scopes = [self.graph.constraints[i].scope for name in queue for i in self.uses[name]]
            queue = [name for name in dict.fromkeys(name for scope in scopes for name in scope) if name not in seen]
            seen.update(queue)
            found = {name for name in queue if name in self.chosen}
        return found


class Choice:
    """Which kind of neighbourhood comes next: those that improved more often do, in proportion to their weights.

    Each kind has a size of its own. Ropke and Pisinger (2006).

    Args:
        kinds: how many there are.
        size: the first size of each.
        most: the largest size.
    """

    def __init__(self, kinds: int, size: float, most: int) -> None:
        self.weights = [FOUND] * kinds
        self.sizes = [max(1.0, min(size, most / 3))] * kinds
        self.most = most

    def draw(self, random: Random) -> int:
        """The position of a kind."""
        return random.choices(range(len(self.weights)), [max(weight, 0.05) for weight in self.weights])[0]

    def learn(self, kind: int, gained: float, exhausted: bool) -> None:
        """Change the weight and the size of a kind after a round.

        Args:
            kind: its position.
            gained: the score of the round, 0 without a better answer.
            exhausted: the round proved that its neighbourhood has no better answer; else it ran into a limit.
        """
        self.weights[kind] = FORGET * self.weights[kind] + (1 - FORGET) * gained
        if not gained:
            self.sizes[kind] = min(max(2.0, self.sizes[kind] * (GROW if exhausted else SHRINK)), float(self.most))


def _nearest(
    constraints: Sequence[Constraint], chosen: set[str]
) -> list[tuple[tuple[str, ...], Mapping[int, Sequence[int]]]]:
    """The successors of each tour whose legs have constant lengths, and for each vertex all others by distance."""
    rows: dict[str, tuple[int, ...]] = {}
    for each in constraints:
        if isinstance(each, Element) and isinstance(each.index, str):
            array = tuple(entry for entry in each.array if isinstance(entry, int))
            if len(array) == len(each.array):
                rows[each.index] = array
    found: list[tuple[tuple[str, ...], Mapping[int, Sequence[int]]]] = []
    for each in constraints:
        if isinstance(each, Circuit | SubCircuit):
            names = tuple(str(name) for name in each.successors)
            own = {
                i: sorted((j for j in range(len(names)) if j != i), key=rows[name].__getitem__)
                for i, name in enumerate(names)
                if name in chosen and len(rows.get(name, ())) == len(names)
            }
            if own:
                found.append((names, own))
    return found
