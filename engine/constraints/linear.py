"""Linear: a weighted sum of integer variables, compared with a bound."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..sums import chance_of_sum, excess, expected_excess
from ..values import LARGEST, Domain, Value, bounds, brief, integer, items, names, set_fields
from .base import Constraint, LiteralGroup, Parameters, numbers, pick, require_integers
from .move_arithmetic import beyond
from .move_form import Code, Ints, MoveForm, MoveFunctions, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting

MOST_SPAN = 1 << 16
"""The largest range of a sum whose distribution is computed for beliefs: it takes one float for each integer in it."""

MOST_PAIRS = 1 << 12
"""The most pairs of values that an equation is posted for as a table."""


@dataclass(frozen=True)
class Linear(Constraint):
    """``sum(coefficients * values) op bound``, in integers.

    The violation degree is the distance of the sum to the nearest sum that satisfies the constraint; 1 for ``!=``.

    Args:
        scope: variable names, at least one.
        coefficients: one for each variable, in the order of the scope.
        op: ``<=``, ``>=``, ``=`` or ``!=``.
        bound: at most 2^61 in magnitude.

    Raises:
        GraphError: an argument of the wrong type.
    """

    scope: tuple[str, ...]
    coefficients: tuple[int, ...]
    op: str
    bound: int

    keys = ("scope", "coefficients", "op", "bound")
    symmetric = False  # canonical() sorts the scope and the coefficients together

    def __post_init__(self) -> None:
        what = f"{self.kind}: the coefficients"
        coefficients = tuple(
            integer(c, f"{self.kind}: a coefficient") for c in items(self.coefficients, what, "one a variable: [1, 1]")
        )
        bound = integer(self.bound, f"{self.kind}: the bound")
        set_fields(self, scope=names(self.scope, self.kind), coefficients=coefficients, bound=bound)

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        if len(self.coefficients) != len(self.scope):
            raise GraphError(f"{self.describe()}: {len(self.coefficients)} coefficients, {len(self.scope)} variables")
        if self.op not in ("<=", ">=", "=", "!="):
            hint = "for integers, x < b is x <= b - 1"
            raise GraphError(f"{self.describe()}: unknown operator {brief(self.op)} (<=, >=, =, !=)", hint)
        if abs(self.bound) > 2 * LARGEST:  # the engine itself adds bounds just beyond the largest sum
            raise GraphError(f"{self.kind}: the bound {brief(self.bound)} is too large", "sums reach 2^60 at most")
        for name in self.scope:
            require_integers(domains[name], name, self.kind)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return {name: abs(c) * largest[name] for c, name in zip(self.coefficients, self.scope, strict=True)}

    def describe(self) -> str:
        terms = [f"{c}*{name}" for c, name in zip(self.coefficients[:6], self.scope, strict=False)]
        return f"Linear({' + '.join(terms)}{' + …' if len(self.scope) > 6 else ''} {self.op} {self.bound})"

    def check(self, values: Sequence[Value]) -> bool:
        total = sum(c * int(value) for c, value in zip(self.coefficients, values, strict=True))
        return {"<=": total <= self.bound, ">=": total >= self.bound, "=": total == self.bound}.get(
            self.op, total != self.bound
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "scope": list(self.scope),
            "coefficients": list(self.coefficients),
            "op": self.op,
            "bound": self.bound,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Linear:
        scope = names(data["scope"], cls.__name__)
        return cls(scope, data.get("coefficients", (1,) * len(scope)), data["op"], data["bound"])

    def canonical(self) -> dict[str, Any]:
        pairs = sorted(zip(self.scope, self.coefficients, strict=True))
        return {**self.to_json(), "scope": [n for n, _ in pairs], "coefficients": [c for _, c in pairs]}

    def post(self, to: Posting) -> None:
        numbering = None if to.conditional else self._numbering(to.domains)
        if numbering is not None:
            names, rows = numbering
            to.model.add_allowed_assignments([to.variable(name) for name in names], rows)
            return
        total = sum(c * to.variable(name) for c, name in zip(self.coefficients, self.scope, strict=True))
        if self.op == "!=":
            to.model.add(total != self.bound)
            return
        least, most = self._interval(-(2**62), 2**62)
        to.model.add_linear_constraint(total, least, most)

    def _numbering(self, domains: Mapping[str, Domain]) -> tuple[list[str], list[tuple[int, int, int]]] | None:
        """The variables and rows of a table, where one variable numbers the pairs of two others; None elsewhere.

        Indices of matrices are such equations. CP-SAT proves more with a table: a quadratic assignment of 9 facilities
        took 2 s of one core, and had no proof after 10 s with equations.
        """
        if self.op != "=" or len(self.scope) != 3 or len(set(self.scope)) != 3:
            return None
        for place in range(3):
            first, second, last = (*self.scope[:place], *self.scope[place + 1 :], self.scope[place])
            size = len(domains[first]) * len(domains[second])
            if abs(self.coefficients[place]) != 1 or not 4 <= size == len(domains[last]) <= MOST_PAIRS:
                continue
            c, d = (*self.coefficients[:place], *self.coefficients[place + 1 :])
            rows = [
                (int(a), int(b), (self.bound - c * int(a) - d * int(b)) * self.coefficients[place])
                for a in domains[first]
                for b in domains[second]
            ]
            if {row[2] for row in rows} == set(domains[last]):
                return [first, second, last], rows
        return None

    def post_negation(self, to: Posting) -> None:
        total = sum(c * to.variable(name) for c, name in zip(self.coefficients, self.scope, strict=True))
        opposite = {"=": total != self.bound, "!=": total == self.bound, "<=": total > self.bound}
        to.model.add(opposite.get(self.op, total < self.bound))

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        least, most = self._interval(-(2**62), 2**62)
        return MoveForm(packed(self.op == "!=", least, most, self.coefficients), 1, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup] | None:
        """The sum in pseudo-Boolean normal form: ``>=``, positive weights, no literal of weight zero.

        An equation is two such sums; ``!=`` has no groups. One role instead of three, and half the members: a step of a lattice on 30×30
        mazes took 0.51 s of one core instead of 1.20 s.
        """
        if self.op == "!=":
            return None
        signs = {"<=": (-1,), ">=": (1,), "=": (1, -1)}[self.op]
        return [self._at_least(sign, domains) for sign in signs]

    def _at_least(self, sign: int, domains: Mapping[str, Domain]) -> LiteralGroup:
        """The group of ``sign * sum >= sign * bound``: each variable's smallest term moves into the bound."""
        bound = sign * self.bound
        literals: list[tuple[str, Value]] = []
        weights: list[float] = []
        for c, name in zip(self.coefficients, self.scope, strict=True):
            terms = {value: sign * c * int(value) for value in domains[name]}
            least = min(terms.values())
            bound -= least
            above = {value: term - least for value, term in terms.items() if term > least}
            literals += [(name, value) for value in above]
            weights += map(float, above.values())
        return LiteralGroup("linear", tuple(literals), tuple(weights), (float(bound),))

    def _span(self, domains: Mapping[str, Domain]) -> int:
        """The largest sum less the smallest one."""
        span = 0
        for c, name in zip(self.coefficients, self.scope, strict=True):
            least, most = bounds(domains[name])
            span += abs(c) * (most - least)
        return span

    def obstacle(self, domains: Mapping[str, Domain]) -> str | None:
        span = self._span(domains)
        if span > MOST_SPAN:
            return f"the sum in {self.describe()} ranges over {span} values; energies are computed up to {MOST_SPAN}"
        return None

    def work(self, domains: Mapping[str, Domain]) -> int:
        return super().work(domains) * (1 + min(self._span(domains), MOST_SPAN))

    def bucket(self) -> Hashable:
        # Sums of similar span share a factor: a narrow sum would otherwise pay for the distribution of a wide one.
        span = (sum(abs(c) for c in self.coefficients)).bit_length()
        return (super().bucket(), span, self.op) if self.op == "!=" else (super().bucket(), span)

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        # Terms are shifted to be >= 0, so that the smallest sum is 0 and a sum indexes its own distribution.
        terms = np.zeros((arity, size), dtype=np.int64)
        shift = 0
        for k, (c, domain, name) in enumerate(zip(self.coefficients, domains, self.scope, strict=True)):
            own = c * np.array(numbers(domain, name, self.kind), dtype=np.int64)
            terms[k, : len(domain)] = own - own.min()
            shift += int(own.min())
        least, most = self._interval(shift, shift + int(terms.max(-1).sum()))
        if self.op == "!=":
            return {"terms": terms, "forbidden": np.array(self.bound - shift)}
        return {"terms": terms, "least": np.array(least - shift), "most": np.array(most - shift)}

    def _interval(self, lowest: int, highest: int) -> tuple[int, int]:
        return (lowest if self.op == "<=" else self.bound), (highest if self.op == ">=" else self.bound)

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        span = min(int(p["terms"].amax(-1).sum(-1).max()), MOST_SPAN + 1)  # obstacle() refuses wider sums
        return {
            **p,
            "span": torch.empty(*p["terms"].shape[:2], 0, span),
        }  # a number stored as a shape: see AllDifferent

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        total = pick(p["terms"], values).sum(-1)
        return (total == p["forbidden"]).long() if "forbidden" in p else excess(total, p["least"], p["most"])

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        span = p["span"].shape[-1]
        if "forbidden" in p:
            return chance_of_sum(beliefs, p["terms"], p["forbidden"], span)
        return expected_excess(beliefs, p["terms"], p["least"], p["most"], span)

    @staticmethod
    def prune(allowed: Tensor, p: Parameters) -> Tensor:
        """A value is excluded where the smallest or largest terms of the other variables lead beyond a bound."""
        if "forbidden" in p:
            return allowed
        terms = p["terms"]
        beyond = terms.amax() + 1
        low = torch.where(allowed, terms, beyond).amin(-1)
        high = torch.where(allowed, terms, -1).amax(-1)
        smallest = (low.sum(-1, keepdim=True) - low)[..., None] + terms
        largest = (high.sum(-1, keepdim=True) - high)[..., None] + terms
        within = (smallest <= p["most"][..., None, None]) & (largest >= p["least"][..., None, None])
        return allowed & within


