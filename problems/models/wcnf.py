"""The family of weighted MaxSAT: WCNF in the old form (``p wcnf``) and the new one (``h`` for hard clauses)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

from ...engine.graph import gc_paused
from ...engine.problem import Problem
from ...engine.values import LARGEST, Value
from ..competition import bits
from ..errors import InputError, excerpt
from ..parsing import parse_int
from ..sat import render
from .building import Builder, ModelFamily
from .expressions import number
from .forms import Truth

HINT = "write 'h 1 -2 0' for a hard clause, '3 1 -2 0' for a soft one of weight 3"
MOST = 10_000_000
"""The most variables."""


class Wcnf(ModelFamily):
    """Hard clauses hold; the total weight of the soft clauses that do not hold is minimised."""

    name = "wcnf"
    summary = "WCNF (weighted MaxSAT), old and new form"
    spec = "wcnf:VARIABLES[:CLAUSES], random soft clauses of three literals (by default 6 a variable)"
    suffixes = (".wcnf",)

    def recognises(self, text: str) -> bool:
        if re.search(r"^[ \t]*p[ \t]+wcnf\b", text, re.MULTILINE) is not None:
            return True
        lines = (line for line in text.splitlines() if line.strip() and not line.startswith("c"))
        return re.match(r"h(?: +-?\d+)* +0\s*$", next(lines, "")) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            return [_problem(text, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n_text, _, m_text = spec.partition(":")
        n = parse_int(n_text, 3, 100_000, "variables", hint=self.spec)
        m = parse_int(m_text, 0, 1_000_000, "clauses", hint=self.spec) if m_text else 6 * n
        rng = random.Random(f"wcnf:{spec}:{seed}")
        lines = [f"p wcnf {n} {m}"]
        for _ in range(m):
            chosen = (rng.choice((1, -1)) * v for v in rng.sample(range(1, n + 1), 3))
            lines.append(" ".join(map(str, (rng.randint(1, 10), *chosen, 0))))
        return _problem("\n".join(lines), f"wcnf:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render({name: value for name, value in assignment.items() if not name.startswith("_")})

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        return bits(assignment)


def _problem(text: str, path: str) -> Problem:
    declared, top = 0, None
    clauses: list[tuple[int | None, list[int]]] = []
    for line, words in _lines(text):
        try:
            if words[0] == "p":
                declared, top = _header(words, len(text))
                continue
            weight = None if words[0] == "h" else number(words[0])
            if weight is not None and weight < 0:
                raise InputError(f"the weight {weight} is negative", hint=HINT)
            literals = [int(word) if len(word) < 12 else number(word) for word in words[1:-1]]
        except InputError as error:
            raise error.at("", line) from None
        except ValueError:
            raise InputError(f"{excerpt(' '.join(words))} is not a clause", line=line, hint=HINT) from None
        if words[-1] != "0" or len(words) < 2:
            raise InputError(f"the clause {excerpt(' '.join(words))} does not end in 0", line=line, hint=HINT)
        if 0 in literals:
            raise InputError("a 0 inside a clause", line=line, hint="write one clause on a line")
        if literals and max(map(abs, literals)) > max(declared, min(MOST, max(10_000, len(text)))):
            raise InputError(f"a literal of {excerpt(' '.join(words))} is out of range", line=line, hint=HINT)
        clauses.append((None if weight is not None and top is not None and weight >= top else weight, literals))
    used = max((abs(literal) for _, literals in clauses for literal in literals), default=0)
    return _stated(max(declared, used, 1), clauses).problem_of(path)


class _Stated(Builder):
    """A builder with the penalties of soft clauses."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.domains.update(dict.fromkeys((f"x{v}" for v in range(1, count + 1)), (0, 1)))
        self.penalties: dict[str, int] = {}
        self.constant = 0

    def problem_of(self, path: str) -> Problem:
        """The problem with the sum of the penalties as its objective."""
        coefficients = {name: weight for name, weight in self.penalties.items() if weight}
        if sum(map(abs, coefficients.values())) + abs(self.constant) > LARGEST:
            raise InputError("the weights of the soft clauses add up beyond 2^60", hint="scale them down")
        return self.problem("wcnf", path, (coefficients, self.constant))

    def soften(self, weight: int, literals: list[Truth]) -> None:
        """Add a soft clause.

        Args:
            weight: of the clause.
            literals: none twice, and none with its negation.
        """
        if not literals:
            self.constant += weight
        elif len(literals) == 1:
            name, value = literals[0]  # type: ignore[misc]
            if value:  # weight * (1 - x)
                self.constant += weight
            self.penalties[name] = self.penalties.get(name, 0) + (-weight if value else weight)
        else:
            penalty = self.new(0, 1)
            self.add_clause([*literals, (penalty, 1)])
            self.penalties[penalty] = weight


def _stated(count: int, clauses: list[tuple[int | None, list[int]]]) -> _Stated:
    to = _Stated(count)
    for weight, numbers in clauses:
        distinct = dict.fromkeys(numbers)
        if any(-each in distinct for each in distinct):
            continue
        literals: list[Truth] = [(f"x{abs(each)}", int(each > 0)) for each in distinct]
        if weight is None:
            to.add_clause(literals)
        elif weight:
            to.soften(weight, literals)
    return to


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for line, content in enumerate(text.split("\n"), 1):
        words = content.split()
        if words and words[0][0] != "c":
            yield line, words


def _header(words: list[str], size: int) -> tuple[int, int | None]:
    if len(words) not in (4, 5) or words[1] != "wcnf":
        raise InputError(f"{excerpt(' '.join(words))} is not 'p wcnf VARIABLES CLAUSES TOP'", hint=HINT)
    most = min(MOST, max(100_000, size))  # a short file must not fill the memory
    variables = parse_int(words[2], 0, most, "variables", HINT)
    return variables, number(words[4]) if len(words) == 5 else None
