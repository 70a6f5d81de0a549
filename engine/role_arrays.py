"""The literal groups of one graph: what constraint kinds declare, as NumPy arrays.

This module does not import torch. Worker processes compute these arrays beside the examples that they generate.
``role_tensors`` stacks the arrays of several graphs into the tensors of a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .errors import GraphError
from .values import Domain, Value

if TYPE_CHECKING:
    from .constraints.base import Constraint

TARGETS = 2
"""The most numbers in the target of a group: a count has two bounds, a sum has one, most groups have none."""


@dataclass(frozen=True)
class LiteralGroup:
    """Literals between which a lattice network passes messages.

    Args:
        role: the name of the map that reads the group. Groups of one meaning share a role, across all problems.
        literals: (variable, value) pairs.
        weights: one number for each literal (a coefficient), or empty where all members count alike.
        target: the numbers that the group must reach (bounds, parity), at most ``role_arrays.TARGETS``, or empty.
    """

    role: str
    literals: tuple[tuple[str, Value], ...]
    weights: tuple[float, ...] = ()
    target: tuple[float, ...] = ()


class RoleArrays(NamedTuple):
    """The groups of one role in one graph: R groups of at most M members.

    Args:
        variable: [R, M] int32, the index of each member's variable; -1 in padding.
        value: [R, M] int32, the index of each member's value in its domain; -1 in padding.
        weight: [R, M] float32, divided by the largest magnitude of the group; 1 where members count alike.
        target: [R, TARGETS] float32, the group's target divided by the same number.
    """

    variable: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    target: np.ndarray


def role_arrays(domains: Mapping[str, Domain], constraints: Iterable[Constraint]) -> dict[str, RoleArrays]:
    """The literal groups of constraints, by role.

    Args:
        domains: variable name -> domain. Variables and values are numbered in this order.
        constraints: constraints on these variables.

    Returns:
        Role -> its groups. Groups without members are left out.

    Raises:
        GraphError: a constraint of a kind without literal groups.
    """
    index = {name: i for i, name in enumerate(domains)}
    # One table for each distinct domain: the variables of a graph mostly share a few.
    positions = {domain: {value: d for d, value in enumerate(domain)} for domain in set(domains.values())}
    position = {name: positions[domain] for name, domain in domains.items()}
    found: dict[str, list[tuple[list[int], list[int], Sequence[float], Sequence[float]]]] = defaultdict(list)
    for constraint in constraints:
        groups = constraint.groups(domains)
        if groups is None:
            raise GraphError(f"constraints of the kind {constraint.kind} have no literal groups")
        for group in groups:
            if group.literals:
                variables = [index[name] for name, _ in group.literals]
                values = [position[name][value] for name, value in group.literals]
                found[group.role].append((variables, values, group.weights, group.target))
    return {role: _arrays(groups) for role, groups in found.items()}


def _arrays(groups: Sequence[tuple[list[int], list[int], Sequence[float], Sequence[float]]]) -> RoleArrays:
    """The arrays of one role; each group is given as variables, values, weights and target."""
    most = max(len(variables) for variables, _, _, _ in groups)
    variable = np.full((len(groups), most), -1, dtype=np.int32)
    value = np.full((len(groups), most), -1, dtype=np.int32)
    weight = np.ones((len(groups), most), dtype=np.float32)
    target = np.zeros((len(groups), TARGETS), dtype=np.float32)
    for r, (variables, values, weights, bounds) in enumerate(groups):
        variable[r, : len(variables)] = variables
        value[r, : len(values)] = values
        # Scaled to at most 1, and the target with them: networks would otherwise read numbers of any magnitude.
        scale = max(map(abs, weights), default=1.0) or 1.0
        if weights:
            weight[r, : len(weights)] = np.array(weights) / scale
        target[r, : len(bounds)] = np.array(bounds) / scale
    return RoleArrays(variable, value, weight, target)
