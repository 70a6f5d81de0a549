"""Layers that the backbones share; no biases, parameter-free norms, as in HRM and TRM."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-5


def norm(x: Tensor) -> Tensor:
    """RMSNorm over the last axis, without parameters; in the dtype of ``x``, whatever autocast thinks of norms."""
    return F.rms_norm(x, (x.shape[-1],), eps=EPS).to(x.dtype)


def linear(wide: int, out: int) -> nn.Linear:
    """A linear map without bias; truncated normal weights of variance 1 / fan-in (LeCun)."""
    layer = nn.Linear(wide, out, bias=False)
    nn.init.trunc_normal_(layer.weight, std=1 / math.sqrt(wide))
    return layer


def zero_init_linear(wide: int, out: int) -> nn.Linear:
    """The last map of a residual branch: zero at first, so that an untrained net leaves a state as it is.

    The papers begin with LeCun weights here too; iterated dozens of times, that is chaos, in which a mixer trained at
    a learning rate of 1e-3 never finds its input again (docs/log.md).
    """
    layer = nn.Linear(wide, out, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


def inner_width(width: int, expansion: float, multiple: int) -> int:
    """HRM's rule: two thirds of ``expansion * width``, rounded up to a multiple."""
    return -(-round(expansion * width * 2 / 3) // multiple) * multiple


class SwiGLU(nn.Module):
    """down(silu(gate(x)) * up(x)) (Shazeer 2020), gate and up in one product: [..., H] -> [..., H]."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up = linear(width, 2 * inner)
        self.down = zero_init_linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.up(x).chunk(2, -1)
        return self.down(F.silu(gate) * up)  # type: ignore[no-any-return]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021): x [B, heads, S, E] turned by the angles of cos and sin [S, E]."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Attention(nn.Module):
    """Bidirectional attention, [B, S, H] -> [B, S, H].

    Args:
        width: H.
        heads: H is divisible by it.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = linear(width, 3 * width)
        self.out = zero_init_linear(width, width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        b, s, h = x.shape
        q, k, v = self.qkv(x).view(b, s, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).reshape(b, s, h))  # type: ignore[no-any-return]
