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
from .move_arithmetic import shifted
from .move_form import Code, Ints, MoveForm, MoveFunctions, packed, specialised
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

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm | None:
        inner = self.constraint.move_form(domains, code)
        if inner is None:
            return None
        on, own = code(self.literal[1]), self.constraint.scope
        if own == self.scope[1:]:
            params = packed(on, self.half, inner.params)
            return MoveForm(params, 1 + inner.memory, _moves(inner.functions, False))
        slots = [own.index(name) if name in own else -1 for name in self.scope]
        places = [self.scope.index(name) for name in own]
        params = packed(on, self.half, len(own), slots, places, inner.params)
        return MoveForm(params, 1 + len(own) + inner.memory, _moves(inner.functions, True))

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
        lead = np.broadcast_shapes(values.shape[:-1], p["flag"].shape)
        wide = values.expand(*lead, -1)
        on = wide.gather(-1, p["flag"].expand(lead)[..., None])[..., 0] == p["on"]
        own = wide.gather(-1, p["places"].expand(*lead, -1))
        inner = cls.inner.degree(own, {key[6:]: tensor for key, tensor in p.items() if key.startswith("inner.")})
        return torch.where(on, inner, 0 if cls.one_way else (inner == 0).long())


@cache
def _of(inner: type[Constraint], half: bool) -> type[Constraint]:
    return type(f"Reify[{inner.__name__}]", (_Compiled,), {"inner": inner, "one_way": half})


# The move form calls the functions of the inner one. Parameters: the code of the literal's value, whether the implication
# is one way, and the inner parameters. Memory: the inner degree, and the inner memory. Where the literal's variable is
# in the inner scope too, the inner scope is kept in the memory. The parameters then hold its length, the inner slot of
# each slot or -1, and the slot of each inner one.


@cache
def _moves(inner: MoveFunctions, shared: bool) -> MoveFunctions:
    """The functions for an inner kind; ``shared``: the literal's variable is in the inner scope."""
    name = f"Reify[{inner.start.__module__}.{inner.start.__qualname__}{', shared' * shared}]"
    begin = specialised(_start_shared if shared else _start_apart, f"{name}.begin", _inner=inner.start)
    ahead = _move_shared if shared else _move_apart
    change = specialised(ahead, f"{name}.peek", _inner=inner.change)
    apply = specialised(ahead, f"{name}.put", _inner=inner.apply or inner.change)
    hint = specialised(ahead, f"{name}.hint", _inner=inner.suggest or _present)
    blamed = specialised(ahead, f"{name}.blamed", _inner=inner.blame)
    return MoveFunctions(
        specialised(_start, f"{name}.start", _own=begin),
        specialised(_change, f"{name}.change", _own=change),
        specialised(_apply, f"{name}.apply", _own=apply),
        specialised(_suggest, f"{name}.suggest", _own=hint),
        specialised(_blame, f"{name}.blame", _own=blamed) if inner.blame else None,
    )


def _inner(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """A function of the inner kind; ``specialised`` replaces it."""
    raise NotImplementedError


_own = _inner


def _start_apart(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    return _inner(values, shifted(scope, 1), size - 1, shifted(params, 2), shifted(memory, 1), 0, 0)


def _move_apart(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    if slot == 0:
        return 0
    return _inner(values, shifted(scope, 1), size - 1, shifted(params, 2), shifted(memory, 1), slot - 1, new)


def _start_shared(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    own = params[2]
    for i in range(own):
        memory[1 + i] = scope[params[3 + size + i]]
    return _inner(values, shifted(memory, 1), own, shifted(params, 3 + size + own), shifted(memory, 1 + own), 0, 0)


def _move_shared(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    own, place = params[2], params[3 + slot]
    if place < 0:
        return 0
    return _inner(
        values, shifted(memory, 1), own, shifted(params, 3 + size + own), shifted(memory, 1 + own), place, new
    )


def _present(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    return values[scope[slot]]


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The literal where the constraint holds, and what the constraint suggests where the literal is true."""
    if slot == 0:
        return params[0] if memory[0] == 0 else values[scope[0]]
    return _own(values, scope, size, params, memory, slot, new)


def _blame(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    if slot == 0 or values[scope[0]] != params[0]:
        return 1
    return _own(values, scope, size, params, memory, slot, new)


def _degree(params: Ints, on: bool, inner: int) -> int:
    if on:
        return inner
    return 0 if params[1] else int(inner == 0)


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    inner = _own(values, scope, size, params, memory, 0, 0)
    memory[0] = inner
    return _degree(params, values[scope[0]] == params[0], inner)


def _moved(values: Ints, scope: Ints, params: Ints, slot: int, new: int, before: int, after: int) -> int:
    """The change of the degree, from the inner degree before and after."""
    on = values[scope[0]] == params[0]
    on_after = new == params[0] if slot == 0 else on
    return _degree(params, on_after, after) - _degree(params, on, before)


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    inner = memory[0]
    after = inner + _own(values, scope, size, params, memory, slot, new)
    return _moved(values, scope, params, slot, new, inner, after)


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    inner = memory[0]
    after = inner + _own(values, scope, size, params, memory, slot, new)
    memory[0] = after
    return _moved(values, scope, params, slot, new, inner, after)
