"""What a constraint kind is.

A kind is one class in one file. As an object it is what a user states: a scope, parameters, the exact check in plain
Python. As a class it says how a stack of such constraints looks in tensors: its violation degree for values and its
expected degree for beliefs, both polymorphic in their leading axes, so that the same few lines serve a whole batch
[B, F], a handful of picked constraints [N], or every single-variable move of those [N, K, D].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np

from ..deprecation import deprecated, warn_renamed
from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, brief

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting

Parameters: TypeAlias = "dict[str, Tensor]"
"""Tensors of a factor, each [..., *own axes]; ``slots`` [..., K] (False = padding) is always among them."""


@dataclass(frozen=True)
class LiteralGroup:
    """Literals that a lattice network lets speak to each other.

    Args:
        role: which of the network's maps reads the group; groups that mean the same share a role.
        literals: (variable, value) pairs.
        weights: one number a literal where members count differently (coefficients), else empty.
        target: the numbers the group is held against (bounds, parity), else empty.
    """

    role: str
    literals: tuple[tuple[str, Value], ...]
    weights: tuple[float, ...] = ()
    target: tuple[float, ...] = ()


class Constraint(ABC):
    """One constraint as a user states it. Subclasses are frozen dataclasses; their name is the kind."""

    scope: tuple[str, ...]

    symmetric: ClassVar[bool] = True
    """Whether the order of the scope is without meaning (the digest then ignores it)."""

    def work(self, domains: Mapping[str, Domain]) -> int:
        """About how many numbers one evaluation of the energy touches in a row."""
        return sum(len(domains[name]) for name in self.scope)

    keys: ClassVar[tuple[str, ...] | None] = None
    """The keys that ``from_json`` reads, ``kind`` aside; None for those that ``to_json`` writes and the class's fields."""

    labels: Mapping[str, str] = MappingProxyType({})
    """``name`` and ``comment``, where there are any: kept through JSON, without effect on the digest or on equality."""

    def named(self, name: str = "", comment: str = "") -> Self:
        """The same constraint with a name, and a comment for its readers."""
        labels = {"name": name, "comment": comment}
        for key, text in labels.items():
            if not isinstance(text, str):
                raise GraphError(f"{self.kind}: {key!r} is a string, not {brief(text)}", "write it in quotes")
        made = copy(self)
        object.__setattr__(made, "labels", {key: text for key, text in labels.items() if text})
        return made

    # What a user states -------------------------------------------------------------------------------------------

    @property
    def value_symmetric(self) -> bool:
        """Whether exchanging two values wherever they stand never changes if it holds; the base says no, and kinds that say yes
        say it of themselves alone, not of classes derived from them."""
        return False

    @property
    @deprecated("0.2", "0.3", use="value_symmetric")
    def indifferent(self) -> bool:
        """The former name of ``value_symmetric``."""
        return self.value_symmetric

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if "indifferent" in vars(cls):  # a kind that still overrides the former name
            warn_renamed(f"{cls.__qualname__}.indifferent", "0.2", "0.3", use="value_symmetric")
            cls.value_symmetric = vars(cls)["indifferent"]  # type: ignore[method-assign]

    @property
    def kind(self) -> str:
        """The kind's name, e.g. ``AllDifferent``."""
        return type(self).__name__

    def describe(self) -> str:
        """The constraint as a person would name it in a message."""
        shown = ", ".join(self.scope[:6]) + (", …" if len(self.scope) > 6 else "")
        return f"{self.kind}({shown})"

    @abstractmethod
    def check(self, values: Sequence[Value]) -> bool:
        """Whether values, one per scope variable in scope order, satisfy the constraint: the reference."""

    def validate(self, domains: Mapping[str, Domain]) -> None:
        """Refuse scopes and domains that make no sense.

        Raises:
            GraphError: naming the variable at fault. The base refuses empty scopes and repeated variables.
        """
        if not self.scope:
            raise GraphError(f"{self.kind}: empty scope", "a constraint names at least one variable")
        if len(set(self.scope)) < len(self.scope):
            twice = next(name for name in self.scope if self.scope.count(name) > 1)
            raise GraphError(f"{self.describe()}: variable {twice!r} occurs twice")

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        """The largest magnitude of each variable's term, for kinds that calculate with values; the base has no terms.

        Args:
            largest: variable name -> the largest magnitude of its values.
        """
        return {}

    def conflict(self, given: Mapping[str, Value]) -> tuple[str, ...] | None:
        """The given variables that break the constraint whatever the others are; None where none do.

        The base finds a constraint whose whole scope is given and wrong.
        """
        if all(name in given for name in self.scope) and not self.check([given[name] for name in self.scope]):
            return self.scope
        return None

    def excludes(self, name: str) -> int | None:
        """How many values of ``name`` the rest of the scope can rule out at most; None for any number.

        Kinds that answer a number implement ``without``: the engine then solves roomy variables last (``engine.peel``).
        """
        return None

    def without(self, name: str) -> Constraint | None:
        """What the constraint asks of the rest of its scope when ``name`` has yet to choose; None for nothing."""
        raise NotImplementedError

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The JSON object that ``from_json`` reads: ``kind`` and the constructor's arguments."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Constraint:
        """The constraint that ``to_json`` wrote.

        Raises:
            GraphError, KeyError, TypeError: missing or malformed fields (the reader words the message).
        """

    def canonical(self) -> dict[str, Any]:
        """``to_json`` with everything sorted whose order means nothing: what the digest is made of."""
        data = self.to_json()
        if self.symmetric:
            data["scope"] = sorted(self.scope)
        return data

    @abstractmethod
    def post(self, to: Posting) -> None:
        """Add the constraint to a CP-SAT model."""

    def post_negation(self, to: Posting) -> None:
        """Add to a CP-SAT model that the constraint is violated: reification needs it.

        Raises:
            NotImplementedError: the kind states no negation; ``negatable`` is then false.
        """
        raise NotImplementedError(f"{self.kind} has no negation")

    @property
    def negatable(self) -> bool:
        """Whether the kind implements ``post_negation``."""
        return type(self).post_negation is not Constraint.post_negation

    def unpostable(self) -> str | None:
        """Why the constraint cannot be posted to CP-SAT, or None."""
        return None

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup] | None:
        """The literal groups that a lattice network reads, or None where the kind has no such view."""
        return None

    def group_size(self, domains: Mapping[str, Domain]) -> int:
        """The most members that the literal groups have together, without making them."""
        return 2 * sum(len(domains[name]) for name in self.scope)

    def obstacle(self, domains: Mapping[str, Domain]) -> str | None:
        """Why ``expected`` cannot be computed for this constraint, or None: solvers on beliefs ask before they start."""
        return None

    # How a stack of them is compiled --------------------------------------------------------------------------------

    def factor_kind(self) -> type[Constraint]:
        """The class whose ``degree`` and ``expected`` evaluate the constraint; by default its own."""
        return type(self)

    def bucket(self) -> Hashable:
        """Constraints of one kind are stacked with those of the same bucket; by default of similar scope size."""
        return (len(self.scope) - 1).bit_length()

    @abstractmethod
    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        """The parameters as arrays whose shapes depend only on ``arity`` and ``size`` (and the bucket).

        Args:
            domains: of the scope variables, in scope order.
            arity: K, the scope length to pad to.
            size: D, the domain length to pad to.
        """

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        """The stacked parameters [T, F, ...] of a factor (on the CPU), less what all its constraints can do without.

        A parameter that is the same for all may come as [1, 1, ...]: every method then sees it broadcast.
        """
        return p

    @staticmethod
    @abstractmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        """Violation degree of whole values.

        Args:
            values: [..., K] domain indices.
            p: encoded parameters, leading axes broadcasting with those of ``values``.

        Returns:
            [...] int64, 0 where satisfied, positive where not.
        """

    @staticmethod
    @abstractmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        """Expected violation degree when every variable is drawn independently; equals ``degree`` at one-hot.

        Args:
            beliefs: [..., K, D] probabilities, zero outside the domains.
            p: encoded parameters.

        Returns:
            [...] of the dtype of ``beliefs``, differentiable.
        """

    @staticmethod
    def expected_of_literals(chances: Tensor, p: Parameters) -> Tensor:
        """``expected`` for kinds that see one literal a slot: those whose ``simplify`` names it in ``literal`` [T, F, K].

        Args:
            chances: [..., K] the probability of each slot's literal; 0 for padding.
            p: encoded parameters.

        Returns:
            [...] of the dtype of ``chances``, differentiable.
        """
        raise NotImplementedError

    @classmethod
    def costs(cls, values: Tensor, p: Parameters, size: int) -> Tensor:
        """What each literal would cost: the degree if one variable of the scope changed and the rest stayed.

        Only differences along D matter to callers, so a kind may leave out what does not depend on d.

        Args:
            values: [N, K] domain indices.
            p: parameters, each [N or 1, ...].
            size: D.

        Returns:
            [N, K, D] int64.
        """
        n, k = values.shape
        moved = values[:, None, None, :].expand(n, k, size, k).clone()
        slot = torch.arange(k, device=values.device)
        moved[:, slot, :, slot] = torch.arange(size, device=values.device).expand(k, n, size)
        return cls.degree(moved, {name: t[:, None, None] for name, t in p.items()})

    @classmethod
    def cost_changes(
        cls, values: Tensor, slot: Tensor, new: Tensor, p: Parameters, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """How ``costs`` change when one variable of the scope moves: what local search adds to its table.

        Args:
            values: [N, K] domain indices before the move.
            slot: [N] which variable of the scope moves.
            new: [N] its new domain index.
            p: parameters, each [N or 1, ...].
            size: D.

        Returns:
            slots [N, M], domain indices [N, M] and changes [N, M] (int64); M is the kind's own, entries may repeat
            and be zero. This default takes the difference of two full tables, M = K·D.
        """
        n, k = values.shape
        after = values.scatter(1, slot[:, None], new[:, None])
        change = (cls.costs(after, p, size) - cls.costs(values, p, size)) * p["slots"][:, :, None]
        slots = torch.arange(k, device=values.device).repeat_interleave(size).expand(n, -1)
        indices = torch.arange(size, device=values.device).repeat(k).expand(n, -1)
        return slots, indices, change.reshape(n, k * size)


def membership(wanted: Sequence[Sequence[Value]], domains: Sequence[Domain], arity: int, size: int) -> np.ndarray:
    """[K, D] bool: which literals of the scope are wanted, ``wanted`` and ``domains`` one entry a slot."""
    member = np.zeros((arity, size), dtype=bool)
    for k, (values, domain) in enumerate(zip(wanted, domains, strict=True)):
        member[k, : len(domain)] = [value in values for value in domain]
    return member


def pick(table: Tensor, values: Tensor) -> Tensor:
    """Each slot's entry for its value: table [..., K, D], values [..., K] -> [..., K]."""
    shape = torch.broadcast_shapes(values.shape, table.shape[:-1])
    return table.expand(*shape, -1).gather(-1, values.expand(shape)[..., None])[..., 0]


def numbers(domain: Domain, name: str, kind: str) -> list[int]:
    """The domain as integers.

    Raises:
        GraphError: it holds strings.
    """
    require_integers(domain, name, kind)
    return [int(value) for value in domain]


def require_integers(domain: Domain, name: str, kind: str) -> None:
    """Refuse a domain that holds strings.

    Args:
        domain: the values.
        name: the variable, for the message.
        kind: who calculates with it, for the message.

    Raises:
        GraphError: it holds strings.
    """
    if not isinstance(domain, range) and not all(isinstance(value, int) for value in domain):
        raise GraphError(f"{kind}: the domain of {name!r} is not numeric", "use integers as values")
