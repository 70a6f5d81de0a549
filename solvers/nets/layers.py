"""Layers that the backbones share. No biases and parameter-free norms, as in HRM and TRM."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import gated

EPS = 1e-5


def norm(x: Tensor) -> Tensor:
    """RMSNorm over the last axis without parameters, [..., H] -> [..., H]. The dtype stays that of x under autocast."""
    if x.is_cpu and x.dtype == torch.bfloat16 and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
        # A third of the time of PyTorch's operation, which writes squares in float32. Inner sums are float32 here too.
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        factor: Tensor = size.square_().div_(x.shape[-1]).add_(EPS).rsqrt_().to(x.dtype)
        return x * factor
    return F.rms_norm(x, (x.shape[-1],), eps=EPS).to(x.dtype)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear map without bias, with truncated normal weights of variance 1 / inputs (LeCun).

    Args:
        inputs: numbers read.
        outputs: numbers returned.
    """
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.trunc_normal_(layer.weight, std=1 / math.sqrt(inputs))
    return layer


def zero_init_linear(inputs: int, outputs: int) -> nn.Linear:
    """The last map of a residual branch: zero at first, so that an untrained layer leaves a state as it is.

    Args:
        inputs: numbers read.
        outputs: numbers returned.
    """
    # The papers start from LeCun weights here. Iterated dozens of times, such a net is chaotic at the start: a mixer at a
    # learning rate of 1e-3 learned nothing (docs/log.md).
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


def inner_width(width: int, expansion: float, multiple: int) -> int:
    """HRM's inner width of a SwiGLU: two thirds of ``expansion * width``, rounded up to a multiple.

    Args:
        width: H.
        expansion: nominal ratio of inner width and H.
        multiple: the result is divisible by it.
    """
    return -(-round(expansion * width * 2 / 3) // multiple) * multiple


class SwiGLU(nn.Module):
    """down(silu(gate(x)) * up(x)) (Shazeer 2020), with gate and up in one product.

    Args:
        width: H.
        inner: inner width.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up = linear(width, 2 * inner)
        self.down = zero_init_linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """[..., H] -> [..., H]."""
        if x.is_cpu and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
            # The same numbers in 0.87 of the time: both halves are contiguous, and no memory is allocated for products.
            half, other = self.up.weight.chunk(2)
            gate = F.silu(F.linear(x, half), inplace=True).mul_(F.linear(x, other))
            return self.down(gate)  # type: ignore[no-any-return]
        if gated.fits(x, self.up.weight):
            return self.down(gated.gated(x, self.up.weight.to(x.dtype)))  # type: ignore[no-any-return]
        gate, up = self.up(x).chunk(2, -1)
        return self.down(F.silu(gate) * up)  # type: ignore[no-any-return]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021): x [B, heads, S, E], rotated.

    Args:
        x: [B, heads, S, E] queries or keys.
        cos: [S, E] cosines of the angles.
        sin: [S, E] sines of the angles.
    """
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Attention(nn.Module):
    """Bidirectional attention with rotary positions. Groups of heads may share keys and values (Ainslie et al. 2023).

    Args:
        width: H.
        heads: number of heads; H is divisible by it.
        kv_heads: number of heads of keys and values; it divides ``heads``. None: as many as ``heads``.
    """

    def __init__(self, width: int, heads: int, kv_heads: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.kv_heads = kv_heads or heads
        self.qkv = linear(width, width + 2 * (width // heads) * self.kv_heads)
        self.out = zero_init_linear(width, width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        """[B, S, H] -> [B, S, H].

        Args:
            x: [B, S, H] states.
            cos: [S, E] cosines of the positions' angles, E = H / heads.
            sin: [S, E] sines of the same angles.
            mask: [1, heads, S, S] bool, True where a token attends to another; None for all.
        """
        b, s, h = x.shape
        n = self.kv_heads
        q, k, v = self.qkv(x).view(b, s, self.heads + 2 * n, -1).transpose(1, 2).split((self.heads, n, n), 1)
        # The angles are float32: without the cast, autocast's bfloat16 would be lost here.
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        if n < self.heads:
            k, v = (t.repeat_interleave(self.heads // n, 1) for t in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).reshape(b, s, h))  # type: ignore[no-any-return]
