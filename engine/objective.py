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
    """Minimise sum of ``coefficients[name] * value`` + ``constant``; every value and coefficient an integer."""

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
        """The objective of a whole assignment."""
        return self.constant + sum(c * int(assignment[name]) for name, c in self.coefficients.items())

    def to_json(self) -> dict[str, Any]:
        return {"coefficients": dict(self.coefficients), "constant": self.constant}
