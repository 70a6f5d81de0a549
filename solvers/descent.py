"""Gradient descent on the energy of beliefs, with weights that grow for constraints that stay violated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..engine.compile import Instance
from ..engine.graph import ConstraintGraph
from ..engine.random import Random
from ..engine.rows import EVALUATION, BatchSize
from ..engine.solver import Info, Solver


@dataclass(frozen=True)
class DescentState:
    """Args:
    logits: [B, V, D], minus infinity where a value is not allowed.
    beliefs: [B, V, D], the softmax of the logits.
    weights: [B, F] for each factor.
    random: one stream per row.
    age: [B] steps since the row's start.
    """

    logits: Tensor
    beliefs: Tensor
    weights: tuple[Tensor, ...]
    random: Random
    age: Tensor


class Descent(Solver):
    """Mirror descent (Nemirovski and Yudin 1983) on the weighted expected violation.

    The gradient with respect to the beliefs is subtracted from their logits: steepest descent in the geometry of the
    simplex. Unlike the plain gradient, this step does not vanish if beliefs are nearly certain. The weight of a
    constraint grows in proportion to its violation. This Lagrangian ascent moves the state out of local minima
    (Nagamatu and Yanaru 1996). Logits are bounded, so that a belief can change within a few steps.
    """

    name: ClassVar[str] = "descent"
    batch_size: ClassVar[BatchSize] = BatchSize(work=EVALUATION)
    citation: ClassVar[str] = (
        "M. Nagamatu and T. Yanaru: On the stability of Lagrange programming neural networks for satisfiability "
        "problems of propositional calculus. Neurocomputing 13, 1996."
    )
    check_every: ClassVar[int] = 10

    rate: float = Field(1.0, gt=0, description="step size of the logits")
    weight_rate: float = Field(0.3, ge=0, description="growth of a constraint's weight per step and unit of violation")
    decay: float = Field(0.0, ge=0, lt=1, description="share that a logit loses per step")
    bound: float = Field(3.0, gt=0, description="largest distance of a logit from the mean of its variable")
    noise: float = Field(0.0, ge=0, description="initial Langevin noise on the logits, in units of sqrt(rate)")
    cooling: float = Field(500.0, gt=0, description="steps after which the noise has fallen to 1/e")
    patience: int = Field(1000, ge=1, description="steps after which an unsolved row restarts")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.obstacle()

    def init(self, instance: Instance, random: Random) -> DescentState:
        b, v, d = instance.shape
        logits = random.at(0).normal(v, d).masked_fill(~instance.allowed, -torch.inf)
        weights = tuple(torch.ones(b, factor.count, device=instance.device) for factor in instance.factors)
        return DescentState(
            logits, logits.softmax(-1), weights, random.at(1), torch.zeros(b, dtype=torch.int64, device=instance.device)
        )

    def step(self, instance: Instance, state: DescentState) -> tuple[DescentState, Info]:
        def energy(beliefs: Tensor) -> tuple[Tensor, tuple[Tensor, tuple[Tensor, ...]]]:
            each = tuple(factor.energy(beliefs) for factor in instance.factors)
            rows = sum(
                ((e * w).sum(1) for e, w in zip(each, state.weights, strict=True)), beliefs.new_zeros(len(beliefs))
            )
            return rows.sum(), (rows, each)

        # Rows are disjoint graphs, so the gradient of their sum is that of each row; vmap would cost more.
        gradient, (rows, each) = torch.func.grad(energy, has_aux=True)(state.beliefs)
        logits = (1 - self.decay) * state.logits - self.rate * gradient
        if self.noise:
            scale = self.noise * self.rate**0.5 * torch.exp(-state.age / self.cooling)
            logits = logits + scale[:, None, None] * _noise(state, logits)
        logits = logits - logits.masked_fill(~instance.allowed, 0).sum(-1, keepdim=True) / instance.allowed.sum(
            -1, keepdim=True
        )
        logits = logits.clamp(-self.bound, self.bound).masked_fill(~instance.allowed, -torch.inf)
        weights = tuple(w + self.weight_rate * e.clamp(max=1) for w, e in zip(state.weights, each, strict=True))
        beliefs = logits.softmax(-1)
        change = (beliefs - state.beliefs).flatten(1).norm(dim=1) / state.beliefs.flatten(1).norm(dim=1)
        return DescentState(logits, beliefs, weights, state.random, state.age + 1), Info(rows, change)

    def decode(self, instance: Instance, state: DescentState) -> Tensor:
        return state.logits.argmax(-1)

    def beliefs(self, instance: Instance, state: DescentState) -> Tensor:
        return state.beliefs

    def settled(self, instance: Instance, state: DescentState, info: Info) -> Tensor:
        settled: Tensor = (info.residual < self.tolerance) | (state.age >= self.patience)
        return settled


def _noise(state: DescentState, like: Tensor) -> Tensor:
    """Standard normal [B, V, D], new at every step."""
    return state.random.at(state.age).normal(*like.shape[1:])
