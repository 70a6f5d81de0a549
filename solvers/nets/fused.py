"""The second half of a layer (SwiGLU, residual, norm) in one GPU kernel, for solving.

The inner numbers of the SwiGLU stay on the chip. Unfused, a lattice of width 128 writes and reads 2 x 384 inner numbers for each
literal, six times its state, which takes longer than the arithmetic. Training, other dtypes, other widths and CPUs use
PyTorch's operations.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .layers import EPS

try:
    import triton
    import triton.language as tl
except ImportError:  # CPU builds of PyTorch lack it
    triton = None

ROWS, INNER = 64, 64
"""Rows of a program, and inner numbers that it holds at a time: the fastest of the sizes tried on an H100."""


def fits(x: Tensor, up: Tensor, down: Tensor) -> bool:
    """Whether the kernel can compute the layer: bfloat16 on a GPU, no gradient required, and sizes that fit the tiles.

    Args:
        x: [..., H] states.
        up: [2 I, H] weights of gate and up, in this order.
        down: [H, I] weights.
    """
    width, inner = down.shape
    return (
        triton is not None
        and x.is_cuda
        and x.dtype == up.dtype == down.dtype == torch.bfloat16
        and not torch.is_grad_enabled()
        and width in (32, 64, 128)
        and inner % INNER == 0
    )


def residual_swiglu(x: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """rms_norm(x + down(silu(gate(x)) * up(x))) over the last axis: [..., H] -> [..., H].

    Args:
        x: [..., H] bfloat16 states.
        up: [2 I, H] weights of gate and up, in this order.
        down: [H, I] weights.
    """
    x = x.contiguous()
    out = torch.empty_like(x)
    width, inner = down.shape
    count = x.numel() // width
    _kernel[(triton.cdiv(count, ROWS),)](
        x, up, down, out, count, EPS, width, inner, ROWS, INNER, num_warps=4, num_stages=2
    )
    return out


if triton is not None:

    @triton.jit  # type: ignore[untyped-decorator]
    def _kernel(  # type: ignore[no-untyped-def]
        x_at, up_at, down_at, out_at, count, eps, H: tl.constexpr, I: tl.constexpr, M: tl.constexpr, K: tl.constexpr
    ):
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
            active = (gate * tl.sigmoid(gate) * up).to(tl.bfloat16)
            total += tl.dot(active, tl.load(down_at + columns[None, :] * I + inner[:, None]))
        scale = tl.rsqrt(tl.sum(total * total, 1) / H + eps)
        tl.store(out_at + at, (total * scale[:, None]).to(tl.bfloat16), mask=mask)
