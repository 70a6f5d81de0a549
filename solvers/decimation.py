"""Decimation (Mézard, Parisi and Zecchina 2002): fix variables one by one, to values drawn from the net's estimate."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..engine.random import Random
from ..engine.shapes import Bool, Float

DECIDED = 0.9
"""A variable is decided when its most probable value has this probability."""


def undecided(
    allowed: Bool[Tensor, "rows vars values"], chances: Float[Tensor, "rows vars values"]
) -> Bool[Tensor, "rows vars"]:
    """Variables with several allowed values, none of them probable enough.

    Args:
        allowed: [B, V, D] bool.
        chances: [B, V, D] log-probabilities.

    Returns:
        [B, V] bool.
    """
    return (chances.amax(-1) < math.log(DECIDED)) & (allowed.sum(-1) > 1)


def decimate(
    allowed: Bool[Tensor, "rows vars values"],
    chances: Float[Tensor, "rows vars values"],
    candidates: Bool[Tensor, "rows vars"],
    random: Random,
) -> Bool[Tensor, "rows vars values"]:
    """Fix one more variable in some rows.

    A net trained on single targets settles between the solutions of a problem that has several, all equally probable.
    The candidate with the most probable value takes a value drawn from its probabilities.

    Args:
        allowed: [B, V, D] bool.
        chances: [B, V, D] log-probabilities.
        candidates: [B, V] bool, the variables to choose from; a row without any stays as it is.
        random: one stream per row.

    Returns:
        [B, V, D] bool, the values still allowed.
    """
    rows = torch.arange(len(allowed), device=allowed.device)
    variable = chances.amax(-1).masked_fill(~candidates, -torch.inf).argmax(-1)
    of_it = chances[rows, variable]  # [B, D]
    gumbel = -(-random.uniform(of_it.shape[1]).clamp(min=1e-9).log()).log()
    value = (of_it + gumbel).argmax(-1)
    chosen = torch.zeros_like(allowed)
    chosen[rows, variable] = True
    keep = ~chosen | (torch.arange(allowed.shape[2], device=allowed.device) == value[:, None, None])
    return torch.where(candidates.any(1)[:, None, None], allowed & keep, allowed)
