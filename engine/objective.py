"""Linear objectives of constraint graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import values as plain
from .errors import GraphError
from .values import Value, brief, integer


@dataclass(frozen=True)
class Objective:
    """A linear objective to minimise: the sum of ``coefficients[name] * value``, plus ``constant``.

    To maximise, negate all coefficients.

    Args:
        coefficients: variable name -> integer; variables that are not named have coefficient 0. Their domains are
            integers.
        constant: an integer.

    Raises:
        GraphError: the coefficients are not a mapping, or a number is not an integer.

    Example:
        >>> Objective({"a": 2, "b": -1}, constant=3).value({"a": 1, "b": 4, "c": 9})
        1
    """

    coefficients: Mapping[str, int]
    constant: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.coefficients, Mapping):
            hint = 'write Objective({"a": 1, "b": 2}), in JSON "objective": {"coefficients": {"a": 1, "b": 2}}'
            raise GraphError(f"objective: the coefficients are a mapping, not {brief(self.coefficients)}", hint)
        coefficients = {
            plain.name(name, "objective"): integer(c, f"objective: the coefficient of {name!r}")
            for name, c in self.coefficients.items()
        }
        plain.set_fields(self, coefficients=coefficients, constant=integer(self.constant, "objective: the constant"))

    def value(self, assignment: Mapping[str, Value]) -> int:
        """The objective of an assignment.

        Args:
            assignment: variable name -> value; it has all variables of ``coefficients``.
        """
        return self.constant + sum(c * int(assignment[name]) for name, c in self.coefficients.items())

    def to_json(self) -> dict[str, Any]:
        """A JSON object with ``coefficients`` and ``constant``."""
        return {"coefficients": dict(self.coefficients), "constant": self.constant}
