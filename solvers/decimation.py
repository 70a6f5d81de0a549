"""Decimation (Mézard, Parisi and Zecchina 2002): variables decided one by one, each drawn from what a net believes of it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..engine.random import Random
from ..engine.shapes import Bool, Float

SURE = 0.9
"""Probability of its likeliest value from which a variable is no longer in doubt."""


def in_doubt(
    allowed: Bool[Tensor, "rows vars values"], chances: Float[Tensor, "rows vars values"]
) -> Bool[Tensor, "rows vars"]:
    """[B, V] bool: variables with several values allowed, none likely enough, of ``allowed`` [B, V, D] and ``chances``, log-probabilities."""
    return (chances.amax(-1) < math.log(SURE)) & (allowed.sum(-1) > 1)


def decimate(
    allowed: Bool[Tensor, "rows vars values"],
    chances: Float[Tensor, "rows vars values"],
    doubtful: Bool[Tensor, "rows vars"],
    random: Random,
) -> Bool[Tensor, "rows vars values"]:
    """Allowed literals with one more variable decided in some rows.

    Where a problem has several answers a net that was taught single ones settles between them, each as likely as the next.
    Of the variables still in doubt the one least so takes a value, drawn from its chances.

    Args:
        allowed: [B, V, D] bool.
        chances: [B, V, D] log-probabilities.
        doubtful: [B, V] bool, the variables to choose from, in rows where none is to be decided none.
        random: one stream a row.
    """
    rows = torch.arange(len(allowed), device=allowed.device)
    variable = chances.amax(-1).masked_fill(~doubtful, -torch.inf).argmax(-1)
    of_it = chances[rows, variable]  # [B, D]
    gumbel = -(-random.uniform(of_it.shape[1]).clamp(min=1e-9).log()).log()
    value = (of_it + gumbel).argmax(-1)
    chosen = torch.zeros_like(allowed)
    chosen[rows, variable] = True
    keep = ~chosen | (torch.arange(allowed.shape[2], device=allowed.device) == value[:, None, None])
    return torch.where(doubtful.any(1)[:, None, None], allowed & keep, allowed)
