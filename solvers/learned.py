"""What the learned solvers share: options, trained weights, a state in the engine's loop."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, PrivateAttr, ValidationError
from torch import Tensor

from ..engine.choice import ranked, refused
from ..engine.compile import Instance
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.random import Random
from ..engine.solution import Solution
from ..engine.solver import Info, OptionError, Solver
from ..engine.task import Task
from ..engine.weights import Card, CheckpointError, cards, find, load_tensors, read_card
from .decimation import decimate, in_doubt
from .nets.reasoner import BACKBONES, Latent, Reasoner
from .nets.shape import NetShape

Sizes = Mapping[str, Any]

CPU_LITERALS = 12_000
"""Literals of a batch on a processor: what its caches hold. 9 x 9 Sudokus take 2.1 ms a board and step in rows of 16, 8 ms in
rows of 64."""
GPU_LITERALS = 1 << 22
REACH = 6
"""A problem of so many times the literals of those trained on is too far from them to be tried without being asked."""
DOUBT = "share of open variables in doubt above which a row takes a likely value as given every step (1: never)"

PUBLISHED: Mapping[str, Any] = {
    "batch": 768,
    "optimizer": "adamw",
    "lr": 1e-4,
    "warmup": 2000,
    "floor": 1.0,
    "weight_decay": 1.0,
    "loss": "stablemax",
    "halt_weight": 0.5,
    "most": 16,
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
    """Options of a subclass that say how to solve, whatever the weights: no part of the net."""
    pursues: ClassVar[bool] = True

    preset: Literal["small", "paper"] = Field("small", description="sizes to train: what ships, or as published")
    backbone: Literal["lattice", "tokens", "mixer"] | None = Field(
        None, description="the net under the recursion (default: the preset's first, or the weights')"
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

    _literals: int = PrivateAttr(CPU_LITERALS)

    # Building ---------------------------------------------------------------------------------------------------------

    def recipe(self) -> Mapping[str, Any]:
        """Training settings in place of ``Recipe``'s defaults."""
        return {}

    @abstractmethod
    def reasoner(self, shape: NetShape) -> Reasoner:
        """An untrained net of these options."""

    def shape(self, **fitted: Any) -> NetShape:
        """The net's sizes: the preset's, with the options that were given, and ``fitted`` to the problems.

        Raises:
            OptionError: the preset has no such backbone.
        """
        choices = self.presets[self.preset]
        backbone: str = self.backbone or next(iter(choices))
        if backbone not in choices:
            raise OptionError(f"solver {self.name}: preset {self.preset} has the backbones {', '.join(choices)}")
        given = {key: getattr(self, key) for key in ("hidden", "layers", "inner") if getattr(self, key) is not None}
        return NetShape(backbone=backbone, **{**choices[backbone], **given, **fitted})

    # Weights ----------------------------------------------------------------------------------------------------------

    def card(self, graph: ConstraintGraph, family: str = "") -> Card:
        """The weights for a graph: those that were named, else the first that ``choice.ranked`` gives of those that support it.

        Raises:
            CheckpointError: none, with the command that trains some.
        """
        if self.weights is not None:
            card = find(self.weights)
            self._refuse(card)
            reason = _unreadable(card, graph)
            if reason:
                raise CheckpointError(f"{card.name}: {reason}")
            return card
        able = [c for c in cards() if c.solver == self.name and self._fits(c) and _unreadable(c, graph) is None]
        if not able:
            where = f"for {family} problems" if family else "for this graph"
            raise CheckpointError(f"no trained weights of {self.name} {where}", self._advice(family))
        chosen = ranked(able, family, max(map(len, graph.domains.values()), default=0), len(graph.domains))
        if not chosen:
            name = able[0].name
            raise CheckpointError(
                f"the weights {name} are not used unless they are named: {refused(able[0])}",
                f"train for longer, or name them: -o weights={name}",
            )
        return chosen[0]

    def supports(self, graph: ConstraintGraph) -> str | None:
        if graph.inexact:
            return graph.inexact
        try:
            self.card(graph)
        except CheckpointError as error:
            return f"{error} ({error.hint})" if error.hint else str(error)
        return None

    def _refuse(self, card: Card) -> None:
        """Refuse weights of another architecture than the options ask for."""
        if card.solver != self.name:
            raise CheckpointError(
                f"{card.name} are weights of {card.solver}, not of {self.name}", f"--solver {card.solver}"
            )
        for key, asked in self._architecture():
            had = {**card.shape, **card.options}.get(key)
            if asked != had:
                raise CheckpointError(
                    f"{card.name} were trained with {key}={had}, not {asked}", f"leave out -o {key} or -o weights"
                )

    def _fits(self, card: Card) -> bool:
        return all({**card.shape, **card.options}.get(key) == asked for key, asked in self._architecture())

    def _architecture(self) -> list[tuple[str, Any]]:
        """The options given that must be as the weights were trained: sizes, and what a subclass's recursion adds."""
        recursion = set(type(self).model_fields) - set(Learned.model_fields) - self.dials
        given = self.model_fields_set & {"backbone", "hidden", "layers", "inner", *recursion}
        return [(key, getattr(self, key)) for key in sorted(given) if getattr(self, key) is not None]

    def _advice(self, family: str) -> str:
        return f"train some: solve train {self.name} --on {family or 'FAMILY:SPEC'} --minutes 5"

    def ready(self) -> None:
        """Refuse at once what a run would stumble over: named weights that are missing, changed, or of another net.

        Raises:
            CheckpointError: why, and what to do.
        """
        if self.weights is not None:
            card = find(self.weights)
            self._refuse(card)
            _loaded(type(self), str(card.path), card.sha256, "cpu", torch.float32)

    def trained(self, card: Card, roles: Collection[str]) -> tuple[Self, Reasoner]:
        """The solver with the options of some weights, and their net in float32, to be trained on.

        Args:
            card: of the weights.
            roles: of literal groups that the lattice is to read. What it makes of those that are new to it is zero at first:
                on graphs without them it stays the net that it was.

        Raises:
            CheckpointError: the weights are damaged, or of another solver or net than the options ask for.
        """
        self._refuse(card)
        solver, net = self.model_validate(card.options), _read(type(self), card)
        shape = net.backbone.shape
        if shape.backbone != "lattice" or set(roles) <= set(shape.roles):
            return solver, net
        larger = solver.reasoner(shape.model_copy(update={"roles": tuple(sorted({*shape.roles, *roles}))}))
        known = net.state_dict()
        with torch.no_grad():
            for name, tensor in larger.state_dict().items():
                tensor.copy_(known.get(name, torch.zeros(())))
        return solver, larger

    def trained_for(self, problem: Problem) -> bool:
        """Whether there are weights that support the problem and were trained on its family, on problems not much smaller."""
        # Sizes first: to list the literal groups of a large graph takes longer than most limits.
        mine = [card for card in cards() if card.solver == self.name or self.weights is not None]
        if problem.graph.literals > REACH * max((card.sizes.get(problem.family, 0) for card in mine), default=0):
            return False
        try:
            card = self.card(problem.graph, problem.family)
        except CheckpointError:
            return False
        return problem.graph.literals <= REACH * card.sizes.get(problem.family, 0)

    # Running ----------------------------------------------------------------------------------------------------------

    def width(self, graph: ConstraintGraph) -> int:
        return self.rows or max(1, self._literals // max(1, graph.literals))

    def starts(self) -> int | None:
        return self.copies

    def samples(self, problem: Problem) -> str | None:
        try:
            fixed = self.card(problem.graph, problem.family).options.get("random_start") is False
        except CheckpointError:
            return None  # solving it tells more
        return "its weights start every trajectory from the same state, and no step is random" if fixed else None

    def improves(self, problem: Problem) -> bool:
        # A shortest path is what the net was shown; a bound on its length is a constraint that it has never seen.
        return problem.graph.objective is None

    @property
    def checkpoint(self) -> str | None:
        return None if self.weights is None else find(self.weights).sha256

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        """The engine's loop, once for each set of weights that the problems ask for."""
        groups: dict[str, list[int]] = defaultdict(list)
        for i, problem in enumerate(problems):
            groups[str(self.card(problem.graph, problem.family).path)].append(i)
        left = len(problems)
        for path, members in groups.items():
            portion = task.share(task.remaining * len(members) / left)
            left -= len(members)
            mine = self.model_copy(update={"weights": path})
            mine._literals = GPU_LITERALS if task.device.startswith("cuda") else CPU_LITERALS
            yield from mine._batches(problems, members, portion)

    def _batches(
        self, problems: Sequence[Problem], members: Sequence[int], task: Task
    ) -> Iterator[tuple[int, Solution]]:
        """The loop on some of the problems; when memory runs out, the unanswered ones again in half as many rows."""
        open_ = list(members)
        while open_:
            try:
                asked = list(open_)
                for n, solution in super().run([problems[i] for i in asked], task):
                    open_.remove(asked[n])
                    yield asked[n], solution
            except torch.OutOfMemoryError:
                if self.rows is not None or self._literals < CPU_LITERALS:
                    raise
                self._literals //= 2
                torch.cuda.empty_cache()
                task.on_notice(f"out of memory: going on with batches of {self._literals} literals")

    def init(self, instance: Instance, random: Random) -> LearnedState:
        net = self.net(instance)
        with torch.no_grad():
            z = net.begin(net.backbone.view(instance), random)
        chances = torch.zeros(instance.shape, device=instance.device).masked_fill(~instance.allowed, -torch.inf)
        still = torch.zeros(len(chances), device=instance.device)
        return LearnedState(z, instance.allowed, chances, still, random, still.long())

    def step(self, instance: Instance, state: LearnedState) -> tuple[LearnedState, Info]:
        net = self.net(instance)
        with torch.no_grad():
            view = net.backbone.view(replace(instance, allowed=state.allowed))
            z, chances, halt, change, energy = net.improve(state.z, view, state.allowed, state.random, state.age)
        age = state.age + 1
        allowed = state.allowed
        if self.commit or self.doubt < 1:
            doubtful = in_doubt(allowed, chances)
            # Fewer than two segments tell nothing yet; between two commitments the net has one to think about the last.
            calm = (change < self.commit) & (age % net.per_segment == 0) & (age >= 2 * net.per_segment)
            # A random recursion is never calm: what leaves most of the answer in doubt for long has many answers.
            share = doubtful.sum(1) / instance.free.sum(1).clamp(min=1)
            lost = (share > self.doubt) & (age >= 3 * net.per_segment)
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
        return self.segments * net.per_segment

    def net(self, instance: Instance) -> Reasoner:
        """The trained net on the instance's device, ready to be asked."""
        card = self.card(instance.graphs[0]) if self.weights is None else find(self.weights)
        device = instance.device
        return _loaded(type(self), str(card.path), card.sha256, str(device), self._dtype(device), self.compiled)

    def _dtype(self, device: torch.device) -> torch.dtype:
        if self.precision != "auto":
            return torch.float32 if self.precision == "float32" else torch.bfloat16
        fast = device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.bfloat16 if fast else torch.float32


def _unreadable(card: Card, graph: ConstraintGraph) -> str | None:
    """Why the net of a card cannot read a graph, or None."""
    try:
        shape = NetShape(**card.shape)
    except ValueError:
        return "its card does not describe a net"
    return BACKBONES[shape.backbone].supports(shape, graph)


@lru_cache(maxsize=8)
def _loaded(
    kind: type[Learned], path: str, sha256: str, device: str, dtype: torch.dtype, compiled: bool = False
) -> Reasoner:
    """Keyed by content: a file that was replaced is another net."""
    net = _read(kind, read_card(path)).eval().requires_grad_(False).to(device, dtype)
    if compiled:
        net.compile_solving()
    return net


def _read(kind: type[Learned], card: Card) -> Reasoner:
    """The net of a card with its weights."""
    with torch.random.fork_rng(devices=[]):  # the numbers that a new net starts from are nobody's business
        net = build(card, kind)
    tensors = load_tensors(card)
    missing = set(net.state_dict()) ^ set(tensors)
    wrong = missing or {k for k, t in net.state_dict().items() if t.shape != tensors[k].shape}
    if wrong:
        raise CheckpointError(
            f"{card.name}: its tensors are not those of the net on its card ({min(wrong)})", "train them again"
        )
    net.load_state_dict(tensors)
    return net


def kinds() -> dict[str, type[Learned]]:
    """The learned solvers that are here, by name."""
    from .ebt import Ebt
    from .gram import Gram
    from .hrm import Hrm
    from .looped import Looped
    from .trm import Trm

    return {kind.name: kind for kind in (Looped, Trm, Hrm, Gram, Ebt)}


def build(card: Card, kind: type[Learned] | None = None) -> Reasoner:
    """The untrained net that a card describes.

    Args:
        card: of the weights.
        kind: whose weights they are; by default the solver of that name here.

    Raises:
        CheckpointError: the card's solver or options are not known here.
    """
    kind = kind or kinds().get(card.solver)
    if kind is None:
        raise CheckpointError(f"{card.name} are weights of {card.solver!r}, which is no learned solver here")
    try:
        return kind(**card.options).reasoner(NetShape(**card.shape))
    except ValueError as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{card.name}: its card does not describe a net ({reason})", "train them again") from None
