"""The base of the learned solvers: options, trained weights, and steps of a trained recursion."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor

from ..engine.compile import Instance, compile_problems
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.random import Random
from ..engine.registry import BACKBONES, entries
from ..engine.rows import BatchSize
from ..engine.solver import AbstractSolver, Info, OptionError, Solver
from ..engine.state import put_rows, select_rows
from ..engine.task import Task
from ..engine.values import Assignment
from ..engine.weights import Card, CheckpointError, find
from .completion import completed, fixed
from .decimation import decimate, undecided
from .flops import step_flops
from .nets.backbones import backbone
from .nets.reasoner import Latent, Reasoner
from .nets.shape import NetShape
from .weights import choose, loaded, trained_for

Sizes = Mapping[str, Any]

CPU_LITERALS = 12_000
"""Literals of a batch on a CPU, so that it fits into the caches. A step of 9×9 Sudokus takes 2.1 ms per board with 16
rows, 8 ms with 64."""
GPU_LITERALS = 1 << 22
SERIAL_LITERALS = 1000
"""Literals of a batch on a CPU that one thread steps. For one 9×9 board two threads take as long as one, and beside other
programs 3.6 times as long, because each operation waits for both."""
UNDECIDED_SHARE = "share of undecided variables above which a row fixes one variable per step (1: never)"
BRANCH = (
    "most open branches of a search for each problem that its trajectory leaves without an answer; the search is"
    " complete, so that it may answer unsatisfiable (0: no search)"
)

PROPAGATE = (
    "whether propagation fixes variables before the first step, and completes the values that the net is sure of"
)
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
"""Training settings that HRM and TRM published, with AdamW as in TRM's paper."""


@dataclass(frozen=True)
class LearnedState:
    """Args:
    z: latent states of the recursion, [B, S, H] each.
    allowed: [B, V, D] values that are left by domains, givens and the variables that decimation fixed.
    chances: [B, V, D] log-probabilities of the values, minus infinity where a value is not allowed.
    halt: [B] the net's estimate of the probability that its answer is right.
    random: one stream per row.
    age: [B] steps since the row's start.
    """

    z: Latent
    allowed: Tensor
    chances: Tensor
    halt: Tensor
    random: Random
    age: Tensor