# The move form. Parameters: whether the sum must differ from the bound, the least and largest sum, the coefficients.
# Memory: the sum.


def _degree_of(params: Ints, total: int) -> int:
    if params[0]:
        return int(total == params[1])
    return beyond(total, params[1], params[2])


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    total = 0
    for k in range(size):
        total += params[3 + k] * values[scope[k]]
    memory[0] = total
    return _degree_of(params, total)


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    total = memory[0]
    after = total + params[3 + slot] * (new - values[scope[slot]])
    return _degree_of(params, after) - _degree_of(params, total)


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    total = memory[0]
    after = total + params[3 + slot] * (new - values[scope[slot]])
    memory[0] = after
    return _degree_of(params, after) - _degree_of(params, total)


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The nearest value that satisfies the constraint; for an equation, one of the two next to it."""
    old, total, c = values[scope[slot]], memory[0], params[3 + slot]
    if params[0]:
        return old + (1 - 2 * (new & 1)) * int(total == params[1])
    lacking = params[1] - total if total < params[1] else max(0, total - params[2])
    if c == 0 or lacking == 0:
        return old
    steps = lacking // abs(c)
    if steps * abs(c) < lacking and (params[1] != params[2] or new & 1):
        steps += 1
    return old + steps if (c > 0) == (total < params[1]) else old - steps


_MOVES = MoveFunctions(_start, _change, _apply, _suggest)
