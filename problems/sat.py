"""SAT: DIMACS CNF, and the SATLIB files that end in ``%`` and ``0``."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ..engine.constraints import Clause, Table
from ..engine.constraints.base import Constraint
from ..engine.graph import ConstraintGraph, gc_paused
from ..engine.problem import Problem, Source
from ..engine.values import Value
from .errors import InputError, excerpt, warn
from .family import Family, whole

HINT = "DIMACS CNF: 'p cnf VARIABLES CLAUSES', then clauses of literals that each end in 0"
LARGEST = 10_000_000
DECLARED = 100_000
"""Variables that the header of a short file may declare; a longer one may declare one for each character."""


class Sat(Family):
    """Satisfy every clause."""

    name = "sat"
    summary = "DIMACS CNF, SATLIB's '%' ending too"
    spec = "sat:VARIABLES[:CLAUSES], random 3-SAT with a hidden solution (by default 4.2 clauses a variable)"
    suffixes = (".cnf", ".dimacs")
    stream_forms = ("sat:VARIABLES[:CLAUSES]",)
    stream_maker = "mull.problems.streams.others:Formulas"

    def recognises(self, text: str) -> bool:
        return re.search(r"^[ \t]*p[ \t]+cnf[ \t]", text, re.MULTILINE) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
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
    if not variables and clauses:  # empty clauses alone: the graph needs a variable to hang them on
        variables = 1
    names = [f"x{i}" for i in range(variables + 1)]
    # One tuple a literal, shared by all clauses; literal -v is found at the list's end.
    literals = [*((name, 1) for name in names), *((name, 0) for name in reversed(names[1:]))]
    never = Table((names[1],), ()) if variables else None  # the empty clause: nothing satisfies it
    with gc_paused():
        made: list[Constraint] = [
            Clause(tuple([literals[literal] for literal in clause])) if clause else never  # type: ignore[misc]
            for clause in clauses
        ]
        graph = ConstraintGraph.unchecked(dict.fromkeys(names[1:], (0, 1)), made)
    return Problem(graph, {}, "sat", Source(path), render)


def render(assignment: Mapping[str, Value]) -> str:
    """The true variables as DIMACS ``v`` lines: signed numbers that end in 0."""
    numbers = [name[1:] if value else f"-{name[1:]}" for name, value in assignment.items()] + ["0"]
    return "\n".join("v " + " ".join(numbers[i : i + 15]) for i in range(0, len(numbers), 15))


def _parse(text: str) -> tuple[int, list[list[int]]]:
    """How many variables there are, and the clauses.

    One search finds all that is not a number, and what lies between is converted together: a million clauses take a second.
    """
    stated: tuple[int, int] | None = None
    header = end = 0
    numbers: list[int] = []
    for match in _REST.finditer(text):
        numbers += _numbers(text, end, match.start(), stated is not None)
        end, rest = match.end(), match[0]
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if rest[0] == "c" and (not before or before[-1].isspace()):
            continue  # a comment: a line of its own, or behind a clause
        number = _line(text, match.start())
        if before.strip():
            word = (before + rest).split()[len(before.rstrip().split()) - (not before[-1].isspace())]
            raise InputError(f"{excerpt(word)} is not a literal", line=number, hint=HINT)
        if rest[0] == "%":
            end = len(text)
            break  # SATLIB: what follows is a lone 0
        if rest[0] != "p":
            raise InputError(f"{excerpt(rest.split()[0])} is not a literal{_known(rest)}", line=number, hint=HINT)
        if stated:
            raise InputError("a second 'p' line", line=number, hint=HINT)
        header, stated = number, _header(rest, number, len(text))
    if stated is None:
        _numbers(text, end, len(text), False)
        raise InputError("no 'p cnf' line", line=1, hint=HINT)
    numbers += _numbers(text, end, len(text), True)
    return _clauses(text, numbers, *stated, header)


_REST = re.compile(r"[^-0-9\s][^\n]*")
"""What is not a number, to the end of its line: a comment, the header, or a mistake."""


def _numbers(text: str, start: int, end: int, ready: bool) -> list[int]:
    words = text[start:end].split()
    if words and not ready:
        first = start + len(text[start:end]) - len(text[start:end].lstrip())
        raise InputError("a clause before the 'p cnf' line", line=_line(text, first), hint=HINT)
    try:
        return list(map(int, words))
    except ValueError:
        wrong = next(word for word in words if not re.fullmatch(r"-?[0-9]{1,18}", word))
        raise InputError(f"{excerpt(wrong)} is not a literal", line=_place(text, start, wrong), hint=HINT) from None


def _clauses(text: str, numbers: list[int], variables: int, stated: int, header: int) -> tuple[int, list[list[int]]]:
    """Numbers cut at the zeros, and the header's counts compared with them."""
    if numbers and numbers[-1]:
        line = _line(text, len(text.rstrip()))
        hint = "the file may be truncated; if it is whole, add the 0"
        raise InputError("the last clause does not end in 0", line=line, hint=hint)
    used = max(max(numbers, default=0), -min(numbers, default=0))
    most = max(variables, min(LARGEST, max(10_000, len(text))))
    if used > most:
        wrong = next(str(number) for number in numbers if abs(number) > most)
        hint = f"the header says {variables} variables"
        raise InputError(f"literal {excerpt(wrong)} is out of range", line=_place(text, 0, wrong), hint=hint)
    if used > variables:
        warn(f"the header says {variables} variables, the file uses {used}: {used} are taken", header)
    ends = np.flatnonzero(np.array(numbers, dtype=np.int64) == 0).tolist()
    clauses = [numbers[start:end] for start, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)]
    if len(clauses) > stated and not clauses[-1]:
        warn(f"a 0 after the last of {stated} clauses is left out", _line(text, len(text.rstrip())))
        while len(clauses) > stated and not clauses[-1]:
            clauses.pop()
    if len(clauses) != stated:
        hint = "the file may be truncated" if len(clauses) < stated else ""
        warn(f"the header says {stated} clauses, the file has {len(clauses)}: all of them are taken", header, hint)
    return max(variables, used), clauses


def _header(line: str, number: int, size: int) -> tuple[int, int]:
    parts = line.split(None, 5)
    if len(parts) != 4 or parts[1] != "cnf":
        raise InputError(f"{excerpt(line)} is not 'p cnf VARIABLES CLAUSES'", line=number, hint=HINT)
    try:
        return whole(parts[2], 0, _most(size), "variables", HINT), whole(parts[3], 0, LARGEST, "clauses", HINT)
    except InputError as error:
        raise error.at("", number) from None


def _most(size: int) -> int:
    """How many variables a file of so many characters may have: a short file does not fill the memory."""
    return min(LARGEST, max(DECLARED, size))


def _known(line: str) -> str:
    """What a line that is not CNF belongs to, for the message."""
    if re.match(r"[ae]\s+[-0-9\s]+$", line):
        return ": a QDIMACS file, not supported"
    return ": an XOR clause, not supported" if re.match(r"x\s*-?[0-9]", line) else ""


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _place(text: str, start: int, word: str) -> int:
    """The line of a word that is known to stand behind ``start``, comments aside."""
    first = _line(text, start)
    for number, line in enumerate(text[start:].split("\n"), first):
        if word in _REST.sub("", line).split():
            return number
    return first
