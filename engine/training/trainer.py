"""The trainer: one segment and one optimizer step at a time, with carried states; solved rows are replaced."""

from __future__ import annotations

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
from .blocks import Blocks, Origin, workers
from .ema import Ema
from .learner import autocast, continue_loss, is_right, masked, size_of
from .loss import answer_loss
from .optimizers import optimizers
from .processes import Processes, device_of_process
from .progress import Session, Tally, TrainingProgress
from .recipe import Recipe
from .rows import LOG_EVERY, Rows
from .turns import turns
from .validation import evaluate, validation_sets

COMPILED_CASES = 64
"""Most combinations of shapes and modes that a layer is compiled for; it runs uncompiled for further ones."""


class Trainer:
    """Trains a learner on streams in turn. It writes a checkpoint file every few minutes, and can resume from it.

    At each checkpoint all rows restart and the random numbers are seeded from (seed, step). The next steps depend on
    the file alone, so a resumed training takes the same steps as an uninterrupted one, and the file stays small.

    Args:
        learner: the net. It is trained in place and ends with the averaged weights.
        streams: pairs of a training stream and a validation stream. A stream that occurs n times gets n steps of each round.
        recipe: settings of the training.
        seed: random seed.
        device: ``cpu``, ``cuda`` or ``cuda:N``. Under torchrun ``cuda`` is the GPU of the process.
        path: of the checkpoint file, to resume from and to write; None writes none.
        processes: number of workers that generate examples; 0 generates them in this process.
        compiled: whether the net is compiled, which takes about a minute on a GPU.
        on_progress: called with the progress every few steps.
        on_notice: called with messages for the user.
        cancelled: called every few steps; this session ends if it returns True.
        kind: identity of the learner as plain data; a checkpoint of another one is refused.
        first: chunk 0 of each training stream, if they are known.

    Raises:
        CheckpointError: the checkpoint is of another training or cannot be read.

    Example:
        >>> trainer = Trainer(net, [(stream("sudoku:4"), stream("sudoku:4", "validation"))], Recipe())
        >>> trainer.run(steps=300)
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
        first: Sequence[Examples] | None = None,
    ) -> None:
        self.device = torch.device(device_of_process(device))
        self.learner: Any = learner.to(self.device)
        self.recipe, self.seed, self.path = recipe, seed, path
        self.processes = processes
        given: Sequence[Examples | None] = first or [None] * len(streams)
        distinct, self.turns = turns([stream for stream, _ in streams])
        self.streams = streams = [streams[i] for i in distinct]
        self.first = [given[i] for i in distinct]
        self.on_progress, self.on_notice, self.cancelled = on_progress, on_notice, cancelled
        self.kind = dict(kind or {})
        self.group = Processes(self.device)
        self.batch = recipe.batch
        self.step, self.seconds = 0, 0.0
        self.accuracy: dict[str, float] = {}
        self.history: list[tuple[int, float, float]] = []
        """(step, loss, share of the replaced rows that were not solved) at each report."""
        self.parameters = [p for p in learner.parameters() if p.requires_grad]
        self.ema = Ema(self.parameters, recipe.ema)
        self.optimizers = optimizers(learner, recipe, self.device)
        self.generator = torch.Generator(self.device)
        self.positions: list[tuple[int, int]] = [(0, 0)] * len(streams)
        self.origins = [Origin()] * len(streams)
        if path is not None:
            self._resume(path)
        if compiled:
            # One case for each family of a mixture, with and without gradients, and one for each change of size.
            torch._dynamo.config.recompile_limit = COMPILED_CASES
            # Fixed sizes: torch 2.11 crashed on a symbolic size. Sizes are rounded, so that they rarely change.
            learner.compile(dynamic=False)
        self.net = learner
        if self.group.count > 1:
            # A step on one stream of a mixture leaves the maps of other roles unused.
            self.net = nn.parallel.DistributedDataParallel(learner, find_unused_parameters=len(streams) > 1)

    @property
    def rank(self) -> int:
        """Number of this process among those of the training; process 0 writes the files."""
        return self.group.rank

    # The loop ---------------------------------------------------------------------------------------------------------

    def run(self, *, minutes: float | None = None, steps: int | None = None, stop_after: float | None = None) -> None:
        """Train, up to the length of the training or the end of this session. The learning rate decays over the length.

        Args:
            minutes: length of the whole training in minutes, over all sessions.
            steps: length of the whole training in optimizer steps.
            stop_after: length of this session in minutes; the training can be resumed.

        Raises:
            FloatingPointError: the loss or a weight is not finite; the last checkpoint is kept.
            CheckpointError: the checkpoint cannot be written.
        """
        session = Session(self.seconds, minutes, steps, stop_after)
        with self.group.stopping_all(), workers(self.processes) as pool:
            streams = [self._rows(pool, i) for i in range(len(self.streams))]
            for rows in streams:  # together: a resumed mixture would wait for each in turn
                rows.blocks.request(rows.index)
            count = 0 if self.rank else self.recipe.validation
            checks: dict[str, Examples] = {}
            for stream, check in self.streams if count else ():
                checks |= validation_sets(stream.name, check, count)
            self._reseed()
            self._train(streams, checks, session)
            self.seconds = session.seconds()
            self._checkpoint(streams, checks)
        self.ema.finish()

    def _rows(self, pool: ProcessPoolExecutor | None, number: int) -> Rows:
        """The rows of a stream, by the stream's number."""
        stream, origin = self.streams[number][0], self.origins[number]
        index, taken = self.positions[number]
        first = self.first[number]
        blocks = Blocks(stream, self.recipe.block, pool, self.group.rank, self.group.count, origin, first)
        return Rows(blocks, self.learner, self.recipe, self.generator, seed=self.seed, index=index, taken=taken)

    def _train(self, streams: Sequence[Rows], checks: Mapping[str, Examples], session: Session) -> None:
        """Take steps until the training or this session is over."""
        ended = self._ended(session)
        saved, tally = time.monotonic(), Tally(self.device, self.step)
        while True:
            if self.group.count == 1 or self.step % LOG_EVERY == 0:  # a broadcast makes processes wait
                ended = self._ended(session)
            done = session.share(self.step, self.seconds)
            if done >= 1 or ended:
                return
            try:
                tally.add(self._step(streams[self.turns[self.step % len(self.turns)]], done))
            except (RuntimeError, MemoryError) as error:
                # The processes sum their gradients, so one of them cannot continue with another batch size.
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
        """Read the clock. Returns whether this session ends; all processes follow process 0."""
        self.seconds = self.group.broadcast(session.seconds())
        return bool(self.group.broadcast(self.cancelled() or session.over(self.seconds)))

    def _step(self, rows: Rows, done: float) -> Tensor:
        """One segment and one optimizer step.

        Returns:
            [5]: loss, number of replaced rows, number of solved ones among them, their segments, and 1.
        """
        rows.load(self.batch)
        instance, targets = rows.instance, rows.targets
        with autocast(self.device):
            view = self.learner.backbone.view(instance)
            z = rows.states(view)
            z, readout = self.net(z, view, rows.target(instance, targets))
        logits = masked(readout.logits, instance)
        right = is_right(instance, logits, targets)  # of integers: no gradient
        stable = self.recipe.loss == "stablemax"
        loss = answer_loss(logits, targets, instance, stable) if readout.loss is None else readout.loss
        halting = nn.functional.binary_cross_entropy_with_logits(readout.halt[:, 0].float(), right.float())
        if readout.halt.shape[1] > 1:
            halting = halting + continue_loss(self.learner, z, view, readout.halt[:, 1].float())
        (loss.mean() + self.recipe.halt_weight * halting).backward()
        self._update(done)
        with torch.no_grad():
            counts = rows.carry(z, right)
        return torch.cat((loss.detach().mean()[None], counts.float(), torch.ones(1, device=self.device)))

    def _update(self, done: float) -> None:
        """An optimizer step at the learning rate of the share ``done`` of the training."""
        rate = self.recipe.rate(self.step, done)
        torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.grad_clip, foreach=True)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.ema.update(self.step)

    def _halve(self, streams: Sequence[Rows]) -> None:
        """Halve the batch after an out-of-memory error."""
        self.batch //= 2
        self.on_notice(f"out of memory: continuing with batches of {self.batch}")
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
        # A net that reads the target can lower its loss by leaking the target through its state. Validation has no
        # target, so its accuracy chooses the weights.
        if self.learner.uses_targets and self.accuracy:
            self.ema.choose(sum(self.accuracy.values()) / len(self.accuracy))
        for rows in streams:  # carried states are not saved: rows restart, in this process too, to take the same steps
            rows.pause()
        self.positions = [(rows.index, rows.taken) for rows in streams]
        ranks = self.group.gathered(self.positions)
        if self.path is not None and self.rank == 0:
            self._save(self.path, ranks)
        self._reseed()

    def validate(self, examples: Examples, depth: int) -> float:
        """The share of examples that the present weights solve, 0 to 1.

        Args:
            examples: held out from training.
            depth: segments of each example.
        """
        rows = self.recipe.rows(self.batch, size_of(examples))
        return evaluate(self.learner, examples, depth=depth, batch=rows, generator=self.generator)

    def _reseed(self) -> None:
        """Seed the random numbers from the seed, the step and the rank."""
        seed = hash((self.seed, self.step, self.rank)) % 2**63
        self.generator.manual_seed(seed)
        if self.learner.uses_targets:  # torch.distributions draws from the global generator
            torch.manual_seed(seed)

    def _save(self, path: Path, ranks: Sequence[Sequence[tuple[int, int]]]) -> None:
        """Write the checkpoint, with the positions of all processes in their streams."""
        tensors = {f"weight.{i}": p.detach() for i, p in enumerate(self.parameters)}
        tensors |= {f"buffer.{name}": b for name, b in self.learner.named_buffers()}
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "batch": self.batch,
            "ranks": ranks,
            "origins": self.origins,
            "accuracy": self.accuracy,
            "best": self.ema.accuracy,
            "history": self.history,
            "of": self._identity(),
        }
        checkpoint.write(path, state, tensors | self.ema.tensors() | checkpoint.tensors_of(self.optimizers))

    def _identity(self) -> dict[str, Any]:
        """The data that must be equal for a training to resume."""
        shapes = [list(p.shape) for p in self.parameters]
        streams = [[s.name, s.seed] for s, _ in self.streams]
        without = {"save_minutes", "validation", "eval_segments"}  # these do not change the steps
        recipe = self.recipe.model_dump(exclude=without)
        recipe = {key: value for key, value in recipe.items() if value or key not in checkpoint.LATER}
        repeated = {"turns": self.turns} if len(self.turns) > len(streams) else {}
        return {**self.kind, "shapes": shapes, "streams": streams, **repeated, "seed": self.seed, **recipe}

    def _resume(self, path: Path) -> None:
        """Load the checkpoint, if there is one. Process 0 reads it, as other hosts may not have the file."""
        found = self.group.shared(lambda: checkpoint.read(path, self._identity()) if path.exists() else None)
        if found is None:
            return
        state, tensors = found
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                p.copy_(tensors[f"weight.{i}"])
            for name, b in self.learner.named_buffers():
                b.copy_(tensors[f"buffer.{name}"])
        self.ema.restore(tensors, state["best"])
        checkpoint.restore(self.optimizers, tensors)
        self.step, self.seconds, self.batch = state["step"], state["seconds"], state["batch"]
        self._continue_streams(state)
        self.accuracy = state["accuracy"]
        self.history = [(int(s), float(a), float(b)) for s, a, b in state["history"]]
        self.on_notice(f"resuming at step {self.step} ({self.seconds / 60:.1f} minutes so far)")

    def _continue_streams(self, state: Mapping[str, Any]) -> None:
        """Continue the streams where the processes of a checkpoint were, without using a chunk twice.

        Args:
            state: of the checkpoint. Older ones state the positions of process 0 alone.
        """
        ranks = state["ranks"] if "ranks" in state else [state["positions"]] * self.group.count
        self.origins = [Origin(*origin) for origin in state.get("origins", self.origins)]
        if len(ranks) == self.group.count:
            self.positions = [(int(b), int(n)) for b, n in ranks[self.rank]]
            return
        for i, (stream, _) in enumerate(self.streams):
            unused = max(positions[i][0] + (positions[i][1] > 0) for positions in ranks)
            size, first = self.recipe.block, self.first[i]
            before = Blocks(stream, size, None, shards=len(ranks), origin=self.origins[i], first=first)
            self.origins[i] = before.after(unused)
            self.positions[i] = self.origins[i].block, 0
