"""Literal groups as arrays: how a lattice network sees one constraint graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .errors import GraphError
from .values import Domain

if TYPE_CHECKING:
    from .constraints.base import Constraint

TARGETS = 2
"""Numbers that a group is held against: a count has two bounds, a sum one, most have none."""


class RoleArrays(NamedTuple):
    """The groups of one role in one graph.

    Args:
        variable, value: [R, M] int32, the members' variable and domain index; -1 in padding.
        weight: [R, M] float32, divided by the group's largest magnitude; 1 where members count alike.
        target: [R, TARGETS] float32: the bounds on the same scale.
    """

    variable: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    target: np.ndarray


def role_arrays(domains: Mapping[str, Domain], constraints: Iterable[Constraint]) -> dict[str, RoleArrays]:
    """Role -> the groups of that role that constraints declare.

    Args:
        domains: variable name -> its values; their order numbers variables and values.
        constraints: constraints on these variables.

    Raises:
        GraphError: a constraint kind that declares no groups.
    """
    index = {name: i for i, name in enumerate(domains)}
    place = {domain: {value: d for d, value in enumerate(domain)} for domain in set(domains.values())}
    where = {name: place[domain] for name, domain in domains.items()}
    found: dict[str, list[tuple[list[int], list[int], Sequence[float], Sequence[float]]]] = defaultdict(list)
    for constraint in constraints:
        groups = constraint.groups(domains)
        if groups is None:
            raise GraphError(f"constraints of the kind {constraint.kind} have no literal groups")
        for group in groups:
            if group.literals:
                variables = [index[name] for name, _ in group.literals]
                values = [where[name][value] for name, value in group.literals]
                found[group.role].append((variables, values, group.weights, group.target))
    return {role: _arrays(groups) for role, groups in found.items()}


def _arrays(groups: Sequence[tuple[list[int], list[int], Sequence[float], Sequence[float]]]) -> RoleArrays:
    most = max(len(variables) for variables, _, _, _ in groups)
    variable = np.full((len(groups), most), -1, dtype=np.int32)
    value = np.full((len(groups), most), -1, dtype=np.int32)
    weight = np.ones((len(groups), most), dtype=np.float32)
    target = np.zeros((len(groups), TARGETS), dtype=np.float32)
    for r, (variables, values, weights, bounds) in enumerate(groups):
        variable[r, : len(variables)] = variables
        value[r, : len(values)] = values
        scale = max(map(abs, weights), default=1.0) or 1.0
        if weights:
            weight[r, : len(weights)] = np.array(weights) / scale
        target[r, : len(bounds)] = np.array(bounds) / scale
    return RoleArrays(variable, value, weight, target)
