"""Literal groups as tensors: the bipartite graph of literals and groups that a lattice network passes messages along.

Constraint kinds declare their groups (``Constraint.groups``); here those of several templates are stacked and padded, a
stack for each role, with the way back from a literal to its groups beside it. Literals of a template are numbered
``v * D + d``, groups of a role from zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .role_arrays import TARGETS, RoleArrays
from .tables import by_owner

MANY_TEMPLATES, ROUND = 16, 32
"""From so many unlike templates on, a batch is padded to round sizes, variables and groups to multiples of ROUND: the next one
then has the same."""


class RoleTensors(NamedTuple):
    """The groups of one role for a batch; leading axis T' is 1 where all rows share a template, else B (or T).

    Args:
        members: [T', R, M] int64 literal numbers, 0 in padding.
        present: [T', R, M] bool, or None where nothing is padding.
        weight: [T', R, M] float32, or None where all members count alike.
        target: [T', R, TARGETS] float32, or None where no group of the role has one.
        groups: [T', L, C] int64: the groups that a literal is in, 0 in padding.
        slots: [T', L, C] int64: which member of the group it is there, -1 in padding.
        belongs: [T', L, C] bool, False in padding, or None where nothing is padding.
        scale: [T', L, 1] float32: 1 / sqrt(number of its groups), so that sums over them keep their size; 0 without any.
    """

    members: Tensor
    present: Tensor | None
    weight: Tensor | None
    target: Tensor | None
    groups: Tensor
    slots: Tensor
    belongs: Tensor | None
    scale: Tensor

    def rows(self, template: Tensor) -> RoleTensors:
        """The groups of rows [B] of templates; shared ones stay shared."""
        if len(self.members) == 1:
            return self
        return self._each(lambda t: t[template])

    def to(self, device: torch.device | str) -> RoleTensors:
        """The same on another device."""
        return self._each(lambda t: t.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> RoleTensors:
        return RoleTensors._make(None if t is None else change(t) for t in self)


def stack_roles(
    templates: Sequence[Mapping[str, RoleArrays]], variables: int, size: int, roles: Sequence[str]
) -> dict[str, RoleTensors]:
    """The groups of T templates, padded, for those of ``roles`` that occur: tensors lead with T.

    Args:
        templates: each graph's ``roles``.
        variables, size: V and D of the batch.
        roles: the roles wanted, in this order.
    """
    return {
        role: _stack([arrays.get(role) for arrays in templates], variables * size, size)
        for role in roles
        if any(role in arrays for arrays in templates)
    }


def _stack(parts: Sequence[RoleArrays | None], literals: int, size: int) -> RoleTensors:
    count = max(len(p.variable) for p in parts if p is not None)
    if len(parts) >= MANY_TEMPLATES:
        count = rounded(count)
    arity = max(p.variable.shape[1] for p in parts if p is not None)
    shape = (len(parts), count, arity)
    members = np.full(shape, -1, dtype=np.int64)
    weight = np.ones(shape, dtype=np.float32)
    target = np.zeros((len(parts), count, TARGETS), dtype=np.float32)
    for t, p in enumerate(parts):
        if p is not None:
            r, m = p.variable.shape
            members[t, :r, :m] = np.where(p.variable < 0, -1, p.variable * size + p.value)
            weight[t, :r, :m] = p.weight
            target[t, :r] = p.target
    groups, slots = _memberships(members, literals)
    spare = rounded(groups.shape[2], 2) - groups.shape[2] if len(parts) >= MANY_TEMPLATES else 0
    groups = np.pad(groups, ((0, 0), (0, 0), (0, spare)))
    slots = np.pad(slots, ((0, 0), (0, 0), (0, spare)), constant_values=-1)
    present = members >= 0
    number = (slots >= 0).sum(2, keepdims=True)
    return RoleTensors(
        torch.from_numpy(members.clip(min=0)),
        None if present.all() else torch.from_numpy(present),
        None if (weight == 1).all() else torch.from_numpy(weight),
        None if not target.any() else torch.from_numpy(target),
        torch.from_numpy(groups),
        torch.from_numpy(slots),
        None if (slots >= 0).all() else torch.from_numpy(slots >= 0),
        torch.from_numpy(np.where(number > 0, number.clip(min=1) ** -0.5, 0).astype(np.float32)),
    )


def rounded(number: int, least: int = ROUND) -> int:
    """A number up to the next multiple of ``least``, or of an eighth of the power of two below it if that is more."""
    multiple = max(least, 1 << max(number.bit_length() - 4, 0))
    return -(-number // multiple) * multiple


def _memberships(members: np.ndarray, literals: int) -> tuple[np.ndarray, np.ndarray]:
    """[T, R, M] literal numbers (-1 = padding) -> groups and slots [T, L, C] of each literal."""
    t, r, m = np.nonzero(members >= 0)
    owner = torch.from_numpy(t * literals + members[t, r, m])
    table = by_owner(owner, torch.from_numpy(np.stack((r, m), 1)), len(members) * literals, -1)
    groups, slots = table.view(len(members), literals, -1, 2).unbind(3)
    return groups.clamp(min=0).numpy(), slots.numpy()
