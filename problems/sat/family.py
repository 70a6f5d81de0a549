"""The SAT family: formulas in conjunctive normal form."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from ...engine.constraints import Clause, Table
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph, gc_paused
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..family import Family
from ..parsing import parse_int
from .text import LARGEST, parse


class Sat(Family):
    """Every clause has a true literal. The variables are x1 to xn with values 0 and 1."""

    name = "sat"
    summary = "DIMACS CNF, SATLIB's '%' ending too"
    spec = "sat:VARIABLES[:CLAUSES], random 3-SAT with a hidden solution (by default 4.2 clauses a variable)"
    suffixes = (".cnf", ".dimacs")
    stream_forms = ("sat:VARIABLES[:CLAUSES]",)
    stream_maker = "mull.problems.sat.stream:SatStream"

    def recognises(self, text: str) -> bool:
        return re.search(r"^[ \t]*p[ \t]+cnf[ \t]", text, re.MULTILINE) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            variables, clauses = parse(text)
            return [formula(variables, clauses, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n_text, _, m_text = spec.partition(":")
        n = parse_int(n_text, 3, 1_000_000, "variables", hint=self.spec)
        m = parse_int(m_text, 0, LARGEST, "clauses", hint=self.spec) if m_text else round(4.2 * n)
        rng = random.Random(f"sat:{spec}:{seed}")
        hidden = [rng.random() < 0.5 for _ in range(n)]
        clauses: list[list[int]] = []
        while len(clauses) < m:
            chosen = [(v, rng.random() < 0.5) for v in rng.sample(range(n), 3)]
            if any(hidden[v] == sign for v, sign in chosen):
                clauses.append([v + 1 if sign else -v - 1 for v, sign in chosen])
        return formula(n, clauses, f"sat:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        return render(assignment).split("\n")


def formula(variables: int, clauses: Sequence[Sequence[int]], path: str = "-") -> Problem:
    """The problem of a CNF formula.

    Args:
        variables: number of variables.
        clauses: signed variable numbers, 1 to ``variables``, as in DIMACS.
        path: of the file, or ``family:spec``.
    """
    if not variables and clauses:  # only empty clauses: their constraint needs a variable
        variables = 1
    names = [f"x{i}" for i in range(variables + 1)]
    # One tuple for each literal, shared by all clauses, keeps large formulas small. Literal -v is at index -v.
    literals = [*((name, 1) for name in names), *((name, 0) for name in reversed(names[1:]))]
    never = Table((names[1],), ()) if variables else None  # an empty clause
    with gc_paused():
        made: list[Constraint] = [
            Clause(tuple([literals[literal] for literal in clause])) if clause else never  # type: ignore[misc]
            for clause in clauses
        ]
        graph = ConstraintGraph.unchecked(dict.fromkeys(names[1:], (0, 1)), made)
    return Problem(graph, {}, "sat", Source(path), render)


def render(assignment: Mapping[str, Value]) -> str:
    """An assignment as DIMACS ``v`` lines: the true literals, then 0."""
    numbers = [name[1:] if value else f"-{name[1:]}" for name, value in assignment.items()] + ["0"]
    return "\n".join("v " + " ".join(numbers[i : i + 15]) for i in range(0, len(numbers), 15))
