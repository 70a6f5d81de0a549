"""Mean-field variational inference with Pyro: a factorised guide for a uniform prior times exp(−β·energy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyro
import pyro.distributions as dist
import torch
from pydantic import Field
from pyro.infer import TraceMeanField_ELBO
from torch import Tensor

from ..engine.compile import Instance
from ..engine.graph import ConstraintGraph
from ..engine.random import Random
from ..engine.rows import EVALUATION, BatchSize
from ..engine.solver import Info, Solver

NEVER = -1e4
"""Logit of a value that is not allowed. Its probability is exactly zero and, unlike with minus infinity,
differentiable."""


@dataclass(frozen=True)
class MeanFieldState:
    """Args:
    logits: [B, V, D] natural parameters of the guide.
    first: [B] inverse temperature at the start of the row.
    age: [B] steps since the start of the row, its position in the annealing schedule.
    """

    logits: Tensor
    first: Tensor
    age: Tensor


class MeanField(Solver):
    """Variational inference in p(x) ∝ exp(−β·energy(x)) with a guide q(x) = ∏ q_v(x_v), β annealed upwards.

    The energy of a factorised q is known in closed form (Constraint.expected), so the evidence lower bound is exact
    and no sample is drawn. Each step follows the natural gradient of this bound. For categorical guides it is the
    gradient with respect to the mean, added to the logits (Khan and Nielsen 2018, equation 3). Step size 1 is the
    classic parallel mean-field update (Peterson and Anderson 1987); smaller step sizes damp it.
    """

    name: ClassVar[str] = "meanfield"
    batch_size: ClassVar[BatchSize] = BatchSize(work=EVALUATION)
    citation: ClassVar[str] = (
        "C. Peterson and J. R. Anderson: A mean field theory learning algorithm for neural networks. Complex Systems "
        "1, 1987. M. E. Khan and D. Nielsen: Fast yet simple natural-gradient descent for variational inference in "
        "complex models. ISITA 2018."
    )
    check_every: ClassVar[int] = 10

    rate: float = Field(0.5, gt=0, le=1, description="step size of the natural gradient")
    beta_start: float = Field(1.0, gt=0, description="lowest inverse temperature at a start")
    beta_end: float = Field(8.0, gt=0, description="inverse temperature at the end of the annealing")
    anneal: int = Field(60, ge=1, description="steps of a geometric rise of beta, after which the row restarts")
    spread: float = Field(2.0, ge=0, description="standard deviation of the logits at a start")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.obstacle()

    def init(self, instance: Instance, random: Random) -> MeanFieldState:
        b, v, d = instance.shape
        logits = (self.spread * random.at(0).normal(v, d)).masked_fill(~instance.allowed, NEVER)
        # The temperature at which a problem's symmetries break is unknown, so every start draws its own.
        first = self.beta_start * (self.beta_end / self.beta_start) ** random.at(1).uniform(1)[:, 0]
        return MeanFieldState(logits, first, torch.zeros(b, dtype=torch.int64, device=instance.device))

    def step(self, instance: Instance, state: MeanFieldState) -> tuple[MeanFieldState, Info]:
        b = len(instance.allowed)
        beta = state.first * (self.beta_end / state.first) ** (state.age / self.anneal)
        mean = state.logits.softmax(-1).requires_grad_()
        energies: list[Tensor] = []
        prior = torch.where(instance.allowed, 0.0, NEVER)

        def model() -> None:
            with pyro.plate("rows", b, dim=-1):
                x = pyro.sample("x", dist.OneHotCategorical(logits=prior).to_event(1))
                energies.append(instance.energy(x))
                pyro.factor("energy", -beta * energies[-1])

        def guide() -> None:
            with pyro.plate("rows", b, dim=-1):
                pyro.sample("x", _AtMean(probs=mean).to_event(1))

        with pyro.validation_enabled(False):
            loss = TraceMeanField_ELBO().differentiable_loss(model, guide)
            (gradient,) = torch.autograd.grad(loss, mean)
        logits = state.logits - self.rate * gradient.masked_fill(~instance.allowed, 0)
        logits = logits - logits.amax(-1, keepdim=True)
        logits = logits.clamp(min=-60).masked_fill(~instance.allowed, NEVER)
        with torch.no_grad():
            was = mean.flatten(1)
            change = (logits.softmax(-1).flatten(1) - was).norm(dim=1) / was.norm(dim=1)
        return MeanFieldState(logits, state.first, state.age + 1), Info(energies[0].detach(), change)

    def decode(self, instance: Instance, state: MeanFieldState) -> Tensor:
        return state.logits.argmax(-1)

    def beliefs(self, instance: Instance, state: MeanFieldState) -> Tensor:
        return state.logits.softmax(-1)

    def settled(self, instance: Instance, state: MeanFieldState, info: Info) -> Tensor:
        return state.age >= self.anneal


class _AtMean(dist.OneHotCategorical):  # type: ignore[misc]  # pyro is untyped
    """A categorical whose reparameterised sample is its mean: exact for a function linear in every variable."""

    has_rsample = True

    def rsample(self, sample_shape: torch.Size = torch.Size()) -> Tensor:
        mean: Tensor = self.probs
        return mean.expand(sample_shape + mean.shape)
