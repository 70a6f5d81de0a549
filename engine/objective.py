"""Linear objectives of constraint graphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import values as plain
from .errors import GraphError
from .values import Value, boolean, brief, integer


@dataclass(frozen=True)
class Objective:
    """A linear objective to minimise or maximise: the sum of ``coefficients[name] * value``, plus ``constant``.

    Args:
        coefficients: variable name -> integer; variables that are not named have coefficient 0. Their domains are
            integers.
        constant: an integer.
        maximise: whether the objective is maximised.

    Raises:
        GraphError: the coefficients are not a mapping, or a number is not an integer.

    Example:
        >>> Objective({"a": 2, "b": -1}, constant=3).value({"a": 1, "b": 4, "c": 9})
        1
    """

    coefficients: Mapping[str, int]
    constant: int = 0
    maximise: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.coefficients, Mapping):
            hint = 'write Objective({"a": 1, "b": 2}), in JSON "objective": {"coefficients": {"a": 1, "b": 2}}'
            raise GraphError(f"objective: the coefficients are a mapping, not {brief(self.coefficients)}", hint)
        coefficients = {
            plain.name(name, "objective"): integer(c, f"objective: the coefficient of {name!r}")
            for name, c in self.coefficients.items()
        }
        constant = integer(self.constant, "objective: the constant")
        maximise = boolean(self.maximise, 'objective: "maximise"')
        plain.set_fields(self, coefficients=coefficients, constant=constant, maximise=maximise)

    @cached_property
    def costs(self) -> Mapping[str, int]:
        """The coefficients of the sum that is minimised: negated where the objective is maximised."""
        return {name: -c for name, c in self.coefficients.items()} if self.maximise else self.coefficients

    def cost(self, assignment: Mapping[str, Value]) -> int:
        """What is minimised, without the constant, for a whole assignment."""
        return sum(c * int(assignment[name]) for name, c in self.costs.items())

    def value(self, assignment: Mapping[str, Value]) -> int:
        """The objective of an assignment.

        Args:
            assignment: variable name -> value; it has all variables of ``coefficients``.
        """
        return self.constant + sum(c * int(assignment[name]) for name, c in self.coefficients.items())

    def of(self, names: Iterable[str], constant: int) -> Objective:
        """The part of the objective over some of its variables.

        Args:
            names: the variables.
            constant: the part's constant.
        """
        return Objective({name: self.coefficients[name] for name in names}, constant, self.maximise)

    def to_json(self) -> dict[str, Any]:
        """A JSON object with ``coefficients``, ``constant`` and, where it is set, ``maximise``."""
        data: dict[str, Any] = {"coefficients": dict(self.coefficients), "constant": self.constant}
        return {**data, "maximise": True} if self.maximise else data
