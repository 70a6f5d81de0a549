"""The contract of a constraint kind.

A kind is one class in one file. An object of the class is one constraint: a scope, parameters, and the exact check in
plain Python. The class also evaluates many such constraints at once on tensors (``tensor_form``). A file of a kind
imports the base class, the types of its methods and the functions of ``encoding`` from this module.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..deprecation import deprecated, warn_renamed
from ..errors import GraphError
from ..role_arrays import LiteralGroup
from ..values import Domain, Value, brief
from .encoding import membership, numbers, pick, require_integers, validate_literals
from .tensor_form import Parameters, TensorForm

if TYPE_CHECKING:
    from ..posting import Posting
    from .move_form import MoveForm

__all__ = [
    "Constraint",
    "LiteralGroup",
    "Parameters",
    "membership",
    "numbers",
    "pick",
    "require_integers",
    "validate_literals",
]


class Constraint(TensorForm):
    """One constraint of a graph. Each subclass is a kind; the class name is the kind's name.

    A kind is a frozen dataclass whose fields are the arguments that a user states. In tensor shapes, K
    is the scope size and D the largest domain, both padded. T counts templates, F the constraints of a factor. A
    mapping ``domains`` contains every variable of the graph.

    A kind must implement:

    * ``check``: the exact test in plain Python. All other methods must agree with it.
    * ``to_json``, ``from_json``: the constraint in a JSON graph.
    * ``post``: the constraint in a CP-SAT model, and ``post_negation`` where ``Reify`` should accept the kind.
    * ``encode``, ``degree``, ``expected``: the tensor form.

    A kind may override:

    * ``validate``, to refuse arguments and domains that are not valid;
    * ``canonical`` or ``symmetric``, where two notations mean the same constraint;
    * ``conflict``, ``excludes`` with ``without``, ``value_symmetric``: facts that save search;
    * ``groups``, ``group_size``: the literal groups of learned solvers;
    * ``prune``: values that a search may exclude;
    * ``move_form``: the constraint in compiled local search, which otherwise calls ``check``;
    * ``magnitudes``, ``obstacle``, ``work``: the size of its numbers, for kinds that calculate with values;
    * ``bucket``, ``factor_kind``, ``simplify``, ``expected_of_literals``: speed.

    Kinds that calculate with terms derive from ``terms.TermConstraint``, which implements most of this.
    docs/write-a-constraint.md has a complete kind and the laws that the tests check.

    Example:
        >>> from mull.engine import AllDifferent
        >>> row = AllDifferent(("a", "b", "c")).named("row 1")
        >>> row.check([1, 2, 2])
        False
        >>> row.conflict({"a": 1, "c": 1})
        ('a', 'c')
        >>> row.to_json()
        {'kind': 'AllDifferent', 'scope': ['a', 'b', 'c']}
    """

    scope: tuple[str, ...]
    """The names of the constraint's variables, in the order in which ``check`` reads their values."""

    symmetric: ClassVar[bool] = True
    """Whether the order of the scope has no meaning. The digest then sorts the scope."""

    keys: ClassVar[tuple[str, ...] | None] = None
    """The JSON keys that ``from_json`` reads, without ``kind``; None: those of ``to_json`` and the class's fields."""

    labels: Mapping[str, str] = MappingProxyType({})
    """``name`` and ``comment`` where they are set. JSON keeps them; the digest and equality ignore them."""

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        if "indifferent" in vars(cls):  # a kind that still overrides the former name
            warn_renamed(f"{cls.__qualname__}.indifferent", "0.2", "0.3", use="value_symmetric")
            cls.value_symmetric = vars(cls)["indifferent"]  # type: ignore[method-assign]
        own = vars(cls)
        if "move_form" not in own and own.keys() & {"check", "holds", "degree", "distance"}:
            cls.move_form = Constraint.move_form  # type: ignore[method-assign]  # that of the base is another kind's

    # The constraint as a user states it ---------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """The kind's name, e.g. ``AllDifferent``."""
        return type(self).__name__

    def named(self, name: str = "", comment: str = "") -> Self:
        """A copy of the constraint with labels for readers of the JSON graph.

        Args:
            name: of the constraint, or empty.
            comment: any text, or empty.

        Raises:
            GraphError: one of them is not a string.
        """
        labels = {"name": name, "comment": comment}
        for key, text in labels.items():
            if not isinstance(text, str):
                raise GraphError(f"{self.kind}: {key!r} must be a string, not {brief(text)}", "write it in quotes")
        made = copy(self)
        object.__setattr__(made, "labels", {key: text for key, text in labels.items() if text})
        return made

    def describe(self) -> str:
        """The constraint in a message: its kind and the first variables of its scope."""
        shown = ", ".join(self.scope[:6]) + (", …" if len(self.scope) > 6 else "")
        return f"{self.kind}({shown})"

    @abstractmethod
    def check(self, values: Sequence[Value]) -> bool:
        """Whether the constraint holds. This is the reference for all other methods.

        Args:
            values: one value for each variable of ``scope``, in that order.
        """

    def validate(self, domains: Mapping[str, Domain]) -> None:
        """Refuse a scope, parameters or domains that are not valid. A graph calls this when it is built.

        An override calls ``super().validate(domains)`` first: it refuses empty scopes and repeated variables.

        Args:
            domains: variable name -> domain, of the whole graph.

        Raises:
            GraphError: with the name of the variable or parameter that is wrong.
        """
        if not self.scope:
            raise GraphError(f"{self.kind}: empty scope", "a constraint names at least one variable")
        if len(set(self.scope)) < len(self.scope):
            twice = next(name for name in self.scope if self.scope.count(name) > 1)
            raise GraphError(f"{self.describe()}: variable {twice!r} occurs twice")

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The JSON object that ``from_json`` reads: ``kind`` and the constructor's arguments."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Constraint:
        """The constraint that ``to_json`` wrote.

        Args:
            data: the JSON object, without ``name`` and ``comment``.

        Raises:
            GraphError: a field is not valid. A KeyError, TypeError or ValueError is reported as one.
        """

    def canonical(self) -> dict[str, Any]:
        """``to_json``, with all lists sorted whose order has no meaning. The graph's digest is computed from it."""
        data = self.to_json()
        if self.symmetric:
            data["scope"] = sorted(self.scope)
        return data

    # Facts that save search ---------------------------------------------------------------------------------------

    @property
    def value_symmetric(self) -> bool:
        """Whether the constraint still holds after any two values are exchanged in the whole assignment.

        Where all constraints of a graph are value-symmetric, solutions that differ only by a renaming of values count
        as equal. A kind that overrides this returns True for its own class only: a subclass may change ``check``.
        """
        return False

    @property
    @deprecated("0.2", "0.3", use="value_symmetric")
    def indifferent(self) -> bool:
        """The former name of ``value_symmetric``."""
        return self.value_symmetric

    def conflict(self, given: Mapping[str, Value]) -> tuple[str, ...] | None:
        """Given variables that violate the constraint for all values of the others.

        The default returns the scope if all its variables are given and ``check`` is False.

        Args:
            given: variable name -> value; variables outside the scope are ignored.

        Returns:
            Names of the scope, or None if the given values violate nothing.
        """
        if all(name in given for name in self.scope) and not self.check([given[name] for name in self.scope]):
            return self.scope
        return None

    def excludes(self, name: str) -> int | None:
        """How many values of one variable the rest of the scope can rule out, at most.

        A kind that returns a number also implements ``without``. ``engine.peel`` then assigns the variables last that
        always have a value left.

        Args:
            name: a variable of the scope.

        Returns:
            The number, or None where the rest of the scope can rule out all values.
        """
        return None

    def without(self, name: str) -> Constraint | None:
        """The constraint on the rest of the scope while one variable has no value yet.

        Args:
            name: a variable of the scope.

        Returns:
            A constraint without ``name``, or None where the rest of the scope is free.

        Raises:
            NotImplementedError: a kind whose ``excludes`` returns None.
        """
        raise NotImplementedError

    # The size of its numbers --------------------------------------------------------------------------------------

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        """The largest magnitude of each term, for kinds that calculate with values. The default has no terms.

        A graph refuses sums beyond 2^60. Solvers in floating point refuse graphs whose sums exceed 2^53.

        Args:
            largest: variable name -> the largest magnitude among its values.

        Returns:
            Variable name -> the largest magnitude of its term.
        """
        return {}

    def obstacle(self, domains: Mapping[str, Domain]) -> str | None:
        """The reason why ``expected`` cannot be computed, or None. Solvers on beliefs refuse a graph with a reason."""
        return None

    def work(self, domains: Mapping[str, Domain]) -> int:
        """About how many numbers one evaluation of ``expected`` reads or writes in a row of a batch."""
        return sum(len(domains[name]) for name in self.scope)

    # Compiled local search ----------------------------------------------------------------------------------------

    def move_form(self, domains: Mapping[str, Domain], code: Callable[[Value], int]) -> MoveForm | None:
        """The constraint for compiled local search; None where the kind has no form, and ``check`` serves.

        Args:
            domains: variable name -> domain, of the whole graph.
            code: returns the int64 code of a value: an integer is itself, a string has a code above 2^61.

        Returns:
            Parameters, the size of the memory, and the functions of ``engine/constraints/move_form.py``.
        """
        return None

    # The exact solver and learned solvers -------------------------------------------------------------------------

    @abstractmethod
    def post(self, to: Posting) -> None:
        """Add the constraint to a CP-SAT model.

        Args:
            to: the model under construction. Read domains from ``to.domains``: they contain the givens.
        """

    def post_negation(self, to: Posting) -> None:
        """Add the negation of the constraint to a CP-SAT model. ``Reify`` needs it.

        Args:
            to: the model under construction.

        Raises:
            NotImplementedError: a kind without a negation; ``negatable`` is then False.
        """
        raise NotImplementedError(f"{self.kind} has no negation")

    @property
    def negatable(self) -> bool:
        """Whether the kind implements ``post_negation``."""
        return type(self).post_negation is not Constraint.post_negation

    def unpostable(self) -> str | None:
        """The reason why ``post`` cannot add the constraint, or None. ``cpsat`` refuses a graph with a reason."""
        return None

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup] | None:
        """The literal groups that a lattice network reads. With None, learned solvers on a lattice refuse the graph."""
        return None

    def group_size(self, domains: Mapping[str, Domain]) -> int:
        """An upper bound on the members of all ``groups`` together, computed without making them."""
        return 2 * sum(len(domains[name]) for name in self.scope)

    def factor_kind(self) -> type[Constraint]:
        """The class whose ``degree`` and ``expected`` evaluate the constraint; by default its own."""
        return type(self)
