"""Messages between literals and their groups, with backward passes that only gather.

Autograd's own backward of an indexed read is a scatter with atomic additions: slow on a GPU and, in bfloat16, not
repeatable. A literal knows its groups as a group knows its members (``Role``), so each direction's backward is a read in
the other one's index. The place of a maximum is kept, not found again: compiled code that compares a recomputed float32
with a maximum rounded to bfloat16 finds no place at all, and divides by zero (seen, and costly).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def take(x: Tensor, index: Tensor) -> Tensor:
    """x [B, N, H] at index [1 or B, ...] -> [B, ..., H]."""
    b, n, h = x.shape
    if len(index) == 1:
        return x.index_select(1, index.flatten()).view(b, *index.shape[1:], h)
    offset = torch.arange(b, device=x.device).view(b, *(1,) * (index.dim() - 1)) * n
    return x.reshape(b * n, h).index_select(0, (index + offset).flatten()).view(*index.shape, h)


def _size(present: Tensor | None, members: Tensor) -> Tensor | int:
    """How many members a group has: [T', R, 1], or M where none is padding."""
    return members.shape[2] if present is None else present.sum(2, keepdim=True).clamp(min=1)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        members: Tensor,
        present: Tensor | None,
        groups: Tensor,
        slots: Tensor,
        weight: Tensor | None,
    ) -> tuple[Tensor, ...]:
        read = take(x, members)  # [B, R, M, H]
        size = _size(present, members)
        if present is None:
            top, at = read.max(2)
            mean = read.mean(2)
        else:
            there = present[..., None]
            top, at = read.masked_fill(~there, torch.finfo(x.dtype).min).max(2)
            top = top * there.any(2)
            mean = (read * there).sum(2) / size
        ctx.save_for_backward(members, present, weight, groups, slots, at.to(torch.uint8))
        if weight is None:
            return mean.to(x.dtype), top
        if present is not None:
            weight = weight * present
        return mean.to(x.dtype), top, ((read * weight[..., None]).sum(2) / size).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        members, present, weight, groups, slots, at = ctx.saved_tensors
        mean, top = gradients[0] / _size(present, members), gradients[1]
        there = slots >= 0
        chosen = take(at, groups) == slots[..., None]  # a slot of -1 is nobody's choice
        gradient = (torch.where(there[..., None], take(mean, groups), 0) + take(top, groups) * chosen).sum(2)
        if weight is not None:
            own = _own_weight(weight, groups, slots)
            gradient = gradient + (take(gradients[2] / _size(present, members), groups) * own[..., None]).sum(2)
        return gradient.to(gradients[0].dtype), None, None, None, None, None


class _PoolAxis(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Tensor | None) -> tuple[Tensor, Tensor]:
        if there is None:
            top, at = x.max(2)
            mean = x.mean(2)
        else:
            top, at = x.masked_fill(~there[..., None], torch.finfo(x.dtype).min).max(2)
            mean = (x * there[..., None]).sum(2) / there.sum(2, keepdim=True)
        ctx.save_for_backward(there, at.to(torch.uint8))
        ctx.size = x.shape[2]
        return mean.to(x.dtype), top

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        there, at = ctx.saved_tensors
        mean, top = gradients
        chosen = at[:, :, None] == torch.arange(ctx.size, device=at.device)[:, None]
        if there is None:
            share = (mean / ctx.size)[:, :, None]
        else:
            share = (mean / there.sum(2, keepdim=True))[:, :, None] * there[..., None]
        return (share + top[:, :, None] * chosen).to(mean.dtype), None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        message: Tensor,
        members: Tensor,
        present: Tensor | None,
        groups: Tensor,
        slots: Tensor,
        weight: Tensor | None,
    ) -> Tensor:
        ctx.save_for_backward(members, present, weight, groups, slots)
        share = _share(slots)
        if weight is not None:
            share = share * _own_weight(weight, groups, slots)
        return (take(message, groups) * share[..., None]).sum(2).to(message.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        members, present, weight, _, slots = ctx.saved_tensors
        gradient = gradients[0]
        scaled = gradient * _share(slots).amax(2)[..., None]
        read = take(scaled, members)
        if weight is not None:
            read = read * weight[..., None]
        if present is not None:
            read = read * present[..., None]
        return read.sum(2).to(gradient.dtype), None, None, None, None, None


def _share(slots: Tensor) -> Tensor:
    """[T', L, C]: 1 / sqrt(number of the literal's groups) for each of them, 0 for padding: sums keep their scale."""
    there = slots >= 0
    return there * there.sum(2, keepdim=True).clamp(min=1).rsqrt()


def _own_weight(weight: Tensor, groups: Tensor, slots: Tensor) -> Tensor:
    """[T', L, C]: the weight that a literal has in each of its groups, 0 in padding."""
    lead, _, most = weight.shape
    flat = weight.reshape(lead, -1).gather(1, (groups * most + slots.clamp(min=0)).flatten(1))
    return flat.view(groups.shape) * (slots >= 0)


Operation = Callable[..., Any]

pool_axis: Operation = _PoolAxis.apply
"""x [B, V, D, H] and which of D are there ([T', V, D] bool or None for all) -> mean and maximum over D: [B, V, H] each."""

pool: Operation = _Pool.apply
"""x [B, L, H] and a role's tensors -> mean and maximum over each group's members, and their weighted mean where members
have weights: two or three tensors [B, R, H]."""

spread: Operation = _Spread.apply
"""A message for each group [B, R, H] and a role's tensors -> [B, L, H]: each literal's sum over its groups, divided by the
root of their number; times the literal's own weight in the group where ``weight`` is given."""
