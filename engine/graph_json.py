"""Reading constraint graphs from JSON objects; ``ConstraintGraph.to_json`` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .constraints import Constraint, from_json
from .errors import GraphError
from .objective import Objective
from .values import Value, brief, domain_from_json, refuse_unknown

KEYS = ("variables", "constraints", "objective")
"""The keys of a graph's JSON object."""


def parts(data: object) -> tuple[dict[str, Sequence[Value]], list[Constraint], Objective | None]:
    """Domains, constraints and objective of a graph's JSON object.

    Args:
        data: the object. ``ConstraintGraph.from_json`` describes it.

    Returns:
        The arguments of ``ConstraintGraph``.

    Raises:
        GraphError: a key or value is missing, unknown or of the wrong type.
    """
    if not isinstance(data, Mapping):
        raise GraphError(f'a graph is an object with "variables" and "constraints", not {brief(data)}')
    refuse_unknown(data, KEYS, "graph")
    if not isinstance(data.get("variables"), Mapping):
        raise GraphError('a graph is an object with "variables" (name: domain) and "constraints"')
    if not isinstance(data.get("constraints", []), list):
        raise GraphError('"constraints" is a list of objects')
    domains = {name: domain_from_json(name, domain) for name, domain in data["variables"].items()}
    objective = _objective(data["objective"]) if data.get("objective") is not None else None
    return domains, [from_json(item) for item in data.get("constraints", [])], objective


def _objective(data: Any) -> Objective:
    if not isinstance(data, Mapping) or not isinstance(data.get("coefficients", {}), Mapping):
        hint = 'write "objective": {"coefficients": {"a": 1, "b": 2}}'
        raise GraphError('"objective" is an object with integer "coefficients" (name: number) and "constant"', hint)
    refuse_unknown(data, ("coefficients", "constant", "maximise"), "objective")
    if "coefficients" not in data:
        raise GraphError('objective: "coefficients" (name: number) is missing')
    return Objective(data["coefficients"], data.get("constant", 0), data.get("maximise", False))
