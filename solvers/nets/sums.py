"""Sums over literal groups as products with matrices of zeros and ones, for solving on CPUs with bfloat16 units.

PyTorch's mean over an axis of bfloat16 numbers first writes them as float32. A dense product reads all literals for each
group, of which it needs a few; where the groups are few, it still takes a third of the time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...engine.role_tensors import RoleTensors

MOST_GROUPS = 6
"""Most groups of a matrix, as a multiple of the width of a state: a layer's other products cost about ten."""


VALUES = "values of each variable"
"""The name of the groups of a variable's values, which no role has."""


class Sums(NamedTuple):
    """The groups of one role as matrices; the same for all rows of a batch.

    Args:
        members: [R, L], 1 where a literal is a member of a group.
        number: [R, 1] float32, 1 / the number of members, at least 1.
        groups: [L, R], the transpose of ``members`` with each row divided by the root of its sum.
    """

    members: Tensor
    number: Tensor
    groups: Tensor

    def mean(self, z: Tensor) -> Tensor:
        """[B, L, H] -> [B, R, H] mean over the members of each group.

        Args:
            z: [B, L, H] state of each literal.
        """
        return each_row(self.members, z).mul_(self.number)

    def scatter(self, message: Tensor, to: Tensor) -> Tensor:
        """The sum over the groups of each literal, divided by the root of their number, added to another: [B, L, H].

        Args:
            message: [B, R, H] of each group.
            to: [B, L, H], which is changed.
        """
        return to.baddbmm_(self.groups.expand(len(message), -1, -1), message)


def each_row(matrix: Tensor, x: Tensor) -> Tensor:
    """The product of a matrix with each row: [B, N, H].

    One call for all rows: with a call for each, threads wait for one another B times as often.

    Args:
        matrix: [N, M].
        x: [B, M, H].
    """
    return torch.bmm(matrix.expand(len(x), -1, -1), x)


def sums(r: RoleTensors, literals: int, width: int, dtype: torch.dtype) -> Sums | None:
    """The matrices of a role, or None where products do not pay: other devices and dtypes, several templates, many groups.

    Args:
        r: the groups, of all templates.
        literals: L.
        width: H.
        dtype: of the states.
    """
    templates, count, size = r.members.shape
    if templates > 1 or dtype != torch.bfloat16 or not r.members.is_cpu or count > MOST_GROUPS * width:
        return None
    present = torch.ones(count, size) if r.present is None else r.present[0].float()
    members = torch.zeros(count, literals).scatter_add_(1, r.members[0], present)
    groups = members.t() * r.scale[0]
    number = 1 / members.sum(1, keepdim=True).clamp(min=1)
    return Sums(members.to(dtype), number, groups.to(dtype).contiguous())


def values(variables: int, size: int, dtype: torch.dtype) -> Sums:
    """The matrices of the groups of each variable's values.

    Args:
        variables: V, each with ``size`` values.
        size: D.
        dtype: of the states.
    """
    members = torch.eye(variables, dtype=dtype).repeat_interleave(size, 1)
    return Sums(members, torch.full((variables, 1), 1 / size), members.t().contiguous())
