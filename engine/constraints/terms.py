"""Kinds over terms: a term is the name of an integer variable or an integer constant."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Term, Value, brief, integer, items, name, refuse_unknown, set_fields
from .base import Constraint, Parameters, pick, require_integers
from .enumerated import Enumerated
from .independent import Terms

if TYPE_CHECKING:
    from torch import Tensor


MOST_ENTRIES = 1 << 20
"""The most numbers that an energy in closed form may read or write."""


class TermConstraint(Enumerated):
    """Base of the kinds that calculate with terms.

    A subclass is a frozen dataclass. Its fields named in ``of`` hold terms: one term, a tuple of terms, or a matrix (a
    tuple of equally long tuples). All other fields are plain parameters. A kind implements ``holds`` (exact, in plain
    Python), ``distance`` (the violation degree, on tensors) and ``post`` (CP-SAT). Scope, JSON form, encoding, energy
    and literal groups follow from these.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Larger(TermConstraint):
        ...     left: Term
        ...     right: Term
        ...     of = ("left", "right")
        ...
        ...     def holds(self, left, right):
        ...         return left > right
        ...
        ...     @staticmethod
        ...     def distance(p, left, right):
        ...         return (right - left + 1).clamp(min=0)
        ...
        ...     def post(self, to):
        ...         to.model.add(to.term(self.left) > to.term(self.right))
    """

    of: ClassVar[tuple[str, ...]]
    """The fields that hold terms, in the order of the arguments of ``holds`` and ``distance``."""

    unordered: ClassVar[tuple[str, ...]] = ()
    """The fields whose order has no meaning: the digest ignores it."""

    nonempty: ClassVar[tuple[str, ...]] = ()
    """The fields that hold at least one entry."""

    paired: ClassVar[tuple[str, ...]] = ()
    """The fields of ``of`` that hold lists of equal length, entry by entry."""

    symmetric: ClassVar[bool] = False

    def __post_init__(self) -> None:
        set_fields(self, **{field: _terms(getattr(self, field), f"{self.kind}: {field}") for field in self.of})
        forms = {field.name: str(field.type) for field in fields(self)}  # type: ignore[arg-type]
        for field in self.of:
            held = getattr(self, field)
            depth = forms[field].count("tuple[")
            if "Term" in forms[field] and _depth(held, depth) != depth:
                form = ("a variable or an integer", "a list", "a list of lists")[depth]
                raise GraphError(f"{self.kind}: {field} is {form}, not {brief(held)}", f"write {_EXAMPLES[depth]}")
            if isinstance(held, tuple) and held and isinstance(held[0], tuple):
                lengths = {len(row) if isinstance(row, tuple) else -1 for row in held}
                if len(lengths) > 1:
                    raise GraphError(f"{self.kind}: the rows of {field} have different lengths", "give equal rows")
        for field in self.nonempty:
            if not getattr(self, field):
                raise GraphError(f"{self.kind}: {field} is empty", "write at least one entry")
        same_length(self, *self.paired)

    # What a kind implements -------------------------------------------------------------------------------------------

    @abstractmethod
    def holds(self, *terms: Any) -> bool:
        """Whether the values of the terms satisfy the constraint: the reference, in plain Python.

        Args:
            terms: one argument for each field of ``of``, in the field's form, with an integer for each term.
        """

    @staticmethod
    @abstractmethod
    def distance(p: Parameters, *terms: Any) -> Any:
        """The violation degree: 0 where the constraint holds, positive where not.

        Args:
            p: the arrays of ``constants`` as tensors, each [..., *own axes].
            terms: one int64 tensor for each field of ``of``: [...] for a term, [..., n] for a tuple, [..., n, m] for a
                matrix.

        Returns:
            [...] int64. Leading axes broadcast.
        """

    def constants(self) -> dict[str, np.ndarray]:
        """The plain parameters as arrays for ``distance``; they have equal shapes in one ``layout``."""
        return {}

    def layout(self) -> Hashable:
        """The shapes of the fields and of ``constants``: constraints of one layout are compiled together."""
        return tuple(_shape(getattr(self, field)) for field in self.of)

    @staticmethod
    def expectation(p: Parameters, *terms: Any) -> Any:
        """The expected violation degree in closed form, for kinds that have one. All terms are independent.

        Without this method, or if a variable occurs twice, ``expected`` sums over all assignments of the scope.

        Args:
            p: see ``distance``.
            terms: the distributions of the terms of each field of ``of``.

        Returns:
            [...] of the dtype of the probabilities.
        """
        raise NotImplementedError

    def entries(self, size: int) -> int:
        """About how many numbers ``expectation`` works on, for domains of ``size`` values."""
        return len(self.terms) * size**2

    # Derived methods -------------------------------------------------------------------------------------------------

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """All terms, field by field."""
        return tuple(term for field in self.of for term in _flat(getattr(self, field)))

    @cached_property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        """The distinct variables, in the order of the terms."""
        return tuple(dict.fromkeys(term for term in self.terms if isinstance(term, str)))

    @property
    def has_expectation(self) -> bool:
        """Whether the energy is ``expectation``: the kind has one, and no variable occurs twice."""
        variables = sum(isinstance(term, str) for term in self.terms)
        return type(self).expectation is not TermConstraint.expectation and variables == len(self.scope)

    def obstacle(self, domains: Mapping[str, Domain]) -> str | None:
        if not self.has_expectation:
            return super().obstacle(domains)
        entries = self.entries(max(map(len, domains.values())))
        if entries > MOST_ENTRIES:
            return (
                f"the energy of {self.describe()} needs {brief(entries)} numbers; "
                f"the largest number allowed is {MOST_ENTRIES}"
            )
        return None

    def work(self, domains: Mapping[str, Domain]) -> int:
        if not self.has_expectation:
            return super().work(domains)
        return min(self.entries(max(len(domains[each]) for each in self.scope)), MOST_ENTRIES)

    def factor_kind(self) -> type[Constraint]:
        return _in_closed_form(type(self)) if self.has_expectation else type(self)

    def check(self, values: Sequence[Value]) -> bool:
        known = dict(zip(self.scope, values, strict=True))
        return bool(self.holds(*(_fill(getattr(self, field), known) for field in self.of)))

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        for each in self.scope:
            require_integers(domains[each], each, self.kind)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        reached = {each: largest[each] for each in self.scope}
        constants = [abs(term) for term in self.terms if isinstance(term, int)]
        return {**reached, "a constant": max(constants)} if constants else reached

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind}
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            held = getattr(self, field.name)
            if field.default is MISSING or held != field.default:
                data[field.name] = _listed(held)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        given = {key: item for key, item in data.items() if key != "kind"}
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        refuse_unknown(data, ("kind", *known), cls.__name__)
        for field in fields(cls):  # type: ignore[arg-type]
            if field.default is MISSING and field.name not in given:
                raise GraphError(
                    f"{cls.__name__}: the key {field.name!r} is missing", f"its keys are {', '.join(known)}"
                )
        return cls(**given)

    def canonical(self) -> dict[str, Any]:
        data = self.to_json()
        for field in self.unordered:
            if isinstance(data.get(field), list):
                data[field] = sorted(data[field], key=str)
        return data

    def bucket(self) -> Hashable:
        return len(self.scope), self.layout()

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        """``numbers`` [K, D] has the values of the variables by domain index. Each field has two arrays: ``FIELD.slot``
        [*shape] is the slot of each term in the scope, or -1; ``FIELD.constant`` [*shape] is the constant there."""
        # A table per variable, not per term: an array of 256 constants beside a domain of 2,000 values took 4 MB.
        slots = {each: k for k, each in enumerate(self.scope)}
        arrays = self.constants()
        numbers = np.zeros((arity, size), dtype=np.int64)
        for k, domain in enumerate(domains):
            numbers[k, : len(domain)] = domain
        arrays["numbers"] = numbers
        for field in self.of:
            held = getattr(self, field)
            shape, flat = _shape(held), list(_flat(held))
            slot = np.array([slots[term] if isinstance(term, str) else -1 for term in flat], dtype=np.int64)
            constant = np.array([0 if isinstance(term, str) else term for term in flat], dtype=np.int64)
            arrays[f"{field}.slot"], arrays[f"{field}.constant"] = slot.reshape(shape), constant.reshape(shape)
        return arrays

    @classmethod
    def degree(cls, values: Tensor, p: Parameters) -> Tensor:
        distance: Tensor = cls.distance(p, *(read_terms(values, p, field) for field in cls.of))
        return distance.long()


@cache
def _in_closed_form(kind: type[TermConstraint]) -> type[TermConstraint]:
    """The kind with its energy from ``expectation``."""

    def expected(cls: type[TermConstraint], beliefs: Tensor, p: Parameters) -> Tensor:
        value: Tensor = kind.expectation(p, *(_distributions(beliefs, p, field) for field in kind.of))
        return value

    return type(f"{kind.__name__} of distinct variables", (kind,), {"expected": classmethod(expected)})


def largest_of(parts: Mapping[str, Any], largest: Mapping[str, int]) -> dict[str, int]:
    """The largest magnitude of each part of a constraint, for ``magnitudes``.

    Args:
        parts: name for messages -> a term, a tuple of terms or a matrix.
        largest: variable name -> the largest magnitude among its values.
    """
    return {
        part: max((largest[term] if isinstance(term, str) else abs(term) for term in _flat(held)), default=0)
        for part, held in parts.items()
    }


def moves_only(constraint: TermConstraint, *parts: str) -> bool:
    """Whether the terms of these fields are distinct variables, and all other terms are integers.

    Args:
        constraint: the constraint.
        parts: names of its fields.
    """
    terms = [term for part in parts for term in getattr(constraint, part)]
    return len(set(terms)) == len(terms) == len(constraint.scope) and all(isinstance(term, str) for term in terms)


def same_length(constraint: TermConstraint, *parts: str) -> None:
    """Refuse lists of different lengths where the kind pairs their entries.

    Args:
        constraint: the constraint.
        parts: the names of the fields that hold the lists.

    Raises:
        GraphError: the lengths differ.
    """
    lengths = [len(getattr(constraint, part)) for part in parts]
    if len(set(lengths)) > 1:
        listed = ", ".join(f"{part} has {length}" for part, length in zip(parts, lengths, strict=True))
        raise GraphError(f"{constraint.kind}: the lists have different lengths: {listed}", "give equally many entries")


_EXAMPLES = ('"a" or 3', '["a", "b", 3]', '[["a", 1], ["b", "c"]]')


def _depth(held: Any, wanted: int) -> int:
    """How deeply the tuples of terms are nested; an empty tuple has the wanted depth."""
    if not isinstance(held, tuple):
        return 0
    depths = {1 + _depth(each, wanted - 1) for each in held}
    return max(depths) if depths else max(wanted, 1)


def _terms(given: object, what: str) -> Any:
    """A term, a tuple of terms or a matrix of terms, checked."""
    if type(given) is str or type(given) is int:
        return given
    if isinstance(given, str):
        return name(given, what)
    if isinstance(given, list | tuple | range | np.ndarray) and not (isinstance(given, np.ndarray) and given.ndim == 0):
        return tuple(_terms(each, what) for each in items(given, what, '["a", "b", 3]'))
    return integer(given, f"{what}: a term is the name of a variable or an integer; it")


def _flat(held: Any) -> Iterator[Term]:
    if isinstance(held, tuple):
        for each in held:
            yield from _flat(each)
    else:
        yield held


def _shape(held: Any) -> tuple[int, ...]:
    if not isinstance(held, tuple):
        return ()
    return (len(held), *(_shape(held[0]) if held else ()))


def _fill(held: Any, known: Mapping[str, Value]) -> Any:
    if isinstance(held, tuple):
        return tuple(_fill(each, known) for each in held)
    return known[held] if isinstance(held, str) else held


def _listed(held: Any) -> Any:
    return [_listed(each) for each in held] if isinstance(held, tuple) else held


def _distributions(beliefs: Tensor, p: Parameters, field: str) -> Terms:
    """The distributions [..., *shape, D] of one field's terms, at beliefs [..., K, D]."""
    slot, constant, shape = _flattened(p, field)
    size = beliefs.shape[-1]
    wide = np.broadcast_shapes(beliefs.shape[:-2], slot.shape[:-1])
    index = slot.clamp(min=0)[..., None].expand(*wide, -1, size)
    # A constant has the distribution of any variable, and one number everywhere.
    chance = beliefs.expand(*wide, -1, -1).gather(-2, index)
    number = p["numbers"].expand(*wide, -1, -1).gather(-2, index)
    number = torch.where(slot[..., None] < 0, constant[..., None], number)
    return Terms(chance.view(*wide, *shape, size), number.view(*wide, *shape, size))


def read_terms(values: Tensor, p: Parameters, field: str) -> Tensor:
    """The values of one field's terms.

    Args:
        values: [..., K] int64 domain indices of the scope.
        p: the parameters of the constraints.
        field: the field's name.

    Returns:
        [..., *shape of the field] int64.
    """
    slot, constant, shape = _flattened(p, field)
    own = pick(p["numbers"], values)  # [..., K]
    wide = np.broadcast_shapes(own.shape[:-1], slot.shape[:-1])
    read = own.expand(*wide, -1).gather(-1, slot.clamp(min=0).expand(*wide, -1))
    return torch.where(slot < 0, constant, read).view(*wide, *shape)


def _flattened(p: Parameters, field: str) -> tuple[Tensor, Tensor, torch.Size]:
    """Slots and constants [..., N] of one field's terms, and the field's shape."""
    lead = p["slots"].dim() - 1
    slot, constant = p[f"{field}.slot"], p[f"{field}.constant"]
    shape = slot.shape[lead:]
    if not shape:
        return slot[..., None], constant[..., None], shape
    return slot.flatten(lead), constant.flatten(lead), shape  # not reshape(-1): a chain may add no costs at all
