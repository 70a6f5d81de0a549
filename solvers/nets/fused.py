"""The second half of a layer (SwiGLU, residual, norm) in one GPU kernel.

The inner numbers of the SwiGLU stay on the chip. Unfused, a lattice of width 128 writes and reads 2 x 384 inner numbers for each
literal, six times its state, which takes longer than the arithmetic. The backward pass computes them again and writes them
once, for the gradients of the weights. Other dtypes, other widths and CPUs use PyTorch's operations.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .gated import large
from .layers import EPS

try:
    import triton
    import triton.language as tl
except ImportError:  # CPU builds of PyTorch lack it
    triton = None

TILE: tuple[int, int, int, int] = (64, 64, 4, 2)
"""Rows of a program, inner numbers that it holds at a time, warps, stages: the fastest of the sizes tried on an H100."""
TRAINED_TILE: tuple[int, int, int, int] = (64, 32, 4, 3)
"""The same in training, on an H200."""
BACK_TILE: tuple[int, int, int, int] = (64, 32, 4, 2)
"""The same of the backward pass."""


def fits(x: Tensor, up: Tensor, down: Tensor) -> bool:
    """Whether the kernel can compute the layer: bfloat16 on a GPU, no gradient required, and sizes that fit the tiles.

    Args:
        x: [..., H] states.
        up: [2 I, H] weights of gate and up, in this order.
        down: [H, I] weights.
    """
    same = x.dtype == up.dtype == down.dtype == torch.bfloat16
    return same and not torch.is_grad_enabled() and _readable(x, down)


def trainable(x: Tensor, down: Tensor) -> bool:
    """Whether the kernels can compute the layer and its gradient: bfloat16 states on a GPU, sizes that fit the tiles.

    Args:
        x: [..., H] states.
        down: [H, I] weights of any dtype.
    """
    return _readable(x, down) and large()


def _readable(x: Tensor, down: Tensor) -> bool:
    width, inner = down.shape
    sizes = width in (32, 64, 128) and inner % 64 == 0
    return triton is not None and x.is_cuda and x.dtype == torch.bfloat16 and sizes


def residual_swiglu(x: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """rms_norm(x + down(silu(gate(x)) * up(x))) over the last axis: [..., H] -> [..., H].

    Args:
        x: [..., H] bfloat16 states.
        up: [2 I, H] weights of gate and up, in this order.
        down: [H, I] weights.
    """
    return _run(x, up, down)[0]


def trained_residual_swiglu(x: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """``residual_swiglu`` with a backward pass, which has no backward pass of its own.

    Args:
        x: [..., H] bfloat16 states.
        up: [2 I, H] weights of gate and up, in this order, of any dtype.
        down: [H, I] weights.
    """
    return _trained(x, up.to(x.dtype), down.to(x.dtype))[0]  # type: ignore[no-any-return]


def _run(x: Tensor, up: Tensor, down: Tensor, scales: bool = False) -> tuple[Tensor, Tensor]:
    """The result [..., H], and the norm's factor of each state [...] if ``scales``."""
    x = x.contiguous()
    out = torch.empty_like(x)
    width, inner = down.shape
    count = x.numel() // width
    scale = x.new_empty(x.shape[:-1] if scales else 0, dtype=torch.float32)
    rows, block, warps, stages = TRAINED_TILE if scales else TILE
    _kernel[(triton.cdiv(count, rows),)](
        x, up, down, out, scale, count, EPS, scales, width, inner, rows, block,
        num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return out, scale


if triton is not None:

    @triton.jit  # type: ignore[untyped-decorator]
    def _kernel(  # type: ignore[no-untyped-def]
        x_at, up_at, down_at, out_at, scale_at, count, eps, scales: tl.constexpr, H: tl.constexpr, I: tl.constexpr,
        M: tl.constexpr, K: tl.constexpr,
    ):  # fmt: skip
        rows = tl.program_id(0) * M + tl.arange(0, M)
        columns = tl.arange(0, H)
        mask = rows[:, None] < count
        at = rows.to(tl.int64)[:, None] * H + columns[None, :]
        x = tl.load(x_at + at, mask=mask, other=0.0)
        total = x.to(tl.float32)
        for first in range(0, I, K):
            inner = first + tl.arange(0, K)
            weight = inner[None, :] * H + columns[:, None]
            gate = tl.dot(x, tl.load(up_at + weight))
            up = tl.dot(x, tl.load(up_at + I * H + weight))
            active = (gate * tl.sigmoid(gate) * up).to(x_at.dtype.element_ty)
            total += tl.dot(active, tl.load(down_at + columns[None, :] * I + inner[:, None]))
        scale = tl.rsqrt(tl.sum(total * total, 1) / H + eps)
        tl.store(out_at + at, (total * scale[:, None]).to(out_at.dtype.element_ty), mask=mask)
        if scales:
            tl.store(scale_at + rows, scale, mask=rows < count)

    @triton.jit  # type: ignore[untyped-decorator]
    def _back_kernel(  # type: ignore[no-untyped-def]
        x_at, out_at, scale_at, dy_at, up_at, down_at, dx_at, dt_at, between_at, active_at, count, H: tl.constexpr,
        I: tl.constexpr, M: tl.constexpr, K: tl.constexpr,
    ):  # fmt: skip
        rows = tl.program_id(0) * M + tl.arange(0, M)
        columns = tl.arange(0, H)
        there = rows < count
        mask = there[:, None]
        wide = rows.to(tl.int64)[:, None]
        at = wide * H + columns[None, :]
        x = tl.load(x_at + at, mask=mask, other=0.0)
        out = tl.load(out_at + at, mask=mask, other=0.0).to(tl.float32)
        dy = tl.load(dy_at + at, mask=mask, other=0.0).to(tl.float32)
        # Of the norm: y = s t with s of t gives dt = s (dy - y mean(y dy)).
        total = tl.load(scale_at + rows, mask=there, other=0.0)[:, None] * (
            dy - out * (tl.sum(dy * out, 1) / H)[:, None]
        )
        dt = total.to(dx_at.dtype.element_ty)
        tl.store(dt_at + at, dt, mask=mask)
        for first in range(0, I, K):
            inner = first + tl.arange(0, K)
            weight = inner[None, :] * H + columns[:, None]
            g, u = tl.load(up_at + weight), tl.load(up_at + I * H + weight)
            gate, up = tl.dot(x, g), tl.dot(x, u)
            back = tl.dot(dt, tl.load(down_at + columns[:, None] * I + inner[None, :]))
            share = tl.sigmoid(gate)
            swish = gate * share
            d_up = (back * swish).to(dx_at.dtype.element_ty)
            d_gate = (back * up * (share + swish * (1 - share))).to(dx_at.dtype.element_ty)
            to = wide * (2 * I) + inner[None, :]
            tl.store(between_at + to, d_gate, mask=mask)
            tl.store(between_at + I + to, d_up, mask=mask)
            tl.store(active_at + wide * I + inner[None, :], (swish * up).to(dx_at.dtype.element_ty), mask=mask)
            total = tl.dot(d_up, tl.trans(u), tl.dot(d_gate, tl.trans(g), total))
        tl.store(dx_at + at, total.to(dx_at.dtype.element_ty), mask=mask)

    # Operators of PyTorch, so that its compiler takes them as they are.

    @torch.library.custom_op("mull::residual_swiglu", mutates_args=())
    def _trained(x: Tensor, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
        return _run(x, up.contiguous(), down.contiguous(), scales=True)

    @_trained.register_fake
    def _(x: Tensor, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
        return x.new_empty(x.shape), x.new_empty(x.shape[:-1], dtype=torch.float32)

    @torch.library.custom_op("mull::residual_swiglu_back", mutates_args=())
    def _back(
        dy: Tensor, x: Tensor, up: Tensor, down: Tensor, out: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        dy, x, up, down = dy.contiguous(), x.contiguous(), up.contiguous(), down.contiguous()
        width, inner = down.shape
        count = x.numel() // width
        dx, dt = torch.empty_like(x), x.new_empty(count, width)
        between, active = x.new_empty(count, 2 * inner), x.new_empty(count, inner)
        rows, block, warps, stages = BACK_TILE
        _back_kernel[(triton.cdiv(count, rows),)](
            x, out, scale, dy, up, down, dx, dt, between, active, count, width, inner, rows, block,
            num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return dx, dt, between, active

    @_back.register_fake
    def _(
        dy: Tensor, x: Tensor, up: Tensor, down: Tensor, out: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        width, inner = down.shape
        count = x.numel() // width
        return (
            x.new_empty(x.shape), x.new_empty(count, width), x.new_empty(count, 2 * inner), x.new_empty(count, inner),
        )  # fmt: skip

    def _keep(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs, *output)

    def _gradients(ctx: Any, dy: Tensor, _: Any) -> tuple[Tensor, Tensor, Tensor]:
        x, up, down, out, scale = ctx.saved_tensors
        dx, dt, between, active = _back(dy, x, up, down, out, scale)
        return dx, between.t() @ x.reshape(dt.shape), dt.t() @ active

    _trained.register_autograd(_gradients, setup_context=_keep)
