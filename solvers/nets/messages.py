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

from ...engine.groups import Role


def take(x: Tensor, index: Tensor) -> Tensor:
    """x [B, N, H] at index [1 or B, ...] -> [B, ..., H]."""
    b, n, h = x.shape
    if len(index) == 1:
        return x.index_select(1, index.flatten()).view(b, *index.shape[1:], h)
    offset = torch.arange(b, device=x.device).view(b, *(1,) * (index.dim() - 1)) * n
    return x.reshape(b * n, h).index_select(0, (index + offset).flatten()).view(*index.shape, h)


def _mean(x: Tensor, there: Tensor | None) -> Tensor:
    """[B, R, M, H] -> [B, R, H], over the members that are there."""
    if there is None:
        return x.mean(2)
    return (x * there[..., None]).sum(2) / there.sum(2, keepdim=True).clamp(min=1).to(x.dtype)


def _top(x: Tensor, there: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor]:
    """The maximum over members, [B, R, H], and its place (where it is wanted: it costs twice the maximum)."""
    if there is not None:
        x = x.masked_fill(~there[..., None], torch.finfo(x.dtype).min)
    if not wanted:
        return x.amax(2), x.new_empty(0)
    top, at = x.max(2)
    return top, at.to(torch.uint8)


def _shared(gradient: Tensor, there: Tensor | None, size: int) -> Tensor:
    """A mean's gradient as each member's share: [B, R, H]."""
    return gradient / (size if there is None else there.sum(2, keepdim=True).clamp(min=1).to(gradient.dtype))


class _PoolAxis(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Tensor | None) -> tuple[Tensor, Tensor]:
        top, at = _top(x, there, ctx.needs_input_grad[0])
        ctx.save_for_backward(there, at)
        ctx.size = x.shape[2]
        return _mean(x, there), top

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        there, at = ctx.saved_tensors
        mean, top = gradients
        chosen = at[:, :, None] == torch.arange(ctx.size, device=at.device)[:, None]
        share = _shared(mean, there, ctx.size)[:, :, None]
        if there is not None:
            share = share * there[..., None]
        return share + top[:, :, None] * chosen, None


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, r: Role, weight: Tensor | None) -> tuple[Tensor, ...]:
        read = take(x, r.members)  # [B, R, M, H]
        top, at = _top(read, r.present, ctx.needs_input_grad[0])
        if r.present is not None:
            top = top * r.present.any(2, keepdim=True)
        ctx.r, ctx.size = r, read.shape[2]
        ctx.save_for_backward(at, weight)
        if weight is None:
            return _mean(read, r.present), top
        return _mean(read, r.present), top, _mean(read * weight[..., None].to(x.dtype), r.present)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        r: Role = ctx.r
        at, weight = ctx.saved_tensors
        mean, top = _shared(gradients[0], r.present, ctx.size), gradients[1]
        chosen = take(at, r.groups) == r.slots[..., None]  # a slot of -1 is nobody's choice
        gradient = (_of_groups(mean, r) + take(top, r.groups) * chosen).sum(2)
        if weight is not None:
            own = _own(weight, r)[..., None].to(gradient.dtype)
            gradient = gradient + (take(_shared(gradients[2], r.present, ctx.size), r.groups) * own).sum(2)
        return gradient, None, None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, message: Tensor, r: Role, weight: Tensor | None) -> Tensor:
        ctx.r = r
        ctx.save_for_backward(weight)
        if weight is None:
            read = _of_groups(message, r)
        else:
            read = take(message, r.groups) * _own(weight, r)[..., None].to(message.dtype)
        return read.sum(2) * r.scale.to(message.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        r: Role = ctx.r
        (weight,) = ctx.saved_tensors
        read = take(gradients[0] * r.scale.to(gradients[0].dtype), r.members)
        if weight is not None:
            read = read * weight[..., None].to(read.dtype)
        if r.present is not None:
            read = read * r.present[..., None]
        return read.sum(2), None, None


def _of_groups(message: Tensor, r: Role) -> Tensor:
    """What each literal's groups say to it, [B, L, C, H]; nothing in padding."""
    read = take(message, r.groups)
    return read if r.belongs is None else read * r.belongs[..., None]


def _own(weight: Tensor, r: Role) -> Tensor:
    """[T', L, C]: the weight that a literal has in each of its groups, 0 in padding."""
    lead, _, most = weight.shape
    flat = weight.reshape(lead, -1).gather(1, (r.groups * most + r.slots.clamp(min=0)).flatten(1))
    return flat.view(r.groups.shape) * (r.slots >= 0)


Operation = Callable[..., Any]

pool_axis: Operation = _PoolAxis.apply
"""x [B, V, D, H] and which of D are there ([T', V, D] bool or None for all) -> mean and maximum over D: [B, V, H] each."""

pool: Operation = _Pool.apply
"""x [B, L, H], a role and the members' weights [T', R, M] or None -> mean and maximum over each group's members, and their
weighted mean where they have weights: two or three tensors [B, R, H]."""

spread: Operation = _Spread.apply
"""A message for each group [B, R, H], a role and the members' weights or None -> [B, L, H]: each literal's sum over its
groups, times its own weight in each where there are weights, divided by the root of their number."""
