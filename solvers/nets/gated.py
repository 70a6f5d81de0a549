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

TILE: tuple[int, int, int, int, int] = (128, 128, 64, 8, 4)
"""Rows, inner numbers, numbers of a state that are read at a time, warps and stages of a program: the fastest of the sizes
tried on an H200."""
GROUP = 8
"""Tiles of rows that share the weights which are in the cache."""


def large() -> bool:
    """Whether the present GPU has the memory on the chip that the tiles need: H100, H200, B200."""
    return torch.version.hip is None and torch.cuda.get_device_capability()[0] in (9, 10)


large._dynamo_marked_constant = True  # type: ignore[attr-defined]  # as torch.compiler does, which takes a second to import


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
        and large()
    )


def gated(x: Tensor, up: Tensor) -> Tensor:
    """silu(gate(x)) * up(x): [..., H] -> [..., I], without a backward pass.

    Args:
        x: [..., H] bfloat16 states.
        up: [2 I, H] bfloat16 weights of gate and up, in this order.
    """
    x = x.contiguous()
    inner, width = up.shape[0] // 2, up.shape[1]
    count = x.numel() // width
    out = x.new_empty(*x.shape[:-1], inner)
    rows, columns, depth, warps, stages = TILE
    _kernel[(triton.cdiv(count, rows) * (inner // columns),)](
        x, up.contiguous(), out, count, width, inner, rows, columns, depth, GROUP,
        num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return out


if triton is not None:

    @triton.jit  # type: ignore[untyped-decorator]
    def _kernel(  # type: ignore[no-untyped-def]
        x_at, up_at, out_at, count, H: tl.constexpr, I: tl.constexpr, M: tl.constexpr,
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
            gate = tl.dot(read, tl.load(w + k), gate)
            up = tl.dot(read, tl.load(w + k + I * H), up)
        active = (gate * tl.sigmoid(gate) * up).to(out_at.dtype.element_ty)
        tl.store(out_at + rows.to(tl.int64)[:, None] * I + columns[None, :], active, mask=there[:, None])
