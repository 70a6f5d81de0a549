"""silu(gate(x)) * up(x) in one GPU kernel: the product writes the inner numbers of a SwiGLU, and no gate.

PyTorch writes gate and up, twice the inner numbers, and reads them again. For passes without a gradient: a backward pass needs
gate and up.
"""

from __future__ import annotations

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:  # CPU builds of PyTorch lack it
    triton = None

TILE: tuple[int, int, int, int, int] = (128, 128, 64, 8, 3)
"""Rows, inner numbers, numbers of a state that are read at a time, warps and stages of a program."""
GROUP = 8
"""Tiles of rows that share the weights which are in the cache."""


def fits(x: Tensor, up: Tensor) -> bool:
    """Whether the kernel can compute the product: bfloat16 on a GPU, no gradient required, and sizes that fit the tiles.

    Args:
        x: [..., H] states.
        up: [2 I, H] weights of gate and up.
    """
    return (
        triton is not None
        and x.is_cuda
        and x.dtype == torch.bfloat16
        and not torch.is_grad_enabled()
        and up.shape[1] % 64 == 0
        and up.shape[0] % 256 == 0
    )


def gated(x: Tensor, up: Tensor, eight: bool = False) -> Tensor:
    """silu(gate(x)) * up(x): [..., H] -> [..., I], without a backward pass.

    Args:
        x: [..., H] bfloat16 states.
        up: [2 I, H] bfloat16 weights of gate and up, in this order.
        eight: whether the factors are rounded to 8 bits (e4m3, the weights scaled to its range). The states are the
            output of a norm, and need no scale.
    """
    x = x.contiguous()
    inner, width = up.shape[0] // 2, up.shape[1]
    count = x.numel() // width
    scale = up.new_ones((), dtype=torch.float32)
    if eight:
        scale = up.abs().amax().float() / 448
        up = (up.float() / scale).to(torch.float8_e4m3fn)
    out = x.new_empty(*x.shape[:-1], inner)
    rows, columns, depth, warps, stages = TILE
    _kernel[(triton.cdiv(count, rows) * (inner // columns),)](
        x, up.contiguous(), scale, out, count, eight, width, inner, rows, columns, depth, GROUP,
        num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return out


if triton is not None:

    @triton.jit  # type: ignore[untyped-decorator]
    def _kernel(  # type: ignore[no-untyped-def]
        x_at, up_at, scale_at, out_at, count, eight: tl.constexpr, H: tl.constexpr, I: tl.constexpr, M: tl.constexpr,
        N: tl.constexpr, K: tl.constexpr, G: tl.constexpr,
    ):  # fmt: skip
        program = tl.program_id(0)
        down, across = tl.cdiv(count, M), I // N
        group = program // (G * across)
        height = min(down - group * G, G)
        m = group * G + program % (G * across) % height
        n = program % (G * across) // height
        rows, columns = m * M + tl.arange(0, M), n * N + tl.arange(0, N)
        depth = tl.arange(0, K)
        there = rows < count
        x = x_at + rows.to(tl.int64)[:, None] * H + depth[None, :]
        w = up_at + columns[None, :] * H + depth[:, None]
        gate = tl.zeros((M, N), tl.float32)
        up = tl.zeros((M, N), tl.float32)
        for k in range(0, H, K):
            read = tl.load(x + k, mask=there[:, None], other=0.0)
            if eight:
                read = read.to(tl.float8e4nv)
            gate = tl.dot(read, tl.load(w + k), gate)
            up = tl.dot(read, tl.load(w + k + I * H), up)
        if eight:
            scale = tl.load(scale_at)
            gate, up = gate * scale, up * scale
        active = (gate * tl.sigmoid(gate) * up).to(out_at.dtype.element_ty)
        tl.store(out_at + rows.to(tl.int64)[:, None] * I + columns[None, :], active, mask=there[:, None])
