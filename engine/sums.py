"""Sums of independent integers, for kinds that bound a sum: the distance from an interval and its expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def excess(total: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The distance of a sum from an interval; 0 inside.

    Args:
        total: [...] the sum.
        low, high: [...] the bounds, both included.

    Returns:
        [...] of the dtype of ``total``.
    """
    return (low - total).clamp(min=0) + (total - high).clamp(min=0)


def expected_excess(beliefs: Tensor, terms: Tensor, low: Tensor, high: Tensor, span: int) -> Tensor:
    """The expectation of ``excess`` under independent variables.

    Args:
        beliefs: [..., K, D] probabilities.
        terms: [..., K, D] integers >= 0, the term that each literal adds to the sum.
        low, high: [...] the bounds, both included.
        span: S - 1, the largest possible sum.

    Returns:
        [...] of the dtype of ``beliefs``.
    """
    sums = torch.arange(span + 1, device=beliefs.device)
    chance = distribution(beliefs, terms, span)
    return (chance * excess(sums, low[..., None], high[..., None])).sum(-1)


def chance_of_sum(beliefs: Tensor, terms: Tensor, total: Tensor, span: int) -> Tensor:
    """The probability that a sum of independent variables is ``total``.

    Args:
        beliefs: [..., K, D] probabilities.
        terms: [..., K, D] what each literal adds to the sum: integers >= 0.
        total: [...] the sum, which may lie outside 0 to ``span``.
        span: S - 1, the largest sum possible.

    Returns:
        [...] of the dtype of ``beliefs``.
    """
    sums = torch.arange(span + 1, device=beliefs.device)
    return (distribution(beliefs, terms, span) * (sums == total[..., None])).sum(-1)


def distribution(beliefs: Tensor, terms: Tensor, span: int) -> Tensor:
    """The distribution of a sum of independent variables, by convolving theirs one by one.

    Args:
        beliefs: [..., K, D] probabilities.
        terms: [..., K, D] what each literal adds to the sum: integers >= 0.
        span: S - 1, the largest sum possible; the cost is K passes over [..., S].

    Returns:
        [..., S] of the dtype of ``beliefs``.
    """
    lead = np.broadcast_shapes(beliefs.shape[:-2], terms.shape[:-2])
    sums = torch.arange(span + 1, device=beliefs.device)
    chance = (sums == 0).to(beliefs.dtype).expand(*lead, -1)
    for k in range(
        beliefs.shape[-2]
    ):  # exact for any distribution; a Fourier transform would round to negative chances
        # chance'(s) = sum_d p_k(d) chance(s - term_kd)
        origin = sums - terms[..., k, :, None]
        index = origin.clamp(min=0).expand(*lead, -1, -1)
        shifted = chance[..., None, :].expand(index.shape).gather(-1, index) * (origin >= 0)
        chance = (beliefs[..., k, :, None] * shifted).sum(-2)
    return chance
