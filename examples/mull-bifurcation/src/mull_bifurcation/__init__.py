"""Discrete simulated bifurcation: oscillators that are pumped until each has to choose a side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from mull.engine import ConstraintGraph, Info, Instance, Random, Solver


@dataclass(frozen=True)
class State:
    """What a row carries from step to step.

    Args:
        position: [B, V, D] where each literal's oscillator is, in [-1, 1].
        momentum: [B, V, D].
        age: [B] steps since the row's start: how far the pump is up.
    """

    position: Tensor
    momentum: Tensor
    age: Tensor


class Bifurcation(Solver):
    """Oscillators under a pump that slowly rises: at first all rest at 0, at the end each is at a wall.

    The equations are those of discrete simulated bifurcation (Goto et al. 2021): symplectic Euler steps of x' = a0 y,
    y' = -(a0 - a(t)) x + c0 f, perfectly inelastic walls at 1 and -1, and the force f at the signs of x rather than at x
    itself. For variables of more than two values see the README.
    """

    name: ClassVar[str] = "bifurcation"
    citation: ClassVar[str] = (
        "H. Goto, K. Endo, M. Suzuki, Y. Sakai, T. Kanao, Y. Hamakawa, R. Hidaka, M. Yamasaki and K. Tatsumura: "
        "High-performance combinatorial optimization based on classical mechanics. Science Advances 7, 2021. "
        "H. Goto, K. Tatsumura and A. R. Dixon: Combinatorial optimization by simulating adiabatic bifurcations in "
        "nonlinear Hamiltonian systems. Science Advances 5, 2019."
    )
    check_every: ClassVar[int] = 5

    steps: int = Field(300, ge=1, description="steps in which the pump rises; then the row starts anew")
    time_step: float = Field(0.5, gt=0, le=1.25, description="length of a step: dt of the paper")
    strength: float = Field(
        1.0, gt=0, description="of the force against the pump: c0 of the paper, for a force of size 1"
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        # The expected violation of every kind is differentiable, unless a kind says what stands in the way.
        return graph.obstacle()

    def init(self, instance: Instance, random: Random) -> State:
        _, variables, values = instance.shape
        position = 0.1 * (2 * random.at(0).uniform(variables, values) - 1)
        momentum = 0.1 * (2 * random.at(1).uniform(variables, values) - 1)
        age = torch.zeros(len(position), dtype=torch.int64, device=instance.device)
        return State(position, momentum, age)

    def step(self, instance: Instance, state: State) -> tuple[State, Info]:
        # Where the signs stand: for each variable the value that is furthest out, [B, V, D].
        at = torch.zeros_like(state.position).scatter(2, self.decode(instance, state)[..., None], 1.0)
        with torch.enable_grad():
            energy = instance.energy(at.requires_grad_())
            (cost,) = torch.autograd.grad(energy.sum(), at)
        # What matters is which value is cheaper, and by how much beside others: mean 0 a variable, size 1 a row.
        allowed = instance.allowed
        count = allowed.sum(-1, keepdim=True)
        cost = (cost - (cost * allowed).sum(-1, keepdim=True) / count) * allowed
        size = (cost.square().sum((1, 2)) / allowed.sum((1, 2))).sqrt().clamp(min=1e-6)
        force = -cost / size[:, None, None]
        detuning = 1 - (state.age / self.steps).clamp(max=1)
        pull = -detuning[:, None, None] * state.position + self.strength * force
        momentum = state.momentum + self.time_step * pull
        position = state.position + self.time_step * momentum
        walled = position.abs() > 1
        position, momentum = position.clamp(-1, 1), momentum.masked_fill(walled, 0)
        change = (position - state.position).flatten(1).norm(dim=1)
        residual = change / state.position.flatten(1).norm(dim=1).clamp(min=1e-6)
        return State(position, momentum, state.age + 1), Info(energy.detach(), residual)

    def decode(self, instance: Instance, state: State) -> Tensor:
        return state.position.masked_fill(~instance.allowed, -torch.inf).argmax(-1)

    def settled(self, instance: Instance, state: State, info: Info) -> Tensor:
        return state.age >= self.steps
