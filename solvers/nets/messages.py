"""Messages between literals and their groups, with backward passes that only gather.

Autograd's backward of an indexed read is a scatter with atomic additions: slow on a GPU and, in bfloat16, not repeatable.
``RoleTensors`` has both indices, the members of each group and the groups of each literal, so the backward pass of each
direction is a read through the other index. Where a gradient is differentiated itself (``ebt``), the backward passes are
operations of their own, whose backward passes gather too.

Shapes: B rows, L = V * D literals, H numbers each, R groups of M members, C groups of a literal; T' is B, or 1 where all rows
share a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ...engine.role_tensors import RoleTensors

_traced = False  # global, not per thread: autograd runs backward passes of GPU tensors in another thread


@contextmanager
def unrolling() -> Iterator[None]:
    """In this context operations take the form for compiled code, also where PyTorch does not report compiling."""
    global _traced
    before, _traced = _traced, True
    try:
        yield
    finally:
        _traced = before


def _compiled() -> bool:
    return _traced or torch.compiler.is_compiling()


def take(x: Tensor, index: Tensor) -> Tensor:
    """Rows of x by index: [B, ..., H].

    Args:
        x: [B, N, H].
        index: [1 or B, ...] int64, positions in N.
    """
    b, n, h = x.shape
    if len(index) == 1:
        return x.index_select(1, index.flatten()).view(b, *index.shape[1:], h)
    if _compiled():  # a flat index would cost a division for each number read
        return x[torch.arange(b, device=x.device).view(b, *(1,) * (index.dim() - 1)), index]
    offset = torch.arange(b, device=x.device).view(b, *(1,) * (index.dim() - 1)) * n
    return x.reshape(b * n, h).index_select(0, (index + offset).flatten()).view(*index.shape, h)


UNROLLED = 16
"""Most members of a group that compiled code reads one by one."""
SHORT, LONG = 4, 512
"""Most members of a group, and fewest of all groups, where a sum on a CPU reads the members one by one."""


def _unroll(count: int) -> bool:
    # Unrolled, a pooling is one pass over its output. A compiled reduction over an axis of nine is ten times slower.
    return _compiled() and count <= UNROLLED


def _mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """[B, R, M, H] -> [B, R, H] mean over the members in the mask [T', R, M]."""
    if mask is None:
        return x.mean(2)
    return (x * mask[..., None]).sum(2) / _number(mask).to(x.dtype)


def _number(mask: Tensor) -> Tensor:
    """[T', R, M] -> [T', R, 1] number of members in the mask, at least 1."""
    return mask.sum(2, keepdim=True).clamp(min=1)


def _top(x: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor]:
    """The maximum over members [B, R, H], and its index [B, R, H] uint8 if ``wanted``: it costs twice the maximum."""
    if mask is not None:
        x = x.masked_fill(~mask[..., None], torch.finfo(x.dtype).min)
    if not wanted:
        return x.amax(2), x.new_empty(0)
    # The index is kept for the backward pass. Compiled code that finds it again compares a recomputed float32 with a maximum
    # rounded to bfloat16, finds no member, and divides by zero.
    top, at = x.max(2)
    return top, at.to(torch.uint8)


def _mean_and_top(members: Sequence[Tensor], mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor, Tensor]:
    """``_mean`` and ``_top`` of members given one by one, M times [B, R, H]."""
    total: Tensor | None = None
    top, at = members[0], torch.zeros_like(members[0], dtype=torch.uint8)
    for m, x in enumerate(members):
        if mask is not None:
            here = mask[:, :, m, None]
            inside, x = x * here, x.masked_fill(~here, torch.finfo(x.dtype).min)
        else:
            inside = x
        total = inside if total is None else total + inside
        if m:
            at = torch.where(x > top, m, at)
            top = torch.maximum(x, top)
        else:
            top = x
    assert total is not None
    count = len(members) if mask is None else _number(mask).to(total.dtype)
    return total / count, top, at if wanted else top.new_empty(0)


def _shared(gradient: Tensor, mask: Tensor | None, size: int) -> Tensor:
    """The gradient of a mean with respect to one member, [B, R, H]."""
    return gradient / (size if mask is None else _number(mask).to(gradient.dtype))


def _sum(x: Tensor, index: Tensor, factor: Tensor | None) -> Tensor:
    """x [B, N, H] read at index [T', R, M], times factors [T', R, M], summed over M: [B, R, H]."""
    if not _unroll(index.shape[2]):
        if x.is_cpu and factor is None and index.shape[2] <= SHORT and index[0].numel() >= LONG:
            return torch.stack([_sum_row(row, index[b % len(index)]) for b, row in enumerate(x)])
        read = take(x, index)
        return (read if factor is None else read * factor[..., None].to(x.dtype)).sum(2)
    terms = (take(x, index[:, :, m]) for m in range(index.shape[2]))
    if factor is not None:
        terms = (term * factor[:, :, m, None].to(x.dtype) for m, term in enumerate(terms))
    return reduce(torch.add, terms)


def _sum_row(x: Tensor, index: Tensor) -> Tensor:
    """``_sum`` of a row [N, H] at index [R, M], for a small M: [R, H]. It adds in float32, as PyTorch's sum does."""
    # A sum over a short axis takes two to three times as long. All rows at once leave the caches.
    wide = x.float()
    total = wide.index_select(0, index[:, 0])
    for m in range(1, index.shape[1]):
        total = total + wide.index_select(0, index[:, m])
    return total.to(x.dtype)


class _PoolAxis(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        wanted = ctx.needs_input_grad[0]
        if _unroll(x.shape[2]):
            mean, top, at = _mean_and_top(x.unbind(2), mask, wanted)
        else:
            mean, (top, at) = _mean(x, mask), _top(x, mask, wanted)
        ctx.save_for_backward(mask, at)
        ctx.size = x.shape[2]
        return mean, top

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        mask, at = ctx.saved_tensors
        mean, top = gradients
        chosen = at[:, :, None] == torch.arange(ctx.size, device=at.device)[:, None]
        share = _shared(mean, mask, ctx.size)[:, :, None]
        if mask is not None:
            share = share * mask[..., None]
        return share + top[:, :, None] * chosen, None


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, r: RoleTensors, weight: Tensor | None) -> tuple[Tensor, ...]:
        wanted, size = ctx.needs_input_grad[0], r.members.shape[2]
        if _unroll(size):
            members = [take(x, r.members[:, :, m]) for m in range(size)]
            mean, top, at = _mean_and_top(members, r.present, wanted)
        else:
            read = take(x, r.members)  # [B, R, M, H]
            mean, (top, at) = _mean(read, r.present), _top(read, r.present, wanted)
        if r.present is not None:
            top = top * r.present.any(2, keepdim=True)
        ctx.r, ctx.size = r, size
        ctx.save_for_backward(at, weight)
        if weight is None:
            return mean, top
        return mean, top, _shared(_sum(x, r.members, _both(weight, r.present)), r.present, size)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        at, weight = ctx.saved_tensors
        weighted = None if weight is None else gradients[2]
        back = _PoolBack.apply if _again() else _pool_back
        return back(gradients[0], gradients[1], weighted, at, ctx.r, weight, ctx.size), None, None


def _again() -> bool:
    """Whether the backward pass that runs will be differentiated itself. Compiled code has no such gradients."""
    return torch.is_grad_enabled() and not torch.compiler.is_compiling()


def _pool_back(
    mean: Tensor, top: Tensor, weighted: Tensor | None, at: Tensor, r: RoleTensors, weight: Tensor | None, size: int
) -> Tensor:
    """The gradient of ``pool`` with respect to x, [B, L, H], from the gradients of its results, [B, R, H] each."""
    gradient = _sum(_shared(mean, r.present, size), r.groups, r.belongs) + _chosen(top, at, r)
    if weight is None or weighted is None:
        return gradient
    return gradient + _sum(_shared(weighted, r.present, size), r.groups, _own(weight, r))


class _PoolBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        _, _, weighted, at, ctx.r, weight, ctx.size = arguments
        ctx.weighted = weighted is not None
        ctx.save_for_backward(at, weight)
        return _pool_back(*arguments)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """``pool`` of the gradient, with the indices of the maxima of the first forward pass."""
        r: RoleTensors = ctx.r
        at, weight = ctx.saved_tensors
        size = r.members.shape[2]
        if _unroll(size):
            members = [take(gradients[0], r.members[:, :, m]) for m in range(size)]
            mean, _, _ = _mean_and_top(members, r.present, wanted=False)
            top = reduce(torch.add, (x * (at == m) for m, x in enumerate(members)))
        else:
            read = take(gradients[0], r.members)
            mean, top = _mean(read, r.present), read.gather(2, at.long()[:, :, None])[:, :, 0]
        if r.present is not None:
            top = top * r.present.any(2, keepdim=True)
        third = None
        if ctx.weighted:
            third = _shared(_sum(gradients[0], r.members, _both(weight, r.present)), r.present, ctx.size)
        return mean, top, third, None, None, None, None


def _chosen(top: Tensor, at: Tensor, r: RoleTensors) -> Tensor:
    """The gradient of the maxima [B, R, H], at member ``at`` of each group, as [B, L, H]."""
    # Padding has slot -1, which equals no index.
    if not _unroll(r.groups.shape[2]):
        return (take(top, r.groups) * (take(at, r.groups) == r.slots[..., None])).sum(2)
    each = (
        take(top, group) * (take(at, group) == slot[..., None])
        for group, slot in zip(r.groups.unbind(2), r.slots.unbind(2), strict=True)
    )
    return reduce(torch.add, each)


class _Scatter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, message: Tensor, r: RoleTensors, weight: Tensor | None) -> Tensor:
        ctx.r = r
        ctx.save_for_backward(weight)
        own = r.belongs if weight is None else _own(weight, r)
        return _sum(message, r.groups, own) * r.scale.to(message.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        back = _Collect.apply if _again() else _collect
        return back(gradients[0], ctx.r, weight), None, None


def _collect(x: Tensor, r: RoleTensors, weight: Tensor | None) -> Tensor:
    """The transpose of ``scatter``, [B, L, H] -> [B, R, H]."""
    return _sum(x * r.scale.to(x.dtype), r.members, _both(weight, r.present))


class _Collect(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, r: RoleTensors, weight: Tensor | None) -> Tensor:
        ctx.r = r
        ctx.save_for_backward(weight)
        return _collect(x, r, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        return scatter(gradients[0], ctx.r, weight), None, None


def _both(weight: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """[T', R, M] weights of the members, 0 outside the mask; None for equal weights without a mask."""
    if weight is None or mask is None:
        return mask if weight is None else weight
    return weight * mask


def _own(weight: Tensor, r: RoleTensors) -> Tensor:
    """[T', L, C] the weight of a literal in each of its groups, 0 in padding."""
    lead, _, most = weight.shape
    flat = weight.reshape(lead, -1).gather(1, (r.groups * most + r.slots.clamp(min=0)).flatten(1))
    return flat.view(r.groups.shape) * (r.slots >= 0)


_plain = False


@contextmanager
def forward_mode() -> Iterator[None]:
    """In this context operations consist of PyTorch's own, which ``torch.func.jvp`` can differentiate."""
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


class _Unsaved:
    """The context of an autograd function that is called without a backward pass: it saves nothing."""

    needs_input_grad = (False,)

    def save_for_backward(self, *tensors: Any) -> None:
        """Save nothing.

        Args:
            tensors: ignored.
        """


def _call(function: Any, *arguments: Any) -> Any:
    return function.forward(_Unsaved(), *arguments) if _plain else function.apply(*arguments)


def pool_axis(x: Tensor, mask: Tensor | None) -> Any:
    """Mean and maximum over D, [B, V, H] each.

    Args:
        x: [B, V, D, H].
        mask: [T', V, D] bool, or None for all.
    """
    return _call(_PoolAxis, x, mask)


def pool(x: Tensor, role: RoleTensors, weight: Tensor | None) -> Any:
    """Mean and maximum over the members of each group, and their weighted mean if weights are given.

    Args:
        x: [B, L, H].
        role: the groups.
        weight: [T', R, M] or None.

    Returns:
        Two or three tensors [B, R, H].
    """
    return _call(_Pool, x, role, weight)


def top(x: Tensor, role: RoleTensors) -> Tensor:
    """The maximum over the members of each group, [B, L, H] -> [B, R, H], without a gradient; 0 for an empty group.

    Args:
        x: [B, L, H].
        role: the groups.
    """
    found, _ = _top(take(x, role.members), role.present, False)
    return found if role.present is None else found * role.present.any(2, keepdim=True)


def scatter(message: Tensor, role: RoleTensors, weight: Tensor | None) -> Any:
    """The sum [B, L, H] over the groups of each literal, divided by the root of their number.

    Args:
        message: [B, R, H].
        role: the groups.
        weight: [T', R, M] or None; it multiplies each message by the literal's weight in the group.
    """
    return _call(_Scatter, message, role, weight)
