"""The family of pseudo-Boolean problems: OPB, and WBO with soft constraints."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from ...engine.constraints import Reify
from ...engine.graph import gc_paused
from ...engine.problem import Problem
from ...engine.values import Value
from ..competition import literals
from ..errors import InputError, excerpt
from ..parsing import parse_int
from .building import Builder, ModelFamily
from .expressions import number
from .forms import Sum, Truth

HINT = "write +2 x1 -3 ~x2 >= 1 ;"

_START = re.compile(
    r"\A(?:\s*\*[^\n]*\n)*\s*(?:\*\s*#variable\s*=|(?:min|max|soft)\s*:|(?:\[\d+\]\s*)?[-+]?\d+\s+~?[A-Za-z])"
)
_PART = re.compile(r"(?P<op>>=|<=|=)|(?P<number>[-+]?\d+)|(?P<literal>~?[A-Za-z][\w\[\]]*)|(?P<sign>[-+])(?=\s+\d)")


class Opb(ModelFamily):
    """Linear and non-linear pseudo-Boolean constraints, an objective, soft constraints with weights."""

    name = "opb"
    summary = "OPB and WBO (pseudo-Boolean)"
    spec = "opb:ITEMS, a random knapsack"
    suffixes = (".opb", ".wbo", ".pb")

    def recognises(self, text: str) -> bool:
        return _START.match(text[:50_000]) is not None and ";" in text

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            return [_Reader().problem(text, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        count = parse_int(spec, 1, 100_000, "items", hint=self.spec)
        rng = random.Random(f"opb:{spec}:{seed}")
        weights = [rng.randint(1, 1000) for _ in range(count)]
        profits = [weight + rng.randint(-100, 100) for weight in weights]
        lines = (
            "max: " + " ".join(f"{profit:+} x{k}" for k, profit in enumerate(profits, 1)) + " ;",
            " ".join(f"+{weight} x{k}" for k, weight in enumerate(weights, 1)) + f" <= {sum(weights) // 2} ;",
        )
        (problem,) = self.read("\n".join(lines), f"opb:{spec}")
        return problem

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return "\n".join(literals({name: value for name, value in assignment.items() if not name.startswith("_")}))

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        return literals(assignment)


class _Reader:
    """The reader of one file."""

    def __init__(self) -> None:
        self.to = Builder()
        self.objective: Sum | None = None
        self.maximise = False
        self.penalties: list[tuple[int, Sum]] = []
        self.soft = False
        self.top: int | None = None

    def problem(self, text: str, path: str) -> Problem:
        """The problem of a text.

        Args:
            text: the content of a file.
            path: of the file.

        Raises:
            InputError: a statement cannot be read; with its line.
        """
        declared = re.search(r"\*\s*#variable\s*=\s*(\d{1,8})\b", text[:1000])
        plain = re.sub(r"^[ \t]*\*[^\n]*", "", text, flags=re.MULTILINE)
        used = set(re.findall(r"[A-Za-z][\w\[\]]*", plain)) - {"min", "max", "soft"}
        for name in sorted(used, key=lambda name: (len(name), name)):
            self.to.domains[name] = (0, 1)
        if declared and all(re.fullmatch(r"x\d+", name) for name in used):
            count = int(declared[1])
            if count <= max(100_000, len(text)):
                ordered = dict.fromkeys(f"x{k}" for k in range(1, count + 1))
                self.to.domains.update(dict.fromkeys([*ordered], (0, 1)))
        line, rest = 1, plain
        statements = rest.split(";")
        for statement in statements[:-1]:
            begin = line + statement[: len(statement) - len(statement.lstrip())].count("\n")
            try:
                self._statement(statement.strip())
            except InputError as error:
                raise error.at("", begin) from None
            line += statement.count("\n")
        if statements[-1].strip():
            raise InputError(f"{excerpt(statements[-1].strip())} does not end in ';'", line=line, hint=HINT)
        return self._finished(path)

    def _finished(self, path: str) -> Problem:
        if not self.to.domains:
            self.to.domains["x1"] = (0, 1)
        if self.soft:
            if self.objective is not None:
                raise InputError("has both an objective and soft constraints", hint="use one of them")
            self.objective = self.to.sum(self.penalties)
            if self.top is not None:
                self.to.add(self.to.compare(self.objective, "<=", ({}, self.top - 1)))
        if self.objective is None:
            return self.to.problem("opb", path)
        return self.to.problem("opb", path, self.objective, self.maximise)

    def _statement(self, text: str) -> None:
        head, colon, rest = text.partition(":")
        keyword = head.strip()
        if colon and keyword in ("min", "max"):
            if self.objective is not None:
                raise InputError("a second objective")
            self.objective, op = self._sum(rest)
            self.maximise = keyword == "max"
            if op is not None:
                raise InputError("an objective is not compared", hint="write min: +1 x1 ;")
        elif colon and keyword == "soft":
            self.soft = True
            if rest.strip():
                self.top = number(rest.strip())
        elif text.startswith("["):
            weight, closed, rest = text[1:].partition("]")
            if not closed or number(weight.strip()) < 0:
                raise InputError(f"{excerpt(text)} has no weight", hint="write [3] +1 x1 >= 1 ;")
            self.soft = True
            self._softly(number(weight.strip()), rest)
        elif text:
            form, op = self._sum(text)
            if op is None:
                raise InputError(f"{excerpt(text)} is not a constraint", hint=HINT)
            self.to.add(self.to.compare(form, op, ({}, 0)))

    def _softly(self, weight: int, text: str) -> None:
        form, op = self._sum(text)
        if op is None:
            raise InputError(f"{excerpt(text)} is not a constraint", hint=HINT)
        stated = self.to.compare(form, op, ({}, 0))
        if isinstance(stated, bool):
            self.penalties.append((0 if stated else weight, ({}, 1)))
            return
        name = self.to.new(0, 1)
        self.to.add(Reify((name, 0), stated, half=True))
        self.penalties.append((weight, ({name: 1}, 0)))

    def _sum(self, text: str) -> tuple[Sum, str | None]:
        """A sum of products minus the right-hand side, and the operator between them."""
        return self._linear(text) or self._any_sum(text)

    def _linear(self, text: str) -> tuple[Sum, str] | None:
        """``_sum`` of a text such as ``+2 x1 -3 x2 >= 1``; None for others. It takes a quarter of the time."""
        words = text.split()
        if len(words) % 2 or len(words) < 4 or words[-2] not in (">=", "<=", "=") or not text.isascii() or "_" in text:
            return None
        names, weights = words[1:-2:2], [*words[:-2:2], words[-1]]
        if max(map(len, weights)) > 18 or not all(map(self.to.domains.__contains__, names)):
            return None
        try:
            numbers = list(map(int, weights))
        except ValueError:
            return None
        total: dict[str, int] = {}
        for name, weight in zip(names, numbers, strict=False):  # the last number is the right-hand side
            total[name] = total.get(name, 0) + weight
        op = "==" if words[-2] == "=" else words[-2]
        return ({name: weight for name, weight in total.items() if weight}, -numbers[-1]), op

    def _any_sum(self, text: str) -> tuple[Sum, str | None]:
        total: list[tuple[int, Sum]] = []
        op, side = None, 1
        weight: int | None = None
        sign = 1
        literals: list[Truth] = []
        position = 0

        def close() -> None:
            nonlocal weight, literals
            if weight is not None or literals:
                form = self._product(literals)
                total.append((side * (1 if weight is None else weight), form))
            weight, literals = None, []

        for match in _PART.finditer(text):
            if text[position : match.start()].strip():
                break
            position = match.end()
            if match["op"]:
                close()
                if op is not None:
                    raise InputError(f"{excerpt(text)} has two comparisons", hint=HINT)
                op, side = {"=": "=="}.get(match["op"], match["op"]), -1
            elif match["sign"]:
                sign = -1 if match["sign"] == "-" else 1
            elif match["number"]:
                close()
                weight, sign = sign * number(match["number"]), 1
            else:
                negated = match["literal"].startswith("~")
                literals.append((match["literal"].lstrip("~"), int(not negated)))
        if text[position:].strip():
            raise InputError(f"{excerpt(text[position:].strip())} is not a term", hint=HINT)
        close()
        return self.to.sum(total), op

    def _product(self, literals: list[Truth]) -> Sum:
        if not literals:
            return {}, 1
        if len(literals) == 1:
            return self.to.sum_of_truth(literals[0])
        distinct = set(literals)
        if any(self.to.negate(literal) in distinct for literal in distinct):
            return {}, 0
        return self.to.sum_of_truth(self.to.truth(self.to.all_of(literals)))
