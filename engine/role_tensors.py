"""The literal groups of a batch, as tensors: the bipartite graph along which a lattice network passes messages.

``role_arrays`` has the groups of one graph. This module stacks and pads those of several templates, one stack for each
role, and adds
the reverse direction: the groups of each literal. Literals of a template are numbered ``v * D + d``, groups of a
role from zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .role_arrays import TARGETS, RoleArrays
from .shapes import Int
from .tables import by_owner

MANY_TEMPLATES = 16
"""A batch of at least this many templates is padded to round sizes. Later batches then have the same sizes, and
compiled code is used again."""
ROUND = 32
"""The multiple to which variables and groups are padded."""


class RoleTensors(NamedTuple):
    """The groups of one role: R groups of M members, and L = V * D literals in C groups each, padded.

    The leading axis T' is 1 where all rows share a template, T before ``rows`` and B after it.

    Args:
        members: [T', R, M] int64 literal numbers, 0 in padding.
        present: [T', R, M] bool, False in padding; None without padding.
        weight: [T', R, M] float32; None where all members count alike.
        target: [T', R, TARGETS] float32; None where no group of the role has a target.
        groups: [T', L, C] int64, the groups that contain a literal, 0 in padding.
        slots: [T', L, C] int64, the position of the literal in that group, -1 in padding.
        belongs: [T', L, C] bool, False in padding; None without padding.
        scale: [T', L, 1] float32, 1 / sqrt(number of groups of a literal): sums over them keep their magnitude; 0
            without groups.
    """

    members: Tensor
    present: Tensor | None
    weight: Tensor | None
    target: Tensor | None
    groups: Tensor
    slots: Tensor
    belongs: Tensor | None
    scale: Tensor

    def rows(self, template: Int[Tensor, " rows"]) -> RoleTensors:
        """The groups of each row of a batch.

        Args:
            template: [B] int64, the template of each row.

        Returns:
            Tensors that lead with B, or these ones where all rows share a template.
        """
        if len(self.members) == 1:
            return self
        return self._each(lambda t: t[template])

    def to(self, device: torch.device | str) -> RoleTensors:
        """The same groups on another device."""
        return self._each(lambda t: t.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> RoleTensors:
        return RoleTensors._make(None if t is None else change(t) for t in self)


def stack_roles(
    templates: Sequence[Mapping[str, RoleArrays]], variables: int, size: int, roles: Sequence[str]
) -> dict[str, RoleTensors]:
    """The groups of T templates, stacked and padded.

    Args:
        templates: ``ConstraintGraph.roles`` of each template.
        variables: V of the batch.
        size: D of the batch.
        roles: the roles to stack, in this order.

    Returns:
        Role -> tensors that lead with T, for those of ``roles`` that occur in a template.
    """
    return {
        role: _stack([arrays.get(role) for arrays in templates], variables * size, size)
        for role in roles
        if any(role in arrays for arrays in templates)
    }


def _stack(parts: Sequence[RoleArrays | None], literals: int, size: int) -> RoleTensors:
    """One role of all templates; ``parts`` has None for a template without it."""
    count = max(len(p.variable) for p in parts if p is not None)
    if len(parts) >= MANY_TEMPLATES:
        count = rounded(count)  # a new size costs a compilation of 23 s and more
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
    # None in place of a mask without padding, or of weights of 1: layers then skip an operation over all members.
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
    """A size to pad to: few different sizes occur, and none is more than an eighth too large, beyond ``least``.

    Args:
        number: the size needed.
        least: the smallest multiple to round up to. Larger sizes use an eighth of the power of two below them.
    """
    multiple = max(least, 1 << max(number.bit_length() - 4, 0))
    return -(-number // multiple) * multiple


def _memberships(members: np.ndarray, literals: int) -> tuple[np.ndarray, np.ndarray]:
    """The groups and slots of each literal, [T, L, C], from the literal numbers of groups [T, R, M], -1 in padding."""
    # Backward passes read along this direction: gathering avoids atomic additions, which are slow and not repeatable.
    t, r, m = np.nonzero(members >= 0)
    owner = torch.from_numpy(t * literals + members[t, r, m])
    table = by_owner(owner, torch.from_numpy(np.stack((r, m), 1)), len(members) * literals, -1)
    groups, slots = table.view(len(members), literals, -1, 2).unbind(3)
    return groups.clamp(min=0).numpy(), slots.numpy()
