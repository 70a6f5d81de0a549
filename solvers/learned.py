"""What the learned solvers share: options, trained weights, a state in the engine's loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor

from ..engine.compile import Instance
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.random import Random
from ..engine.registry import BACKBONES, entries
from ..engine.rows import BatchSize
from ..engine.solver import Info, OptionError, Solver
from ..engine.weights import Card, CheckpointError, find
from .decimation import decimate, in_doubt
from .nets.backbones import backbone
from .nets.reasoner import Latent, Reasoner
from .nets.shape import NetShape
from .weights import choose, loaded

Sizes = Mapping[str, Any]

CPU_LITERALS = 12_000
"""Literals of a batch on a processor: what its caches hold. 9 x 9 Sudokus take 2.1 ms a board and step in rows of 16, 8 ms in
rows of 64."""
GPU_LITERALS = 1 << 22
DOUBT = "share of open variables in doubt above which a row takes a likely value as given every step (1: never)"

PUBLISHED: Mapping[str, Any] = {
    "batch": 768,
    "optimizer": "adamw",
    "lr": 1e-4,
    "warmup": 2000,
    "final_lr": 1.0,
    "weight_decay": 1.0,
    "loss": "stablemax",
    "halt_weight": 0.5,
    "max_segments": 16,
}
"""The recipe that HRM and TRM share, on AdamW as TRM's paper has it."""


@dataclass(frozen=True)
class LearnedState:
    """Args:
    z: the recursion's latent states, [B, S, H] each.
    allowed: [B, V, D] the literals left by givens, domains and what the row took as given on its way.
    chances: [B, V, D] log-probabilities, minus infinity where a literal is not allowed.
    halt: [B] probability of being right, as the net sees it.
    random: one stream a row.
    age: [B] steps since the row's start.
    """

    z: Latent
    allowed: Tensor
    chances: Tensor
    halt: Tensor
    random: Random
    age: Tensor


