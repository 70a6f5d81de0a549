"""SAT: DIMACS CNF, and the SATLIB files that end in ``%`` and ``0``."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from ..engine.constraints import Clause, Table
from ..engine.constraints.base import Constraint
from ..engine.graph import ConstraintGraph, Value
from ..engine.problem import Problem, Source
from .errors import InputError, excerpt
from .family import Family, whole

HINT = "DIMACS CNF: 'p cnf VARIABLES CLAUSES', then clauses of literals that each end in 0"
LARGEST = 10_000_000


class Sat(Family):
    """Satisfy every clause."""

    name = "sat"
    summary = "DIMACS CNF, SATLIB's '%' ending too"
    spec = "sat:VARIABLES[:CLAUSES], random 3-SAT with a hidden solution (by default 4.2 clauses a variable)"
    suffixes = (".cnf", ".dimacs")

    def recognises(self, text: str) -> bool:
        return any(line.split()[:2] == ["p", "cnf"] for line in text.split("\n", 200)[:200])

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        variables, clauses = _parse(text)
        return [formula(variables, clauses, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n_text, _, m_text = spec.partition(":")
        n = whole(n_text, 3, 1_000_000, "variables", hint=self.spec)
        m = whole(m_text, 0, LARGEST, "clauses", hint=self.spec) if m_text else round(4.2 * n)
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


def formula(variables: int, clauses: Sequence[Sequence[int]], path: str = "-") -> Problem:
    """The problem of a CNF formula: variables x1..xn in 0/1, clauses of signed variable numbers."""
    names = [f"x{i}" for i in range(variables + 1)]
    made: list[Constraint] = []
    for clause in clauses:
        if clause:
            made.append(Clause(tuple((names[abs(literal)], int(literal > 0)) for literal in clause)))
        else:  # the empty clause: nothing satisfies it
            made.append(Table((names[1],), ()))
    return Problem(ConstraintGraph(dict.fromkeys(names[1:], (0, 1)), made), {}, "sat", Source(path), render)


def render(assignment: Mapping[str, Value]) -> str:
    """The true variables as DIMACS ``v`` lines: signed numbers that end in 0."""
    numbers = [name[1:] if value else f"-{name[1:]}" for name, value in assignment.items()] + ["0"]
    return "\n".join("v " + " ".join(numbers[i : i + 15]) for i in range(0, len(numbers), 15))


def _parse(text: str) -> tuple[int, list[list[int]]]:
    variables = stated = -1
    header = 0
    clauses: list[list[int]] = []
    clause: list[int] = []
    number = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("%"):
            break  # SATLIB: what follows is a lone 0
        if line.startswith("c") or not line.strip():
            continue
        if line.startswith("p"):
            if variables >= 0:
                raise InputError("a second 'p' line", line=number, hint=HINT)
            variables, stated = _header(line, number)
            header = number
            continue
        if variables < 0:
            raise InputError("a clause before the 'p cnf' line", line=number, hint=HINT)
        for item in line.split():
            try:
                literal = int(item) if len(item) < 12 else variables + 1
            except ValueError:
                raise InputError(f"{excerpt(item)} is no literal", line=number, hint=HINT) from None
            if abs(literal) > variables:
                message = f"literal {excerpt(item)} is out of range"
                raise InputError(message, line=number, hint=f"the header says {variables} variables")
            if literal:
                clause.append(literal)
            else:
                clauses.append(clause)
                clause = []
    if variables < 0:
        raise InputError("no 'p cnf' line", line=1, hint=HINT)
    if clause:
        raise InputError("the last clause does not end in 0", line=number, hint="the file may be truncated")
    if len(clauses) != stated:
        message = f"the header says {stated} clauses, the file has {len(clauses)}"
        raise InputError(message, line=header, hint="the file may be truncated")
    return variables, clauses


def _header(line: str, number: int) -> tuple[int, int]:
    parts = line.split(None, 5)
    if len(parts) != 4 or parts[1] != "cnf":
        raise InputError(f"{excerpt(line)} is no 'p cnf VARIABLES CLAUSES'", line=number, hint=HINT)
    try:
        return whole(parts[2], 1, LARGEST, "variables"), whole(parts[3], 0, LARGEST, "clauses")
    except InputError as error:
        raise error.at("", number) from None
