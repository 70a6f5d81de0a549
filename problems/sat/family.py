"""The SAT family: formulas in conjunctive normal form."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from ...engine.constraint_arrays import NumberedNames
from ...engine.constraints import Table
from ...engine.constraints.clause_arrays import ClauseArrays
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..family import Family
from ..parsing import parse_int
from .text import LARGEST, Formula, parse


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
        return [problem_of(parse(text), path)]

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
    start = np.zeros(len(clauses) + 1, dtype=np.int64)
    np.cumsum([len(clause) for clause in clauses], out=start[1:])
    literals = np.fromiter(chain.from_iterable(clauses), dtype=np.int64, count=int(start[-1]))
    return problem_of(Formula(variables, start, literals), path)


def problem_of(cnf: Formula, path: str = "-") -> Problem:
    """The problem of a CNF formula in arrays.

    Args:
        cnf: the formula.
        path: of the file, or ``family:spec``.
    """
    # A formula of empty clauses alone needs a variable, because the constraint of an empty clause has one.
    variables = max(cnf.variables, int(len(cnf.start) > 1))
    names = NumberedNames("x", np.arange(1, variables + 1))
    domains = dict.fromkeys(names.strings(), (0, 1))
    empty = np.flatnonzero(cnf.start[1:] == cnf.start[:-1])
    start = np.delete(cnf.start, empty)
    arrays = ClauseArrays(names, start, (np.abs(cnf.literals) - 1).astype(np.int32), (cnf.literals > 0).astype(np.int8))
    if len(empty):
        made = list(arrays)
        for place in empty.tolist():  # ascending, so that each is inserted at its own place
            made.insert(place, Table(("x1",), ()))
        return Problem(ConstraintGraph.unchecked(domains, made), {}, "sat", Source(path), render)
    return Problem(ConstraintGraph.unchecked(domains, arrays), {}, "sat", Source(path), render)


def render(assignment: Mapping[str, Value]) -> str:
    """An assignment as DIMACS ``v`` lines: the true literals, then 0."""
    numbers = [name[1:] if value else f"-{name[1:]}" for name, value in assignment.items()] + ["0"]
    return "\n".join("v " + " ".join(numbers[i : i + 15]) for i in range(0, len(numbers), 15))
