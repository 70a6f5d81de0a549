"""The first half of a mixer layer (a SwiGLU along the tokens, residual, norm) in one GPU kernel, and its backward pass.

Unfused, a layer of width 512 writes and reads 512 + 256 inner numbers for each of 81 tokens' numbers, and its batched products
have a short odd axis. Here the inner numbers of a board stay on the chip; the backward pass computes them again. Tokens are
padded on the chip, 81 to 96. Other dtypes, sizes and CPUs use PyTorch's operations.
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

TILES: dict[str, tuple[int, int, int, int]] = {"forward": (64, 32, 4, 3), "backward": (64, 32, 4, 3)}
"""Numbers of a state, inner numbers, warps and stages of a program: the fastest of the sizes tried on an H200."""
FIRST = 64
"""Tokens of the first of two tiles; the second has the rest, padded to a power of two."""


def fits(z: Tensor, inner: int) -> bool:
    """Whether the kernels can compute the layer: bfloat16 on a GPU, 65 to 128 tokens, and sizes that fit the tiles.

    Args:
        z: [B, S, H] states.
        inner: inner numbers of the SwiGLU.
    """
    return (
        triton is not None
        and z.is_cuda
        and z.dtype == torch.bfloat16
        and z.dim() == 3
        and FIRST < z.shape[1] <= 2 * FIRST
        and z.shape[2] % 128 == 0
        and inner % 64 == 0
        and large()
    )


def mixed(z: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """z + down · (silu(gate · z) * (up · z)) along the tokens of each row, [B, S, H], with a backward pass.

    Args:
        z: [B, S, H] states.
        up: [S, 2 I] weights of gate and up, in this order.
        down: [S, I] weights.
    """
    return _mixed(z, up, down)  # type: ignore[no-any-return]


def mixed_norm(z: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """rms_norm of ``mixed`` over the last axis, [B, S, H], without a backward pass.

    Args:
        z: [B, S, H] states.
        up: [S, 2 I] weights of gate and up, in this order.
        down: [S, I] weights.
    """
    return _forward(z, up, down, normed=True)


def _second(tokens: int) -> int:
    """Tokens of the second tile."""
    return max(16, 1 << (tokens - FIRST - 1).bit_length())


def _forward(z: Tensor, up: Tensor, down: Tensor, normed: bool) -> Tensor:
    z, up, down = z.contiguous(), up.contiguous(), down.contiguous()
    out = torch.empty_like(z)
    b, s, h = z.shape
    columns, inner, warps, stages = TILES["forward"]
    _forward_kernel[(b,)](
        z, up, down, out, EPS, normed, s, h, down.shape[1], FIRST, _second(s), columns, inner,
        num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return out


if triton is not None:

    @triton.jit  # type: ignore[untyped-decorator]
    def _forward_kernel(  # type: ignore[no-untyped-def]
        z_at, up_at, down_at, out_at, eps, normed: tl.constexpr, S: tl.constexpr, H: tl.constexpr, I: tl.constexpr,
        A: tl.constexpr, B: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
    ):  # fmt: skip
        # A program has all tokens of a row. Tiles are transposed, [C numbers, tokens], so that every long axis is one of
        # the power of two that a product needs.
        start = tl.program_id(0).to(tl.int64) * S * H
        first, second = tl.arange(0, A), A + tl.arange(0, B)
        there = second < S
        squares = tl.zeros((A,), tl.float32)
        others = tl.zeros((B,), tl.float32)
        for column in range(0, H, C):
            c = column + tl.arange(0, C)
            at, at_b = first[None, :] * H + c[:, None], second[None, :] * H + c[:, None]
            x = tl.load(z_at + start + at)
            x_b = tl.load(z_at + start + at_b, mask=there[None, :], other=0.0)
            y, y_b = x.to(tl.float32), x_b.to(tl.float32)
            for k in range(0, I, K):
                i = k + tl.arange(0, K)
                w = up_at + first[:, None] * (2 * I) + i[None, :]
                w_b = up_at + second[:, None] * (2 * I) + i[None, :]
                gate = tl.dot(x, tl.load(w))
                gate = tl.dot(x_b, tl.load(w_b, mask=there[:, None], other=0.0), gate)
                up = tl.dot(x, tl.load(w + I))
                up = tl.dot(x_b, tl.load(w_b + I, mask=there[:, None], other=0.0), up)
                active = (gate * tl.sigmoid(gate) * up).to(out_at.dtype.element_ty)
                y = tl.dot(active, tl.load(down_at + first[None, :] * I + i[:, None]), y)
                y_b = tl.dot(
                    active, tl.load(down_at + second[None, :] * I + i[:, None], mask=there[None, :], other=0.0), y_b
                )
            tl.store(out_at + start + at, y.to(out_at.dtype.element_ty))
            tl.store(out_at + start + at_b, y_b.to(out_at.dtype.element_ty), mask=there[None, :])
            squares += tl.sum(y * y, 0)
            others += tl.sum(y_b * y_b, 0)
        if normed:
            tl.debug_barrier()  # the program reads what its other threads wrote
            scale, scale_b = tl.rsqrt(squares / H + eps), tl.rsqrt(others / H + eps)
            for column in range(0, H, C):
                c = column + tl.arange(0, C)
                at, at_b = first[None, :] * H + c[:, None], second[None, :] * H + c[:, None]
                y = tl.load(out_at + start + at).to(tl.float32) * scale[None, :]
                y_b = tl.load(out_at + start + at_b, mask=there[None, :], other=0.0).to(tl.float32) * scale_b[None, :]
                tl.store(out_at + start + at, y.to(out_at.dtype.element_ty))
                tl.store(out_at + start + at_b, y_b.to(out_at.dtype.element_ty), mask=there[None, :])

    @triton.jit  # type: ignore[untyped-decorator]
    def _backward_kernel(  # type: ignore[no-untyped-def]
        z_at, dy_at, up_at, down_at, dz_at, inner_at, active_at, S: tl.constexpr, H: tl.constexpr, I: tl.constexpr,
        A: tl.constexpr, B: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
    ):  # fmt: skip
        row = tl.program_id(1).to(tl.int64)
        start = row * S * H
        first, second = tl.arange(0, A), A + tl.arange(0, B)
        there = second < S
        c = tl.program_id(0) * C + tl.arange(0, C)
        at, at_b = first[None, :] * H + c[:, None], second[None, :] * H + c[:, None]
        x, dy = tl.load(z_at + start + at), tl.load(dy_at + start + at)
        x_b = tl.load(z_at + start + at_b, mask=there[None, :], other=0.0)
        dy_b = tl.load(dy_at + start + at_b, mask=there[None, :], other=0.0)
        dz, dz_b = dy.to(tl.float32), dy_b.to(tl.float32)
        for k in range(0, I, K):
            i = k + tl.arange(0, K)
            w = first[:, None] * (2 * I) + i[None, :]
            w_b = second[:, None] * (2 * I) + i[None, :]
            g = tl.load(up_at + w)
            g_b = tl.load(up_at + w_b, mask=there[:, None], other=0.0)
            u = tl.load(up_at + I + w)
            u_b = tl.load(up_at + I + w_b, mask=there[:, None], other=0.0)
            gate = tl.dot(x_b, g_b, tl.dot(x, g))
            up = tl.dot(x_b, u_b, tl.dot(x, u))
            d = tl.load(down_at + first[:, None] * I + i[None, :])
            d_b = tl.load(down_at + second[:, None] * I + i[None, :], mask=there[:, None], other=0.0)
            back = tl.dot(dy_b, d_b, tl.dot(dy, d))
            share = tl.sigmoid(gate)
            swish = gate * share
            d_up = (back * swish).to(dz_at.dtype.element_ty)
            d_gate = (back * up * (share + swish * (1 - share))).to(dz_at.dtype.element_ty)
            to = row * (2 * I) * H + i[None, :] * H + c[:, None]
            tl.store(inner_at + to, d_gate)
            tl.store(inner_at + I * H + to, d_up)
            tl.store(active_at + row * I * H + i[None, :] * H + c[:, None], (swish * up).to(dz_at.dtype.element_ty))
            dz = tl.dot(d_up, tl.trans(u), tl.dot(d_gate, tl.trans(g), dz))
            dz_b = tl.dot(d_up, tl.trans(u_b), tl.dot(d_gate, tl.trans(g_b), dz_b))
        tl.store(dz_at + start + at, dz.to(dz_at.dtype.element_ty))
        tl.store(dz_at + start + at_b, dz_b.to(dz_at.dtype.element_ty), mask=there[None, :])

    # Operators of PyTorch, so that its compiler takes them as they are.

    @torch.library.custom_op("mull::mixed", mutates_args=())
    def _mixed(z: Tensor, up: Tensor, down: Tensor) -> Tensor:
        return _forward(z, up, down, normed=False)

    @_mixed.register_fake
    def _(z: Tensor, up: Tensor, down: Tensor) -> Tensor:
        return z.new_empty(z.shape)

    @torch.library.custom_op("mull::mixed_back", mutates_args=())
    def _back(dy: Tensor, z: Tensor, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        dy, z, up, down = dy.contiguous(), z.contiguous(), up.contiguous(), down.contiguous()
        b, s, h = z.shape
        i = down.shape[1]
        dz, inner, active = torch.empty_like(z), z.new_empty(b, 2 * i, h), z.new_empty(b, i, h)
        columns, block, warps, stages = TILES["backward"]
        _backward_kernel[(h // columns, b)](
            z, dy, up, down, dz, inner, active, s, h, i, FIRST, _second(s), columns, block,
            num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return dz, inner, active

    @_back.register_fake
    def _(dy: Tensor, z: Tensor, up: Tensor, down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, _s, h = z.shape
        i = down.shape[1]
        return z.new_empty(z.shape), z.new_empty(b, 2 * i, h), z.new_empty(b, i, h)

    def _keep(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    def _gradients(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z, up, down = ctx.saved_tensors
        dz, inner, active = _back(dy, z, up, down)
        return dz, torch.bmm(z, inner.mT).sum(0), torch.bmm(dy, active.mT).sum(0)

    _mixed.register_autograd(_gradients, setup_context=_keep)