class Learned(Solver):
    """Base of the learned solvers: a subclass says how its recursion is built and which sizes its presets have."""

    presets: ClassVar[Mapping[str, Mapping[str, Sizes]]]
    """Preset -> backbone -> sizes of the net; a preset's first backbone is its default."""
    dials: ClassVar[frozenset[str]] = frozenset()
    """Options of a subclass that say how to solve, whatever the weights: ``Reasoner.solve_step`` gets them as arguments."""
    former: ClassVar[frozenset[str]] = frozenset()
    """Options that a subclass had once; its ``from_options`` still takes them."""
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"  # no net has seen a bound on the objective
    batch_size: ClassVar[BatchSize] = BatchSize(CPU_LITERALS, gpu_literals=GPU_LITERALS)
    auto_turn: ClassVar[int | None] = 9
    """Place among the learned solvers that ``auto`` tries, the lower first, then by name; None: ``auto`` does not try it."""

    preset: Literal["small", "paper"] = Field("small", description="sizes to train: what ships, or as published")
    backbone: str | None = Field(
        None, description="the net under the recursion, by name (default: the preset's first, or the weights')"
    )
    hidden: int | None = Field(None, ge=8, le=4096, description="numbers in a state (default: the preset's)")
    layers: int | None = Field(None, ge=1, le=64, description="layers of the net (default: the preset's)")
    inner: int | None = Field(None, ge=8, le=16384, description="inner width of the SwiGLU (default: the preset's)")
    weights: str | None = Field(
        None, description="name or .safetensors file of trained weights (default: those trained for the problem)"
    )
    segments: int = Field(64, ge=1, description="depth: segments after which a row that is not solved starts anew")
    halt: float = Field(
        1.0, gt=0, le=1, description="learned probability of being right at which a row settles (1: never)"
    )
    commit: float = Field(
        0.2,
        ge=0,
        description="residual below which an unsolved row takes a likely value as given: several answers (0: never)",
    )
    doubt: float = Field(1.0, gt=0, le=1, description=DOUBT)
    copies: int = Field(1, ge=1, description="random starts of a problem run side by side, unless --restarts says")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the net when solving; auto is bfloat16 where the processor has it"
    )

    compiled: bool = Field(
        False, description="compile the net before solving: half a minute, for many thousand problems on a GPU"
    )

    @field_validator("backbone")
    @classmethod
    def _installed(cls, name: str | None) -> str | None:
        known = [entry.name for entry in entries(BACKBONES)]
        if name is not None and name not in known:
            raise PydanticCustomError("backbone", "Input should be one of {known}", {"known": ", ".join(known)})
        return name

    # Building ---------------------------------------------------------------------------------------------------------

    def recipe(self) -> Mapping[str, Any]:
        """Training settings in place of ``Recipe``'s defaults."""
        return {}

    @abstractmethod
    def reasoner(self, shape: NetShape) -> Reasoner:
        """An untrained net of these options."""

    def shape(self, **fitted: Any) -> NetShape:
        """The net's sizes: the preset's, with the options that were given, and ``fitted`` to the problems.

        A backbone that the preset does not name brings its own sizes (``Backbone.sizes``).

        Raises:
            OptionError: the preset has no such backbone, and the backbone no sizes.
            PluginError: the backbone cannot be loaded.
        """
        choices = self.presets[self.preset]
        name: str = self.backbone or next(iter(choices))
        sizes = choices[name] if name in choices else backbone(name).sizes
        if sizes is None:
            raise OptionError(
                f"solver {self.name}: preset {self.preset} has the backbones {', '.join(choices)}",
                f"solve solvers show {self.name}",
            )
        given = {key: getattr(self, key) for key in ("hidden", "layers", "inner") if getattr(self, key) is not None}
        return NetShape(backbone=name, **{**sizes, **given, **fitted})

    # Weights ----------------------------------------------------------------------------------------------------------

    @classmethod
    def recursion(cls) -> frozenset[str]:
        """The options that a subclass adds and that must be as the weights were trained: how its recursion runs."""
        return frozenset(cls.model_fields) - frozenset(Learned.model_fields) - cls.dials

    def supports(self, graph: ConstraintGraph) -> str | None:
        if graph.inexact:
            return graph.inexact
        try:
            choose(self, graph)
        except CheckpointError as error:
            return f"{error} ({error.hint})" if error.hint else str(error)
        return None

    def samples(self, problem: Problem) -> str | None:
        try:
            fixed = choose(self, problem.graph, problem.family).options.get("random_start") is False
        except CheckpointError:
            return None  # to bind it fails, with the reason
        return "its weights start every trajectory from the same state, and no step is random" if fixed else None

    def bind(self, problem: Problem) -> Learned:
        """The same solver with its weights named. It reads their card here, and never again."""
        path = str(choose(self, problem.graph, problem.family).path)
        given = {name: getattr(self, name) for name in self.model_fields_set}
        bound = type(self)(**{**given, "weights": path})
        bound._card  # noqa: B018  # kept: a file that is replaced during a run does not change the net
        return bound

    @cached_property
    def _card(self) -> Card:
        """The card of the weights named.

        Raises:
            CheckpointError: none are named, or there is no such card.
        """
        if self.weights is None:
            raise CheckpointError(f"{self.name} is not bound to weights", "call bind(problem) before init")
        return find(self.weights)

    @property
    def checkpoint(self) -> str | None:
        if self.weights is None:
            return None
        bound: Card | None = vars(self).get("_card")
        return (bound or find(self.weights)).sha256

    # Running ----------------------------------------------------------------------------------------------------------

    def init(self, instance: Instance, random: Random) -> LearnedState:
        net = self.net(instance)
        with torch.no_grad():
            z = net.begin(net.backbone.view(instance), random)
        chances = torch.zeros(instance.shape, device=instance.device).masked_fill(~instance.allowed, -torch.inf)
        still = torch.zeros(len(chances), device=instance.device)
        return LearnedState(z, instance.allowed, chances, still, random, still.long())

    def step(self, instance: Instance, state: LearnedState) -> tuple[LearnedState, Info]:
        net = self.net(instance)
        how = {name: getattr(self, name) for name in self.dials}
        with torch.no_grad():
            view = net.backbone.view(replace(instance, allowed=state.allowed))
            improved = net.solve_step(state.z, view, state.allowed, state.random, state.age, **how)
        z, chances, halt, change, energy = improved
        age = state.age + 1
        allowed = state.allowed
        if self.commit or self.doubt < 1:
            doubtful = in_doubt(allowed, chances)
            # Fewer than two segments tell nothing yet; between two commitments the net has one to think about the last.
            calm = (change < self.commit) & (age % net.steps_per_segment == 0) & (age >= 2 * net.steps_per_segment)
            # A random recursion is never calm: what leaves most of the answer in doubt for long has many answers.
            share = doubtful.sum(1) / instance.free.sum(1).clamp(min=1)
            lost = (share > self.doubt) & (age >= 3 * net.steps_per_segment)
            # What is likely need not be part of the best answer.
            due = (calm | lost) & ~instance.minimises
            allowed = decimate(allowed, chances, due[:, None] & doubtful, state.random.at(age))
        return LearnedState(z, allowed, chances, halt, state.random, age), Info(energy, change)

    def decode(self, instance: Instance, state: LearnedState) -> Tensor:
        return state.chances.argmax(-1)

    def settled(self, instance: Instance, state: LearnedState, info: Info) -> Tensor:
        """In order of trust after the checker: the state stands still; the net believes it is right; depth is spent."""
        spent = state.age >= self.depth(self.net(instance))
        return (info.residual < self.tolerance) | (state.halt > self.halt) | spent

    def depth(self, net: Reasoner) -> int:
        """Steps after which a row ends: it starts anew, unless its answer holds."""
        return self.segments * net.steps_per_segment

    def net(self, instance: Instance) -> Reasoner:
        """The trained net on the instance's device; the solver must be bound."""
        device = instance.device
        return loaded(type(self), self._card, str(device), self._dtype(device), self.compiled)

    def _dtype(self, device: torch.device) -> torch.dtype:
        if self.precision != "auto":
            return torch.float32 if self.precision == "float32" else torch.bfloat16
        fast = device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.bfloat16 if fast else torch.float32
