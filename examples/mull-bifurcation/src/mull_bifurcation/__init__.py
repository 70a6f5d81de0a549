"""Discrete simulated bifurcation: coupled oscillators under a rising pump. Each ends at one of two walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from mull.engine import ConstraintGraph, Info, Instance, Random, Solver


@dataclass(frozen=True)
class State:
    """The state of each row.

    Args:
        position: [B, V, D] position of each literal's oscillator, in [-1, 1].
        momentum: [B, V, D] momentum of each oscillator.
        age: [B] int64, steps since the start of the row; the pump rises with it.
    """

    position: Tensor
    momentum: Tensor
    age: Tensor


class Bifurcation(Solver):
    """Oscillators under a slowly rising pump: all start near 0 and end at a wall.

    The equations are those of discrete simulated bifurcation (Goto et al. 2021): symplectic Euler steps of x' = a0 y,
    y' = -(a0 - a(t)) x + c0 f, with perfectly inelastic walls at 1 and -1. The force f is taken at the signs of x, not
    at x itself. The README describes variables with more than two values.
    """

    name: ClassVar[str] = "bifurcation"
    citation: ClassVar[str] = (
        "H. Goto, K. Endo, M. Suzuki, Y. Sakai, T. Kanao, Y. Hamakawa, R. Hidaka, M. Yamasaki and K. Tatsumura: "
        "High-performance combinatorial optimization based on classical mechanics. Science Advances 7, 2021. "
        "H. Goto, K. Tatsumura and A. R. Dixon: Combinatorial optimization by simulating adiabatic bifurcations in "
        "nonlinear Hamiltonian systems. Science Advances 5, 2019."
    )
    check_every: ClassVar[int] = 5

    steps: int = Field(300, ge=1, description="steps until the pump is at its maximum; the row then restarts")
    time_step: float = Field(0.5, gt=0, le=1.25, description="time step; dt in the paper")
    strength: float = Field(
        1.0, gt=0, description="strength of the force relative to the pump; c0 in the paper, for a force of norm 1"
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        # The energy of a constraint kind is differentiable unless the kind gives a reason why it is not.
        return graph.obstacle()

    def init(self, instance: Instance, random: Random) -> State:
        _, variables, values = instance.shape
        position = 0.1 * (2 * random.at(0).uniform(variables, values) - 1)
        momentum = 0.1 * (2 * random.at(1).uniform(variables, values) - 1)
        age = torch.zeros(len(position), dtype=torch.int64, device=instance.device)
        return State(position, momentum, age)

    def step(self, instance: Instance, state: State) -> tuple[State, Info]:
        # The discrete assignment, one-hot: for each variable the value with the largest position, [B, V, D].
        at = torch.zeros_like(state.position).scatter(2, self.decode(instance, state)[..., None], 1.0)
        with torch.enable_grad():
            energy = instance.energy(at.requires_grad_())
            (cost,) = torch.autograd.grad(energy.sum(), at)
        # Only cost differences between the values of a variable matter, so each variable's mean is subtracted. The
        # force of a row has norm 1, as the paper's choice of c0 assumes.
        allowed = instance.allowed
        count = allowed.sum(-1, keepdim=True)
        cost = (cost - (cost * allowed).sum(-1, keepdim=True) / count) * allowed
        size = (cost.square().sum((1, 2)) / allowed.sum((1, 2))).sqrt().clamp(min=1e-6)
        force = -cost / size[:, None, None]
        detuning = 1 - (state.age / self.steps).clamp(max=1)
        pull = -detuning[:, None, None] * state.position + self.strength * force
        momentum = state.momentum + self.time_step * pull
        position = state.position + self.time_step * momentum
        at_wall = position.abs() > 1
        position, momentum = position.clamp(-1, 1), momentum.masked_fill(at_wall, 0)
        change = (position - state.position).flatten(1).norm(dim=1)
        residual = change / state.position.flatten(1).norm(dim=1).clamp(min=1e-6)
        return State(position, momentum, state.age + 1), Info(energy.detach(), residual)

    def decode(self, instance: Instance, state: State) -> Tensor:
        return state.position.masked_fill(~instance.allowed, -torch.inf).argmax(-1)

    def settled(self, instance: Instance, state: State, info: Info) -> Tensor:
        return state.age >= self.steps
