"""Reify: a literal is true exactly where a constraint holds, or only where it holds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, boolean, brief, literals, set_fields
from .base import Constraint, Parameters
from .enumerated import Enumerated
from .registry import from_json

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Reify(Enumerated):
    """The literal (variable, value) is true exactly where ``constraint`` holds; with ``half``, only where it holds.

    In formulas: ``literal <=> constraint``, and with ``half`` ``literal => constraint``. The violation degree is the
    constraint's where the literal is true; it is 1 where the literal is false and the constraint holds, unless
    ``half`` is set.
    """

    literal: tuple[str, Value]
    constraint: Constraint
    half: bool = False

    keys: ClassVar[tuple[str, ...]] = ("literal", "constraint", "half")
    symmetric: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.constraint, Constraint):
            raise GraphError(f"Reify: the constraint must be a constraint, not {brief(self.constraint)}")
        (literal,) = literals((self.literal,), "Reify")
        set_fields(self, literal=literal, half=boolean(self.half, 'Reify: "half"'))

    @cached_property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        """The literal's variable, then those of the constraint, each once."""
        return tuple(dict.fromkeys((self.literal[0], *self.constraint.scope)))

    def describe(self) -> str:
        name, value = self.literal
        return f"{name} = {value} {'=>' if self.half else '<=>'} {self.constraint.describe()}"

    def check(self, values: Sequence[Value]) -> bool:
        known = dict(zip(self.scope, values, strict=True))
        on = known[self.literal[0]] == self.literal[1]
        if not on and self.half:
            return True
        return on == self.constraint.check([known[name] for name in self.constraint.scope])

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        name, value = self.literal
        if value not in domains[name]:
            raise GraphError(f"{self.describe()}: {value!r} is outside the domain of {name!r}")
        self.constraint.validate(domains)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return self.constraint.magnitudes(largest)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind, "literal": list(self.literal)}
        return {**data, "constraint": self.constraint.to_json(), **({"half": True} if self.half else {})}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reify:
        return cls(data["literal"], from_json(data["constraint"]), data.get("half", False))

    def canonical(self) -> dict[str, Any]:
        return {**self.to_json(), "constraint": self.constraint.canonical()}

    def unpostable(self) -> str | None:
        if not self.half and not self.constraint.negatable:
            return f"{self.describe()}: CP-SAT cannot negate {self.constraint.kind}; use half=True where that will do"
        return self.constraint.unpostable()

    def post(self, to: Posting) -> None:
        literal = to.literal(*self.literal)
        with to.only_if(literal):
            self.constraint.post(to)
        if not self.half:
            with to.only_if(to.opposite(literal)):
                self.constraint.post_negation(to)

    def factor_kind(self) -> type[Constraint]:
        return _of(self.constraint.factor_kind(), self.half)

    def bucket(self) -> Hashable:
        inner = self.constraint
        return inner.bucket(), len(inner.scope), len(self.scope)

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        """The inner constraint's parameters as ``inner.NAME``, and where its scope and the literal lie in this scope."""
        known = dict(zip(self.scope, domains, strict=True))
        slots = [self.scope.index(name) for name in self.constraint.scope]
        inner = self.constraint.encode([known[name] for name in self.constraint.scope], len(slots), size)
        name, value = self.literal
        return {
            **{f"inner.{key}": array for key, array in inner.items()},
            "inner.slots": np.ones(len(slots), dtype=bool),
            "places": np.array(slots, dtype=np.int64),
            "flag": np.array(self.scope.index(name)),
            "on": np.array(known[name].index(value)),
        }

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        raise NotImplementedError("factor_kind names the class that evaluates")


class _Compiled(Reify):
    """``Reify`` of one inner kind; made by ``_of``."""

    inner: ClassVar[type[Constraint]]
    one_way: ClassVar[bool]

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        inner = {key[6:]: tensor for key, tensor in p.items() if key.startswith("inner.")}
        rest = {key: tensor for key, tensor in p.items() if not key.startswith("inner.")}
        return {**rest, **{f"inner.{key}": tensor for key, tensor in cls.inner.simplify(inner).items()}}

    @classmethod
    def degree(cls, values: Tensor, p: Parameters) -> Tensor:
        """[...] int64 of values [..., K]; see ``Reify``."""
        lead = torch.broadcast_shapes(values.shape[:-1], p["flag"].shape)
        wide = values.expand(*lead, -1)
        on = wide.gather(-1, p["flag"].expand(lead)[..., None])[..., 0] == p["on"]
        own = wide.gather(-1, p["places"].expand(*lead, -1))
        inner = cls.inner.degree(own, {key[6:]: tensor for key, tensor in p.items() if key.startswith("inner.")})
        return torch.where(on, inner, 0 if cls.one_way else (inner == 0).long())


@cache
def _of(inner: type[Constraint], half: bool) -> type[Constraint]:
    return type(f"Reify[{inner.__name__}]", (_Compiled,), {"inner": inner, "one_way": half})
