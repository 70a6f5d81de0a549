"""What a picture shows of each variable: its value, where the value comes from, and the beliefs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from ..engine.problem import Problem
from ..engine.values import Value

MOST_CHECKED = 20_000
"""Most constraints that a picture checks: it must not take longer than solving."""
CERTAIN = 0.9
"""Probability from which a belief is drawn as a value."""

Beliefs = Mapping[str, Sequence[float]]
"""Variable name -> probabilities of the values of its domain, in the domain's order."""


class View:
    """A problem with an assignment and beliefs, as a picture reads them.

    Args:
        problem: to be drawn.
        assignment: variable name -> value; it may be partial, None for the givens alone. Givens keep their values.
        beliefs: of any variables, or None. They are drawn where they are not certain.
    """

    def __init__(
        self, problem: Problem, assignment: Mapping[str, Value] | None = None, beliefs: Beliefs | None = None
    ) -> None:
        self.problem = problem
        self.domains = problem.graph.domains
        fixed = {n: domain[0] for n, domain in self.domains.items() if len(domain) == 1 and n not in problem.auxiliary}
        self.givens: Mapping[str, Value] = {**fixed, **problem.givens} if fixed else problem.givens
        self.values: dict[str, Value] = {n: v for n, v in (assignment or {}).items() if n in self.domains}
        self.beliefs = beliefs or {}
        if assignment is None and beliefs:
            self.values = {n: v for n in beliefs if n in self.domains and (v := self._certain(n)) is not None}
        self.values |= self.givens
        self._beliefs: dict[str, dict[Value, float]] = {}  # boards ask for each value of a variable

    @cached_property
    def wrong(self) -> frozenset[str]:
        """The variables whose values violate a constraint; of ``AllDifferent`` those that are equal.

        Constraints with a variable that has no value do not count, unless the values alone violate them. Givens count
        where they contradict each other, and undecided beliefs have no value. Empty for more than ``MOST_CHECKED``
        constraints.
        """
        constraints = self.problem.graph.constraints
        if len(constraints) > MOST_CHECKED or not self.values:
            return frozenset()
        decided = {n: v for n, v in self.values.items() if self.chances(n) is None}
        values = {n: v for n, v in decided.items() if v in self.domains[n]}
        found: set[str] = set(decided) - set(values)
        for constraint in constraints:
            names = constraint.conflict(values) or ()
            found.update([n for n in names if n not in self.givens] or names)
        return frozenset(found)

    def look(self, name: str) -> str:
        """The class of a variable's value: ``wrong``, ``given`` or ``found``."""
        if name in self.wrong:
            return "wrong"
        return "given" if name in self.givens else "found"

    def chances(self, name: str) -> dict[Value, float] | None:
        """The beliefs of a variable that is neither given nor certain: value -> probability; None otherwise."""
        if name in self.givens or name not in self.beliefs or self._certain(name) is not None:
            return None
        return dict(zip(self.domains[name], map(float, self.beliefs[name]), strict=False))

    def probability(self, name: str, value: Value) -> float:
        """The belief in a value: that of ``beliefs``, else 1 where the variable has the value, else 0.

        Args:
            name: of the variable.
            value: of its domain.
        """
        if name not in self.givens and name in self.beliefs:
            if name not in self._beliefs:
                self._beliefs[name] = dict(zip(self.domains[name], map(float, self.beliefs[name]), strict=False))
            return self._beliefs[name].get(value, 0.0)
        return float(self.values.get(name) == value)

    def _certain(self, name: str) -> Value | None:
        chances = [float(p) for p in self.beliefs[name]]
        best = max(range(len(chances)), key=chances.__getitem__, default=None)
        if best is None or chances[best] < CERTAIN or best >= len(self.domains[name]):
            return None
        return self.domains[name][best]

    @property
    def title(self) -> str:
        """The name of the picture: family, and name or source of the problem."""
        problem = self.problem
        named = problem.name or ("" if problem.source.path == "-" else str(problem.source))
        return f"{problem.family}: {named}" if named and named != problem.family else problem.family

    def description(self, what: str) -> str:
        """A sentence on the content for screen readers.

        Args:
            what: the kind of picture, ``board of 9 by 9 cells``.
        """
        found = len(self.values) - len(self.givens)
        parts = [what, f"{len(self.givens)} given", f"{found} found", f"{len(self.wrong)} in conflict"]
        unsure = sum(self.chances(name) is not None for name in self.beliefs if name in self.domains)
        if unsure:
            parts.append(f"{unsure} undecided")
        return ", ".join(parts) + "."