class Learned(Solver):
    """Base of the learned solvers. A subclass implements ``reasoner`` and sets ``presets``.

    An unbound solver has options only. ``bind`` chooses trained weights for a problem and returns a solver with the
    same options and ``weights`` set. Only a bound solver can step.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Sizes]]]
    """Preset -> backbone -> sizes of the net; a preset's first backbone is its default."""
    inference_options: ClassVar[frozenset[str]] = frozenset()
    """Options of a subclass that change only the solving, with any weights; passed to ``Reasoner.solve_step``."""
    former: ClassVar[frozenset[str]] = frozenset()
    """Former options of a subclass. Its ``from_options`` still accepts them."""
    renamed_options: ClassVar[Mapping[str, str]] = {"commit": "decimation_residual", "doubt": "undecided_share"}
    # Nets are trained on shortest paths. A bound on the objective is a constraint that no net was trained on.
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"
    batch_size: ClassVar[BatchSize] = BatchSize(CPU_LITERALS, gpu_literals=GPU_LITERALS)
    auto_turn: ClassVar[int | None] = 9
    """Position in ``auto``, lowest first; equal positions by name. None: ``auto`` does not run the solver."""

    preset: Literal["small", "paper"] = Field(
        "small", description="sizes of the net to train: small (as in the included weights) or paper (as published)"
    )
    backbone: str | None = Field(
        None, description="name of the net inside the recursion (default: as in the weights, or the preset's first)"
    )
    hidden: int | None = Field(None, ge=8, le=4096, description="width of a state (default: as in the preset)")
    layers: int | None = Field(None, ge=1, le=64, description="layers of the net (default: as in the preset)")
    inner: int | None = Field(None, ge=8, le=16384, description="inner width of the SwiGLU (default: as in the preset)")
    weights: str | None = Field(
        None, description="name or .safetensors file of trained weights (default: those that fit the problem best)"
    )
    segments: int = Field(64, ge=1, description="segments after which an unsolved row restarts")
    halt: float = Field(
        1.0,
        gt=0,
        le=1,
        description="estimated probability of a right answer above which a row settles (1: never)",
    )
    decimation_residual: float = Field(
        0.2, ge=0, description="residual below which an unsolved row fixes its most certain variable (0: never)"
    )
    undecided_share: float = Field(1.0, gt=0, le=1, description=UNDECIDED_SHARE)
    propagate: bool = Field(False, description=PROPAGATE)
    branch: int = Field(0, ge=0, le=1 << 20, description=BRANCH)
    copies: int = Field(1, ge=1, description="copies of a problem that run side by side, unless --restarts is given")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format of the net when solving; auto is bfloat16 if the hardware supports it"
    )
    compiled: bool = Field(
        False,
        description="whether to compile the net, in half a minute; faster for thousands of problems on a GPU",
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
        """Training settings that differ from the defaults of ``Recipe``."""
        return {}

    @abstractmethod
    def reasoner(self, shape: NetShape) -> Reasoner:
        """An untrained net with these options.

        Args:
            shape: sizes of the net.
        """

    def shape(self, **fitted: Any) -> NetShape:
        """The sizes of the net: those of the preset, changed by the given options and by ``fitted``.

        A backbone that the preset does not name has sizes of its own (``Backbone.sizes``).

        Args:
            fitted: sizes that depend on the problems: roles, values, variables.

        Raises:
            OptionError: neither the preset nor the backbone has sizes.
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
        """Options of a subclass that define the recursion. They must be as in the training of the weights."""
        return frozenset(cls.model_fields) - frozenset(Learned.model_fields) - cls.inference_options

    def supports(self, graph: ConstraintGraph) -> str | None:
        if graph.inexact:
            return graph.inexact
        try:
            choose(self, graph)
        except CheckpointError as error:
            return f"{error} ({error.hint})" if error.hint else str(error)
        return None

    def samples(self, problem: Problem) -> str | None:
        if self._searches(problem):
            return None
        try:
            fixed = choose(self, problem.graph, problem.family).options.get("random_start") is False
        except CheckpointError:
            return None  # bind raises the same error, with the reason
        return "its weights start every row from the same state, and no step is random" if fixed else None

    def bind(self, problem: Problem) -> AbstractSolver:
        """A solver with the same options that names its weights. Their card is read here; no step reads it again.

        With ``branch`` it is a search by this solver, except where the graph has an objective: the search does not look
        for the cheapest solution.

        Raises:
            CheckpointError: no weights fit the problem.
        """
        path = str(choose(self, problem.graph, problem.family).path)
        given = {name: getattr(self, name) for name in self.model_fields_set}
        bound = type(self)(**{**given, "weights": path})
        bound._card  # noqa: B018  # read and kept, so that replacing the file during a run does not change the net
        if not self._searches(problem):
            return bound
        from .branching import Branching

        return Branching(learned=bound)

    def _searches(self, problem: Problem) -> bool:
        objective = problem.graph.objective
        return self.branch > 0 and not (objective and any(objective.coefficients.values()))

    @cached_property
    def _card(self) -> Card:
        """The card of the named weights.

        Raises:
            CheckpointError: no weights are named, or they have no card.
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
        allowed = fixed(instance) if self.propagate else instance.allowed
        rows = self._open(allowed)
        some, streams = (instance, random) if rows is None else (instance.select(rows), select_rows(random, rows))
        with torch.no_grad(), _threads(instance):
            z = net.begin(net.backbone.view(some), streams)
        if rows is not None:
            z = tuple(each.new_zeros(len(allowed), *each.shape[1:]).index_copy_(0, rows, each) for each in z)
        chances = torch.zeros(instance.shape, device=instance.device).masked_fill(~allowed, -torch.inf)
        still = torch.zeros(len(chances), device=instance.device)
        return LearnedState(z, allowed, chances, still, random, still.long())

    def _open(self, allowed: Tensor) -> Tensor | None:
        """[N] the rows with an open variable, the only ones that need the net; None if all rows are to be stepped."""
        if not self.propagate:
            return None
        rows = (allowed.sum(2) > 1).any(1).nonzero()[:, 0]
        return rows if len(rows) < len(allowed) else None

    def step(self, instance: Instance, state: LearnedState) -> tuple[LearnedState, Info]:
        rows = self._open(state.allowed)
        if rows is None:
            return self._step(instance, state)
        info = Info(*torch.zeros(2, len(state.age), device=instance.device))
        if len(rows):
            part, changed = self._step(instance.select(rows), select_rows(state, rows))
            state, info = put_rows(state, rows, part), put_rows(info, rows, changed)
        return state, info

    def _step(self, instance: Instance, state: LearnedState) -> tuple[LearnedState, Info]:
        net = self.net(instance)
        how = {name: getattr(self, name) for name in self.inference_options}
        with torch.no_grad(), _threads(instance):
            view = net.backbone.view(replace(instance, allowed=state.allowed))
            improved = net.solve_step(state.z, view, state.allowed, state.random, state.age, **how)
        z, chances, halt, change, energy = improved
        age = state.age + 1
        allowed = state.allowed
        if self.decimation_residual or self.undecided_share < 1:
            open_ = undecided(allowed, chances)
            # The residual of the first two segments is not used. Between two decimations the net runs one segment.
            calm = (
                (change < self.decimation_residual)
                & (age % net.steps_per_segment == 0)
                & (age >= 2 * net.steps_per_segment)
            )
            # The residual of a recursion with noise is never small. If most variables stay undecided, the problem has
            # many solutions.
            share = open_.sum(1) / instance.free.sum(1).clamp(min=1)
            lost = (share > self.undecided_share) & (age >= 3 * net.steps_per_segment)
            # With an objective nothing is fixed: a likely value need not be part of the cheapest solution.
            due = (calm | lost) & ~instance.minimises
            allowed = decimate(allowed, chances, due[:, None] & open_, state.random.at(age))
        return LearnedState(z, allowed, chances, halt, state.random, age), Info(energy, change)

    def decode(self, instance: Instance, state: LearnedState) -> Tensor:
        return completed(instance, state.allowed, state.chances) if self.propagate else state.chances.argmax(-1)

    def beliefs(self, instance: Instance, state: LearnedState) -> Tensor:
        return state.chances.float().softmax(-1).nan_to_num(0.0)  # padding has no value

    def predict(self, problem: Problem, task: Task) -> Assignment | None:
        """The net's answer after ``segments`` segments, if weights are named or trained on the problem's family.

        Args:
            problem: without constraints and objective.
            task: seed, device and time.
        """
        if self.weights is None and not trained_for(self, problem):
            return None
        instance = compile_problems([problem], device=task.device)
        card, device = choose(self, problem.graph, problem.family), instance.device
        net = loaded(type(self), card, str(device), self._dtype(device), self.compiled)
        random = instance.streams([(task.seed, problem.digest)])
        how = {name: getattr(self, name) for name in self.inference_options}
        with torch.no_grad():
            view = net.backbone.view(instance)
            z = net.begin(view, random)
            for step in range(self.depth(net)):
                age = torch.full_like(instance.template, step)
                z, chances, *_ = net.solve_step(z, view, instance.allowed, random, age, **how)
                if task.over:
                    break
        return instance.assignments(chances.argmax(-1))[0]

    def settled(self, instance: Instance, state: LearnedState, info: Info) -> Tensor:
        """[B] bool: the state no longer changes, the net estimates that it is right, or the depth is reached."""
        spent = state.age >= self.depth(self.net(instance))
        settled: Tensor = (info.residual < self.tolerance) | (state.halt > self.halt) | spent
        return settled

    def step_flops(self, instance: Instance, state: LearnedState) -> float | None:
        """Multiplications and additions of the matrix products in a step of the net; other operations are few.

        None for a net that does not run with another number of rows.
        """
        how = {name: getattr(self, name) for name in self.inference_options}
        try:
            return step_flops(self.net(instance), self.checkpoint, instance, state, how)
        except Exception:  # nets of plugins; a figure must not cost an answer
            return None

    def depth(self, net: Reasoner) -> int:
        """Steps after which an unsolved row restarts.

        Args:
            net: of the weights.
        """
        return self.segments * net.steps_per_segment

    def net(self, instance: Instance) -> Reasoner:
        """The trained net on the instance's device.

        Args:
            instance: to be solved.

        Raises:
            CheckpointError: the solver is not bound, or the weights are damaged.
        """
        device = instance.device
        return loaded(type(self), self._card, str(device), self._dtype(device), self.compiled)

    def _dtype(self, device: torch.device) -> torch.dtype:
        if self.precision != "auto":
            return torch.float32 if self.precision == "float32" else torch.bfloat16
        fast = device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.bfloat16 if fast else torch.float32


@contextmanager
def _threads(instance: Instance) -> Iterator[None]:
    """One thread of torch inside the block, where the batch is small."""
    before = torch.get_num_threads()
    serial = instance.device.type == "cpu" and instance.allowed.numel() <= SERIAL_LITERALS
    try:
        torch.set_num_threads(1 if serial else before)
        yield
    finally:
        torch.set_num_threads(before)
