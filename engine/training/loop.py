"""The training loop: segments with carried, detached state, an optimiser step a segment, solved boards replaced."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..compile import Instance, compile_examples
from ..examples import Examples, Stream
from . import checkpoint
from .blocks import Blocks, order, workers
from .loss import Shown, cross_entropy, violation_loss
from .optimizers import optimizers
from .recipe import Recipe

COMPILED_CASES = 64
"""Shapes and kinds of call that a compiled layer may see; beyond them it runs uncompiled."""
TELL = 20
"""Steps between two looks at the device: reading a number from it waits for all work under way."""


class Learner(Protocol):
    """What can be trained: a ``Reasoner`` of the solvers' room is one; it is an ``nn.Module`` too."""

    backbone: Any
    """``view(instance)`` and ``embed(view)``."""

    sees_answers: bool
    """Whether it is shown an answer and brings a loss of its own."""

    def start(self, x: Tensor, view: Any, draw: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        """Fresh states for input x [B, S, H]."""

    def __call__(self, z: tuple[Tensor, ...], view: Any, shown: Any = None) -> tuple[tuple[Tensor, ...], Any]:
        """A segment: states, and a read-out with ``logits`` [B, V, D], ``halt`` [B, 1 or 2] and ``loss`` [B] or None."""

    def compile(self, **options: Any) -> None:
        """Compile what is applied again and again."""


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training stands.

    Args:
        step, seconds: so far, over all sittings.
        share: of the whole, 0 to 1.
        loss: mean since the last report.
        solved: share of the boards replaced since then that were solved; ``segments`` they took on average.
        accuracy: stream -> share of its validation boards that the averaged weights solved at the last check.
        rate: steps a second.
    """

    step: int
    seconds: float
    share: float
    loss: float
    solved: float
    segments: float
    accuracy: dict[str, float]
    rate: float


@dataclass
class _Lane:
    """One stream's batch under way: a block of examples on the device and the rows that are being worked on."""

    blocks: Blocks
    validation: Examples | None
    index: int = 0
    """Of the block."""
    taken: int = 0
    """Examples of the block that were begun before the last checkpoint."""
    pool: Instance | None = None
    targets: Tensor = field(default_factory=lambda: torch.empty(0))
    sequence: Tensor = field(default_factory=lambda: torch.empty(0))
    rows: Tensor = field(default_factory=lambda: torch.empty(0))
    age: Tensor = field(default_factory=lambda: torch.empty(0))
    limit: Tensor = field(default_factory=lambda: torch.empty(0))
    pick: Tensor = field(default_factory=lambda: torch.empty(0))
    """Which of its known answers a row is shown, 0 to 1."""
    next: Tensor = field(default_factory=lambda: torch.empty(0))
    z: tuple[Tensor, ...] = ()


class Trainer:
    """Trains a learner on streams, by turns; what it needs to go on is in one file, written every few minutes.

    At each checkpoint all carried states start afresh and the random numbers are seeded anew from (seed, step): what
    follows depends on the file alone, so a resumed training takes the steps that an uninterrupted one takes.

    Args:
        learner: a module; it is trained in place, and ends with the averaged weights.
        streams: where examples come from; each has a stream of validation examples beside it.
        recipe: how.
        seed: of every random choice.
        device: where.
        path: the file to resume from and to write; None keeps nothing.
        processes: workers that make examples.
        compiled: compile the nets (worth a minute on a GPU).
        report: told every few steps.
        notice: told what a person should know.
        cancelled: asked every few steps.
        kind: what the learner is, as plain data; a training goes on only with its like.

    Raises:
        CheckpointError: the file is of another training, or cannot be read or written.
    """

    def __init__(
        self,
        learner: Any,
        streams: Sequence[tuple[Stream, Stream]],
        recipe: Recipe,
        *,
        seed: int = 0,
        device: str = "cpu",
        path: Path | None = None,
        processes: int = 0,
        compiled: bool = False,
        report: Callable[[TrainingProgress], None] = lambda progress: None,
        notice: Callable[[str], None] = lambda text: None,
        cancelled: Callable[[], bool] = lambda: False,
        kind: Mapping[str, Any] | None = None,
    ) -> None:
        self.learner: Any = learner.to(device)
        self.recipe, self.seed, self.path = recipe, seed, path
        self.device = torch.device(device)
        self.streams, self.processes = streams, processes
        self.report, self.notice, self.cancelled = report, notice, cancelled
        self.kind = dict(kind or {})
        self.rank, self.world = _world(self.device)
        self.batch = recipe.batch
        self.step = 0
        self.seconds = 0.0
        self.accuracy: dict[str, float] = {}
        self.history: list[tuple[int, float, float]] = []
        """(step, loss, share unsolved) at each report."""
        self.parameters = [p for p in learner.parameters() if p.requires_grad]
        self.average = [p.detach().clone() for p in self.parameters]
        self.best: tuple[float, list[Tensor]] = (-1.0, [])
        """Mean accuracy at the best check, and the averaged weights then."""
        self.optimizers = optimizers(learner, recipe, self.device)
        self.generator = torch.Generator(self.device)
        self.positions: list[tuple[int, int]] = [(0, 0)] * len(streams)
        if path is not None and path.exists():
            self._resume(path)
        if compiled:
            # A case for each family of a mixture, with and without gradients, and one more where a size changes.
            torch._dynamo.config.recompile_limit = COMPILED_CASES
            learner.compile(dynamic=False)  # sizes are rounded so that they stay
        self.net = learner
        if self.world > 1:
            # In a mixture a step may use the maps of some roles only.
            self.net = nn.parallel.DistributedDataParallel(learner, find_unused_parameters=len(streams) > 1)

    # The loop ---------------------------------------------------------------------------------------------------------

    def run(self, *, minutes: float | None = None, steps: int | None = None, until: float | None = None) -> None:
        """Train until ``minutes`` of this training (all sittings) or ``steps`` are over; the learning rate ends there.

        After ``until`` minutes of this sitting it stops on the way, to be resumed.
        """
        with workers(self.processes) as pool:
            lanes = [
                _Lane(Blocks(train, self.recipe.block, pool, self.rank, self.world), self._validation(check), *position)
                for (train, check), position in zip(self.streams, self.positions, strict=True)
            ]
            before, started = self.seconds, time.monotonic()

            def share() -> float:
                by_time = self.seconds / (60 * minutes) if minutes else 0.0
                return max(by_time, self.step / steps if steps else 0.0)

            def stop() -> bool:
                """Look at the clock; whether to end on the way. All ranks hear what the first one says."""
                self.seconds = self._said(before + time.monotonic() - started)
                over = until is not None and self.seconds - before >= 60 * until
                return bool(self._said(self.cancelled() or over))

            self._reseed()
            ended = stop()
            saved, told, since = time.monotonic(), time.monotonic(), self.step
            sums = torch.zeros(5, device=self.device)
            while True:
                if self.world == 1 or self.step % TELL == 0:  # to agree is to wait for each other
                    ended = stop()
                done = share()
                if done >= 1 or ended:
                    break
                try:
                    sums += self._step(lanes[self.step % len(lanes)], done)
                except (RuntimeError, MemoryError) as error:
                    # The other processes of a group are waiting in their gradients' sum: no going on alone.
                    if not out_of_memory(error) or self.batch == 1 or self.world > 1:
                        raise
                    self._halve(lanes)
                    continue
                self.step += 1
                if self.step % TELL:
                    continue
                loss, replaced, solved, segments, count = sums.tolist()  # waits for the device
                sums.zero_()
                if not math.isfinite(loss):
                    raise FloatingPointError(f"the loss is not finite at step {self.step}")
                now = time.monotonic()
                unsolved = 1 - solved / max(replaced, 1)
                self.history.append((self.step, loss / count, unsolved))
                rate = (self.step - since) / (now - told)
                told, since = now, self.step
                self.report(
                    TrainingProgress(
                        self.step,
                        self.seconds,
                        done,
                        loss / count,
                        1 - unsolved,
                        segments / max(replaced, 1),
                        self.accuracy,
                        rate,
                    )
                )
                self._advance(lanes)
                if self._said(now - saved > 60 * self.recipe.save_minutes):
                    self._checkpoint(lanes)
                    saved = time.monotonic()
            self.seconds = before + time.monotonic() - started
            self._checkpoint(lanes)
        self._swap()  # the averaged weights are what is kept
        if self.best[1]:
            with torch.no_grad():
                for p, chosen in zip(self.parameters, self.best[1], strict=True):
                    p.copy_(chosen)

    def _step(self, lane: _Lane, done: float) -> Tensor:
        """One segment and one optimiser step: [loss, boards replaced, of them solved, their segments, 1]."""
        if lane.pool is None:
            self._load(lane)
        assert lane.pool is not None
        recipe = self.recipe
        instance = lane.pool.select(lane.rows)
        targets = lane.targets[lane.rows]
        with self._autocast():
            view = self.learner.backbone.view(instance)
            z = self._fresh(lane, view)
            z, said = self.net(z, view, self._shown(lane, instance, targets))
        logits = said.logits.float().masked_fill(~instance.allowed, -torch.inf)
        free = instance.free
        with torch.no_grad():
            right = self._right(instance, logits, targets)
        if said.loss is not None:
            loss = said.loss
        elif targets.shape[1]:
            loss = cross_entropy(logits, targets, free, recipe.loss == "stablemax")
        else:
            loss = violation_loss(logits, instance)
        halting = nn.functional.binary_cross_entropy_with_logits(said.halt[:, 0].float(), right.float())
        if said.halt.shape[1] > 1:
            halting = halting + self._going_on(z, view, said.halt[:, 1].float())
        (loss.mean() + recipe.halt_weight * halting).backward()
        self._update(done)
        with torch.no_grad():
            lane.z = tuple(t.detach() for t in z)
            lane.age += 1
            over = right | (lane.age >= lane.limit)
            counts = torch.stack([over.sum(), (over & right).sum(), (lane.age * over).sum()])
            self._replace(lane, over)
        return torch.cat((loss.detach().mean()[None], counts.float(), torch.ones(1, device=self.device)))

    def _fresh(self, lane: _Lane, view: Any) -> tuple[Tensor, ...]:
        """The carried states, started where a row is new."""
        x = self.learner.backbone.embed(view).detach()
        dtype = torch.bfloat16 if self.device.type == "cuda" else x.dtype

        def draw(k: int, *shape: int) -> Tensor:
            return torch.randn(len(x), *shape, generator=self.generator, device=self.device, dtype=dtype)

        start = self.learner.start(x.to(dtype), view, draw)
        if not lane.z:
            return tuple(t.contiguous() for t in start)
        new = (lane.age == 0)[:, None, None]  # states are [B, ., .]
        return tuple(torch.where(new, fresh, old) for fresh, old in zip(start, lane.z, strict=True))

    def _shown(self, lane: _Lane, instance: Instance, targets: Tensor) -> Shown | None:
        """One of each row's known answers, the same as long as the row is at work, for a learner that is shown one."""
        if not self.learner.sees_answers:
            return None
        count = (targets >= 0).any(2).sum(1).clamp(min=1)
        chosen = targets[torch.arange(len(targets), device=self.device), (lane.pick * count).long()]
        return Shown(chosen.clamp(min=0), instance.allowed, instance.free)

    def _right(self, instance: Instance, logits: Tensor, targets: Tensor) -> Tensor:
        """[B] rows whose answer is a known solution, or one that breaks nothing where that is all that is asked."""
        answer = logits.argmax(-1)
        known = ((answer[:, None] == targets) | (targets < 0)).all(2).any(1)
        return known | (instance.violations(answer) == 0) if instance.factors else known

    def _going_on(self, z: tuple[Tensor, ...], view: Any, logit: Tensor) -> Tensor:
        """HRM's second halting loss: the value of another segment, as the net itself sees it then."""
        with torch.no_grad(), self._autocast():
            _, later = self.learner(tuple(t.detach() for t in z), view)
            value = later.halt.float().amax(1).sigmoid()
        return nn.functional.binary_cross_entropy_with_logits(logit, value)

    def _update(self, done: float) -> None:
        recipe = self.recipe
        scale = recipe.floor + (1 - recipe.floor) * (1 + math.cos(math.pi * min(done, 1))) / 2
        rate = recipe.lr * scale * min(1.0, (self.step + 1) / max(recipe.warmup, 1))
        torch.nn.utils.clip_grad_norm_(self.parameters, recipe.clip, foreach=True)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        # Young averages forget faster, or they would remember the initial weights for thousands of steps.
        decay = min(recipe.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)

    # Rows and blocks --------------------------------------------------------------------------------------------------

    def _load(self, lane: _Lane) -> None:
        """Put the lane's block on the device and begin its rows."""
        examples = lane.blocks.get(lane.index)
        lane.pool = compile_examples(examples, self.device, factors=_checkable(examples))
        lane.targets = torch.from_numpy(examples.targets).long().to(self.device)
        turns = [order(self.seed, lane.index, turn, len(examples)) for turn in range(self.recipe.passes)]
        # What is left of the last pass is filled up from the front: rows may be begun until the next look.
        spare = np.resize(np.concatenate(turns), len(examples) * self.recipe.passes + (TELL + 1) * self.batch)
        lane.sequence = torch.from_numpy(spare).to(self.device)
        lane.next = torch.tensor(lane.taken, device=self.device)
        lane.rows = torch.zeros(self.batch, dtype=torch.int64, device=self.device)
        lane.age = torch.zeros(self.batch, dtype=torch.int64, device=self.device)
        lane.limit = torch.zeros_like(lane.age)
        lane.pick = torch.zeros(self.batch, device=self.device)
        lane.z = ()
        self._replace(lane, torch.ones_like(lane.rows, dtype=torch.bool))

    def _replace(self, lane: _Lane, over: Tensor) -> None:
        """Begin the next examples in the rows that are over, without waiting for the device."""
        place = (lane.next + over.cumsum(0) - 1).clamp(min=0, max=len(lane.sequence) - 1)
        lane.rows = torch.where(over, lane.sequence[place], lane.rows)
        lane.next = lane.next + over.sum()
        low, high = math.log(self.recipe.fewest), math.log(self.recipe.most + 1)
        chance = torch.rand(self.batch, generator=self.generator, device=self.device)
        limit = (low + (high - low) * chance).exp().long()
        lane.limit = torch.where(over, limit, lane.limit)
        lane.age = torch.where(over, 0, lane.age)
        if self.learner.sees_answers:
            pick = torch.rand(self.batch, generator=self.generator, device=self.device)
            lane.pick = torch.where(over, pick, lane.pick)

    def _advance(self, lanes: Sequence[_Lane]) -> None:
        """Go on to the next block where one is used up."""
        for lane in lanes:
            if lane.pool is not None and int(lane.next) >= len(lane.sequence) - (TELL + 1) * self.batch:
                lane.index, lane.taken, lane.pool = lane.index + 1, 0, None

    def _halve(self, lanes: Sequence[_Lane]) -> None:
        """Out of memory: half the rows from here on."""
        self.batch //= 2
        self.notice(f"out of memory: going on with batches of {self.batch}")
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        for lane in lanes:
            lane.pool = None
        torch.cuda.empty_cache()

    # Validation -------------------------------------------------------------------------------------------------------

    def _validation(self, stream: Stream) -> Examples | None:
        if not self.recipe.validation or self.rank:
            return None
        examples = stream.chunk(0)
        return examples.take(np.arange(min(self.recipe.validation, len(examples))))

    def validate(self, examples: Examples, depth: int) -> float:
        """Share of the examples that the weights as they are solve within ``depth`` segments."""
        # As many rows as a training step has, or compiled nets would be compiled again.
        pool = compile_examples(examples, self.device, factors=_checkable(examples))
        right = 0
        for first in range(0, len(examples), self.batch):
            rows = np.resize(np.arange(first, min(first + self.batch, len(examples))), self.batch)
            instance = pool.select(torch.from_numpy(rows).to(self.device))
            targets = torch.from_numpy(examples.targets[rows]).long().to(self.device)
            solved = torch.zeros(len(rows), dtype=torch.bool, device=self.device)
            with torch.no_grad(), self._autocast():
                view = self.learner.backbone.view(instance)
                z = self._fresh(_Lane(Blocks(self.streams[0][0], 1, None), None), view)
                for _ in range(depth):
                    z, said = self.learner(z, view)
                    logits = said.logits.float().masked_fill(~instance.allowed, -torch.inf)
                    solved |= self._right(instance, logits, targets)
            right += int(solved[: len(examples) - first].sum())
        return right / len(examples)

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def _checkpoint(self, lanes: Sequence[_Lane]) -> None:
        """Check, write, and start all carried states afresh.

        Raises:
            FloatingPointError: a weight is not a number; nothing is written.
        """
        if not all(bool(t.isfinite().all()) for t in (*self.parameters, *self.average)):
            raise FloatingPointError(f"the weights are not finite at step {self.step}")
        self._swap()
        for (stream, _), lane in zip(self.streams, lanes, strict=True):
            if lane.validation is not None:
                self.accuracy[stream.name] = self.validate(lane.validation, self.recipe.depth)
        self._swap()
        self._choose()
        for lane in lanes:
            if lane.pool is not None:
                lane.taken = int(lane.next)
                lane.pool = None
        self.positions = [(lane.index, lane.taken) for lane in lanes]
        if self.path is not None and self.rank == 0:
            self._save(self.path)
        self._reseed()

    def _choose(self) -> None:
        """Keep the weights of the best check, where the loss does not say how good a learner is.

        One that is shown answers lowers it by whispering them to itself, and is no better at finding any.
        """
        if not self.learner.sees_answers or not self.accuracy:
            return
        mean = sum(self.accuracy.values()) / len(self.accuracy)
        if mean >= self.best[0]:
            self.best = mean, [t.clone() for t in self.average]

    def _reseed(self) -> None:
        """Random numbers that follow from seed and step alone."""
        seed = hash((self.seed, self.step, self.rank)) % 2**63
        self.generator.manual_seed(seed)
        if self.learner.sees_answers:  # distributions draw from the global generator
            torch.manual_seed(seed)

    def _swap(self) -> None:
        """Exchange the weights and their average."""
        with torch.no_grad():
            for p, average in zip(self.parameters, self.average, strict=True):
                kept = p.detach().clone()
                p.copy_(average)
                average.copy_(kept)

    def _save(self, path: Path) -> None:
        tensors = {f"weight.{i}": p.detach() for i, p in enumerate(self.parameters)}
        tensors |= {f"average.{i}": t for i, t in enumerate(self.average)}
        tensors |= {f"best.{i}": t for i, t in enumerate(self.best[1])}
        tensors |= {f"buffer.{name}": b for name, b in self.learner.named_buffers()}
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "batch": self.batch,
            "positions": self.positions,
            "accuracy": self.accuracy,
            "best": self.best[0],
            "history": self.history,
            "of": self._identity(),
        }
        checkpoint.write(path, state, tensors | checkpoint.tensors_of(self.optimizers))

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a training to go on."""
        shapes = [list(p.shape) for p in self.parameters]
        streams = [[s.name, s.seed] for s, _ in self.streams]
        recipe = self.recipe.model_dump(exclude={"save_minutes", "validation", "depth"})  # these change no step
        return {**self.kind, "shapes": shapes, "streams": streams, "seed": self.seed, **recipe}

    def _resume(self, path: Path) -> None:
        state, tensors = checkpoint.read(path, self._identity())
        with torch.no_grad():
            for i, (p, average) in enumerate(zip(self.parameters, self.average, strict=True)):
                p.copy_(tensors[f"weight.{i}"])
                average.copy_(tensors[f"average.{i}"])
            if "best.0" in tensors:
                self.best = state["best"], [tensors[f"best.{i}"].to(p) for i, p in enumerate(self.parameters)]
            for name, b in self.learner.named_buffers():
                b.copy_(tensors[f"buffer.{name}"])
        checkpoint.restore(self.optimizers, tensors)
        self.step, self.seconds, self.batch = state["step"], state["seconds"], state["batch"]
        self.positions = [(int(b), int(n)) for b, n in state["positions"]]
        self.accuracy = state["accuracy"]
        self.history = [(int(s), float(a), float(b)) for s, a, b in state["history"]]
        self.notice(f"resuming at step {self.step} ({self.seconds / 60:.1f} minutes so far)")

    def _autocast(self) -> Any:
        return torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext()

    def _said(self, number: float) -> float:
        """What rank 0 says, on all ranks: the learning rate and the end must be the same everywhere."""
        if self.world == 1:
            return number
        said = torch.tensor(number, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(said, 0)
        return said.item()


def _checkable(examples: Examples) -> bool:
    """Whether an answer that breaks nothing is right: not where the best one is asked for."""
    return all(graph.objective is None for graph in examples.graphs)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or here."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _world(device: torch.device) -> tuple[int, int]:
    """This process's rank among how many (torchrun's environment)."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not torch.distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
            torch.distributed.init_process_group("nccl", device_id=device)
        else:
            torch.distributed.init_process_group("gloo")
    return (torch.distributed.get_rank(), world) if world > 1 else (0, 1)


def leave() -> None:
    """End the connection to the other processes of a training, where there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
