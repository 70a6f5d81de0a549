"""Training losses: cross-entropy against known solutions, or the energy where none is known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..compile import Instance
from ..shapes import Bool, Float, Int

CERTAIN = 0.95
"""Probability of a violation above which the penalty is linear, so that its gradient stays finite."""


class Target(NamedTuple):
    """A known solution of each row, for nets that use one in training.

    Args:
        answer: [B, V] domain indices of the solution, 0 in padding.
        allowed: [B, V, D] bool.
        free: [B, V] bool, variables with more than one allowed value.
    """

    answer: Int[Tensor, "rows vars"]
    allowed: Bool[Tensor, "rows vars values"]
    free: Bool[Tensor, "rows vars"]

    def beliefs(self) -> Float[Tensor, "rows vars values"]:
        """[B, V, D] float32, the solution one-hot."""
        return torch.nn.functional.one_hot(self.answer, self.allowed.shape[2]).float()

    def cross_entropy(self, logits: Float[Tensor, "rows vars values"]) -> Float[Tensor, " rows"]:
        """[B] mean cross-entropy over free variables, for logits [B, V, D] that are not masked."""
        masked = logits.float().masked_fill(~self.allowed, -torch.inf)
        return cross_entropy(masked, self.answer[:, None], self.free, stable=False)

    def number(self) -> Int[Tensor, " rows"]:
        """[B] number of free variables, at least 1."""
        return self.free.sum(1).clamp(min=1)


def log_stablemax(logits: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """[..., D] logarithm of stablemax over the last axis: s(x) = x + 1 for x >= 0, else 1 / (1 - x) (Prieto et al. 2025).

    Literals at minus infinity have probability zero.
    """
    # Both branches are clamped. Unclamped, the one not taken divides by zero at x = 1, and its NaN reaches the gradient.
    rising, falling = logits.clamp(min=0) + 1, 1 / (1 - logits.clamp(max=0))
    s = torch.where(logits >= 0, rising, falling)
    tiny = torch.finfo(s.dtype).tiny
    return s.clamp(min=tiny).log() - s.sum(-1, keepdim=True).log()


def cross_entropy(
    logits: Float[Tensor, "rows vars values"],
    targets: Int[Tensor, "rows answers vars"],
    free: Bool[Tensor, "rows vars"],
    stable: bool,
) -> Float[Tensor, " rows"]:
    """[B] mean over free variables of the cross-entropy with the nearest known solution.

    Args:
        logits: [B, V, D] float32, minus infinity where not allowed.
        targets: [B, A, V] domain indices, -1 in padding.
        free: [B, V] bool.
        stable: whether stablemax replaces softmax.
    """
    chances = log_stablemax(logits) if stable else logits.log_softmax(-1)
    index = targets.clamp(min=0).transpose(1, 2)  # [B, V, A]
    found = chances.gather(2, index).masked_fill(~free[..., None], 0)
    return (-found.sum(1) / free.sum(1, keepdim=True).clamp(min=1)).amin(1)


def answer_loss(
    logits: Float[Tensor, "rows vars values"],
    targets: Int[Tensor, "rows answers vars"],
    instance: Instance,
    stable: bool,
) -> Float[Tensor, " rows"]:
    """[B] ``cross_entropy`` where solutions are known, else ``violation_loss``.

    Args:
        logits: [B, V, D] float32, minus infinity where not allowed.
        targets: [B, A, V] domain indices, -1 in padding; A is 0 where no solution is known.
        instance: B rows, with factors where no solution is known.
        stable: whether stablemax replaces softmax.
    """
    if targets.shape[1]:
        return cross_entropy(logits, targets, instance.free, stable)
    return violation_loss(logits, instance)


def violation_loss(logits: Float[Tensor, "rows vars values"], instance: Instance) -> Float[Tensor, " rows"]:
    """[B] mean over constraints of -log(1 - expected violation), as in RUN-CSP (Tönshoff et al. 2021, equation 6).

    Args:
        logits: [B, V, D], minus infinity where not allowed.
        instance: B rows, with factors.
    """
    beliefs = logits.softmax(-1)
    total = beliefs.new_zeros(len(beliefs))
    count = 0
    for factor in instance.factors:
        energy = factor.energy(beliefs)
        inside = energy.clamp(max=CERTAIN)
        total = total + (-torch.log1p(-inside) + (energy - inside) / (1 - CERTAIN)).sum(1)
        count += factor.count
    return total / max(count, 1)
