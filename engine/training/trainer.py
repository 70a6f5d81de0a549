"""The trainer: segments with carried, detached states, an optimiser step a segment, rows replaced as they are solved."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..examples import Examples, Stream
from ..memory import out_of_memory
from . import checkpoint
from .blocks import Blocks, workers
from .ema import Ema
from .learner import autocast, is_right, masked
from .loss import cross_entropy, violation_loss
from .optimizers import optimizers
from .processes import Processes
from .progress import Session, Tally, TrainingProgress
from .recipe import Recipe
from .rows import LOG_EVERY, Rows
from .validation import evaluate, validation_sets

COMPILED_CASES = 64
"""Shapes and kinds of call that a compiled layer may see; beyond them it runs uncompiled."""


class Trainer:
    """Trains a learner on streams, by turns; what it needs to go on is in one file, written every few minutes.

    At each checkpoint all rows restart and the random numbers are seeded from (seed, step): what follows depends on the
    file alone, so a resumed training takes the steps that an uninterrupted one takes.

    Args:
        learner: a module; it is trained in place, and ends with the averaged weights.
        streams: where examples come from; each has a stream of validation examples beside it.
        recipe: how.
        seed: of every random choice.
        device: where.
        path: the file to resume from and to write; None keeps nothing.
        processes: workers that make examples.
        compiled: compile the nets (worth a minute on a GPU).
        on_progress: called every few steps.
        on_notice: called with text that a person should read.
        cancelled: called every few steps; True ends this session.
        kind: what the learner is, as plain data; a file of a training of another kind is refused.

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
        on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
        on_notice: Callable[[str], None] = lambda text: None,
        cancelled: Callable[[], bool] = lambda: False,
        kind: Mapping[str, Any] | None = None,
    ) -> None:
        self.learner: Any = learner.to(device)
        self.recipe, self.seed, self.path = recipe, seed, path
        self.device = torch.device(device)
        self.streams, self.processes = streams, processes
        self.on_progress, self.on_notice, self.cancelled = on_progress, on_notice, cancelled
        self.kind = dict(kind or {})
        self.group = Processes(self.device)
        self.batch = recipe.batch
        self.step = 0
        self.seconds = 0.0
        self.accuracy: dict[str, float] = {}
        self.history: list[tuple[int, float, float]] = []
        """(step, loss, share unsolved) at each report."""
        self.parameters = [p for p in learner.parameters() if p.requires_grad]
        self.ema = Ema(self.parameters, recipe.ema)
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
        if self.group.count > 1:
            # In a mixture a step may use the maps of some roles only.
            self.net = nn.parallel.DistributedDataParallel(learner, find_unused_parameters=len(streams) > 1)

    @property
    def rank(self) -> int:
        """Which of the training's processes this is; the first one writes."""
        return self.group.rank

    # The loop ---------------------------------------------------------------------------------------------------------

    def run(self, *, minutes: float | None = None, steps: int | None = None, stop_after: float | None = None) -> None:
        """Train until ``minutes`` of this training (all sessions) or ``steps`` are over; the learning rate ends there.

        Args:
            minutes, steps: length of the training.
            stop_after: minutes after which this session ends on the way, to be resumed.

        Raises:
            FloatingPointError: the loss or a weight is not finite; the last checkpoint stays.
            CheckpointError: the file cannot be written.
        """
        session = Session(self.seconds, minutes, steps, stop_after)
        with workers(self.processes) as pool:
            streams = [
                self._rows(train, pool, *position)
                for (train, _), position in zip(self.streams, self.positions, strict=True)
            ]
            count = 0 if self.rank else self.recipe.validation
            checks: dict[str, Examples] = {}
            for stream, check in self.streams if count else ():
                checks |= validation_sets(stream.name, check, count)
            self._reseed()
            self._train(streams, checks, session)
            self.seconds = session.seconds()
            self._checkpoint(streams, checks)
        self.ema.finish()

    def _rows(self, stream: Stream, pool: ProcessPoolExecutor | None, index: int, taken: int) -> Rows:
        blocks = Blocks(stream, self.recipe.block, pool, self.group.rank, self.group.count)
        return Rows(blocks, self.learner, self.recipe, self.generator, seed=self.seed, index=index, taken=taken)

    def _train(self, streams: Sequence[Rows], checks: Mapping[str, Examples], session: Session) -> None:
        """Take steps until the training or the session is over."""
        ended = self._ended(session)
        saved, tally = time.monotonic(), Tally(self.device, self.step)
        while True:
            if self.group.count == 1 or self.step % LOG_EVERY == 0:  # to agree is to wait for each other
                ended = self._ended(session)
            done = session.share(self.step, self.seconds)
            if done >= 1 or ended:
                return
            try:
                tally.add(self._step(streams[self.step % len(streams)], done))
            except (RuntimeError, MemoryError) as error:
                # The other processes of a group wait in the sum of their gradients: no going on alone.
                if not out_of_memory(error) or self.batch == 1 or self.group.count > 1:
                    raise
                self._halve(streams)
                continue
            self.step += 1
            if self.step % LOG_EVERY:
                continue
            progress = tally.report(self.step, self.seconds, done, self.accuracy)
            self.history.append((self.step, progress.loss, 1 - progress.solved))
            self.on_progress(progress)
            for rows in streams:
                rows.advance()
            if self.group.broadcast(time.monotonic() - saved > 60 * self.recipe.save_minutes):
                self._checkpoint(streams, checks)
                saved = time.monotonic()

    def _ended(self, session: Session) -> bool:
        """Look at the clock; whether the session ends on the way. All ranks follow the first one."""
        self.seconds = self.group.broadcast(session.seconds())
        return bool(self.group.broadcast(self.cancelled() or session.over(self.seconds)))

    def _step(self, rows: Rows, done: float) -> Tensor:
        """One segment and one optimiser step: [loss, boards replaced, of them solved, their segments, 1]."""
        rows.load(self.batch)
        instance, targets = rows.instance, rows.targets
        with autocast(self.device):
            view = self.learner.backbone.view(instance)
            z = rows.states(view)
            z, said = self.net(z, view, rows.target(instance, targets))
        logits = masked(said.logits, instance)
        with torch.no_grad():
            right = is_right(instance, logits, targets)
        if said.loss is not None:
            loss = said.loss
        elif targets.shape[1]:
            loss = cross_entropy(logits, targets, instance.free, self.recipe.loss == "stablemax")
        else:
            loss = violation_loss(logits, instance)
        halting = nn.functional.binary_cross_entropy_with_logits(said.halt[:, 0].float(), right.float())
        if said.halt.shape[1] > 1:
            halting = halting + self._continue_loss(z, view, said.halt[:, 1].float())
        (loss.mean() + self.recipe.halt_weight * halting).backward()
        self._update(done)
        with torch.no_grad():
            counts = rows.carry(z, right)
        return torch.cat((loss.detach().mean()[None], counts.float(), torch.ones(1, device=self.device)))

    def _continue_loss(self, z: tuple[Tensor, ...], view: Any, logit: Tensor) -> Tensor:
        """HRM's second halting loss: the value of another segment, as the net itself sees it then."""
        with torch.no_grad(), autocast(self.device):
            _, later = self.learner(tuple(t.detach() for t in z), view)
            value = later.halt.float().amax(1).sigmoid()
        return nn.functional.binary_cross_entropy_with_logits(logit, value)

    def _update(self, done: float) -> None:
        """One step of the optimisers: linear warm-up, then a cosine over the share of the training that is over."""
        recipe = self.recipe
        scale = recipe.final_lr + (1 - recipe.final_lr) * (1 + math.cos(math.pi * min(done, 1))) / 2
        rate = recipe.lr * scale * min(1.0, (self.step + 1) / max(recipe.warmup, 1))
        torch.nn.utils.clip_grad_norm_(self.parameters, recipe.grad_clip, foreach=True)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.ema.update(self.step)

    def _halve(self, streams: Sequence[Rows]) -> None:
        """Out of memory: half the rows from here on."""
        self.batch //= 2
        self.on_notice(f"out of memory: going on with batches of {self.batch}")
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        for rows in streams:
            rows.drop()
        torch.cuda.empty_cache()

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def _checkpoint(self, streams: Sequence[Rows], checks: Mapping[str, Examples]) -> None:
        """Validate, write, and restart all rows.

        Raises:
            FloatingPointError: a weight is not finite; nothing is written.
        """
        if not all(bool(t.isfinite().all()) for t in (*self.parameters, *self.ema.average)):
            raise FloatingPointError(f"the weights are not finite at step {self.step}")
        with self.ema.applied():
            for name, examples in checks.items():
                self.accuracy[name] = self.validate(examples, self.recipe.eval_segments)
        # A learner that sees answers lowers its loss by passing them to itself; only validation says how good it is.
        if self.learner.uses_targets and self.accuracy:
            self.ema.choose(sum(self.accuracy.values()) / len(self.accuracy))
        for rows in streams:
            rows.pause()
        self.positions = [(rows.index, rows.taken) for rows in streams]
        if self.path is not None and self.rank == 0:
            self._save(self.path)
        self._reseed()

    def validate(self, examples: Examples, depth: int) -> float:
        """Share of the examples that the weights as they are solve within ``depth`` segments."""
        return evaluate(self.learner, examples, depth=depth, batch=self.batch, generator=self.generator)

    def _reseed(self) -> None:
        """Seed the random numbers from seed and step alone."""
        seed = hash((self.seed, self.step, self.rank)) % 2**63
        self.generator.manual_seed(seed)
        if self.learner.uses_targets:  # distributions draw from the global generator
            torch.manual_seed(seed)

    def _save(self, path: Path) -> None:
        tensors = {f"weight.{i}": p.detach() for i, p in enumerate(self.parameters)}
        tensors |= {f"buffer.{name}": b for name, b in self.learner.named_buffers()}
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "batch": self.batch,
            "positions": self.positions,
            "accuracy": self.accuracy,
            "best": self.ema.accuracy,
            "history": self.history,
            "of": self._identity(),
        }
        checkpoint.write(path, state, tensors | self.ema.tensors() | checkpoint.tensors_of(self.optimizers))

    def _identity(self) -> dict[str, Any]:
        """What must be the same for a training to go on."""
        shapes = [list(p.shape) for p in self.parameters]
        streams = [[s.name, s.seed] for s, _ in self.streams]
        recipe = self.recipe.model_dump(exclude={"save_minutes", "validation", "eval_segments"})  # these change no step
        return {**self.kind, "shapes": shapes, "streams": streams, "seed": self.seed, **recipe}

    def _resume(self, path: Path) -> None:
        state, tensors = checkpoint.read(path, self._identity())
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                p.copy_(tensors[f"weight.{i}"])
            for name, b in self.learner.named_buffers():
                b.copy_(tensors[f"buffer.{name}"])
        self.ema.restore(tensors, state["best"])
        checkpoint.restore(self.optimizers, tensors)
        self.step, self.seconds, self.batch = state["step"], state["seconds"], state["batch"]
        self.positions = [(int(b), int(n)) for b, n in state["positions"]]
        self.accuracy = state["accuracy"]
        self.history = [(int(s), float(a), float(b)) for s, a, b in state["history"]]
        self.on_notice(f"resuming at step {self.step} ({self.seconds / 60:.1f} minutes so far)")
