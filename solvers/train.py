"""Training of a learned solver: from options and streams to weights with a card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..engine.examples import Examples, Stream
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem, Source
from ..engine.solution import Solution
from ..engine.solver import OptionError
from ..engine.status import Status
from ..engine.trace import Trace
from ..engine.training import Recipe, Trainer, TrainingProgress
from ..engine.training.blocks import first_chunks
from ..engine.weights import SUFFIX, Card, check_writable, claimed, find, save
from .learned import Learned
from .nets.backbones import backbone
from .nets.reasoner import Reasoner
from .weights import continued

TRACE_POINTS = 256
"""Largest number of points of a training's trace."""


@dataclass(frozen=True)
class TrainingResult:
    """The result of one session of a training.

    Args:
        card: the card of the weights that were written.
        trace: iteration = optimiser step, energy = loss, residual = share of the replaced rows that were not solved.
        finished: whether the training reached its length; if not, the same call resumes it.
        rank: number of this process among those of the training; process 0 writes the files.
    """

    card: Card
    trace: Trace
    finished: bool
    rank: int = 0

    def solution(self) -> Solution:
        """The training as a run for the store: family ``training``, with the recipe among its options."""
        card = self.card
        return Solution(
            problem=Problem(ConstraintGraph({}), family="training", source=Source(" + ".join(card.data))),
            solver=card.solver,
            status=Status.TRAINED if self.finished else Status.CANCELLED,
            iterations=card.steps,
            seconds=60 * card.device_minutes,
            wall=60 * card.device_minutes,
            seed=card.seed,
            device=card.device[:32],
            version=card.version,
            options={**card.options, **card.shape, **card.recipe, "data": list(card.data)},
            detail=", ".join(f"{share:.1%} of {what}" for what, share in card.accuracy.items()),
            checkpoint=card.sha256,
            trace=self.trace,
        )


def train(
    solver: Learned,
    streams: Sequence[tuple[Stream, Stream]],
    recipe: Recipe,
    *,
    name: str,
    folder: Path,
    version: str,
    minutes: float | None = None,
    steps: int | None = None,
    stop_after: float | None = None,
    base: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    processes: int = 0,
    compiled: bool = False,
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
    on_notice: Callable[[str], None] = lambda text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train a solver, or resume its training, and write ``NAME.safetensors`` with its card into a folder.

    Args:
        solver: its options define the net.
        streams: pairs of a training stream and a validation stream. One that occurs n times gets n steps of each round.
        recipe: the settings of the training.
        name: name of the weights. ``NAME.training.safetensors`` beside them is the checkpoint to resume from.
        folder: the folder of both files.
        version: the version of mull, for the card.
        minutes: length of the whole training in minutes. At least one of ``minutes`` and ``steps`` is required.
        steps: length of the whole training in optimiser steps.
        stop_after: minutes after which this session ends; the training can be resumed (default: no limit).
        base: name or path of trained weights to start from. Maps for roles that are new to them start at zero.
        seed: random seed.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        processes: number of worker processes that generate examples; 0 generates them in this process.
        compiled: whether the net is compiled.
        on_progress: called with the progress every few steps.
        on_notice: called with messages for the user.
        cancelled: called every few steps; returning True ends this session.

    Returns:
        The card, the trace, and whether the training is finished.

    Raises:
        CheckpointError: the checkpoint of this name is of another training, the folder cannot be written, or ``base``
            is missing, damaged or of another solver.
        OptionError: the options define no net, the net cannot read the graphs, or a stream lacks required targets.
        FloatingPointError: the loss or a weight is not finite; the last checkpoint is kept.

    Example:
        >>> pair = (stream("sudoku:4"), stream("sudoku:4", "validation"))
        >>> train(Looped(), [pair], Recipe(), name="four", folder=Path("."), version="0", steps=300)
    """
    check_writable(folder)
    first = first_chunks([stream for stream, _ in streams], processes)
    torch.manual_seed(seed)  # of the initial weights
    origin = find(base) if base is not None else None
    solver, net = _net(solver, origin, [graph for examples in first for graph in examples.graphs])
    if net.uses_targets:
        _require_targets(solver, streams, first)
    shape = net.backbone.shape.model_dump(mode="json")
    identity = {"solver": solver.name, "options": _recursion(solver), "shape": shape}
    trainer = Trainer(
        net,
        streams,
        recipe,
        seed=seed,
        device=device,
        path=folder / f"{name}.training{SUFFIX}",
        processes=processes,
        compiled=compiled,
        on_progress=on_progress,
        on_notice=on_notice,
        cancelled=cancelled,
        kind=identity if origin is None else {**identity, "base": origin.sha256},
        first=first,
    )
    # Process 0 alone locks the name: the others of the same training would be refused.
    with claimed(folder, name) if trainer.rank == 0 else nullcontext():
        trainer.run(minutes=minutes, steps=steps, stop_after=stop_after)
    card = Card(
        name=name,
        solver=solver.name,
        options=_recursion(solver),
        shape=shape,
        families=tuple(sorted({stream.family for stream, _ in streams})),
        sizes=_sizes(streams, first),
        data=_data([stream.name for stream, _ in streams]),
        seed=seed,
        recipe=recipe.model_dump(mode="json"),
        base=origin.sha256 if origin else "",
        steps=trainer.step + (origin.steps if origin else 0),
        device=torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        device_minutes=round(trainer.seconds / 60 + (origin.device_minutes if origin else 0), 2),
        parameters=sum(p.numel() for p in net.parameters()),
        dtype="float16",
        accuracy={f"{what}, {recipe.eval_segments} segments": share for what, share in trainer.accuracy.items()},
        version=version,
        sha256="",
    )
    if trainer.rank == 0:
        # float16 halves the files. Weights are far from its limits; solving computes in bfloat16 or float32.
        card = save(card, {key: tensor.half() for key, tensor in net.state_dict().items()}, folder)
    finished = (minutes is not None and trainer.seconds >= 60 * minutes) or (
        steps is not None and trainer.step >= steps
    )
    return TrainingResult(card, _trace(trainer.history), finished, trainer.rank)


def _net(solver: Learned, origin: Card | None, graphs: Sequence[ConstraintGraph]) -> tuple[Learned, Reasoner]:
    """A net that reads the graphs, new or with the weights of ``origin``, and the solver with the net's options.

    Raises:
        OptionError: the backbone cannot read one of the graphs.
    """
    named = solver.shape().backbone if origin is None else str(origin.shape["backbone"])
    roles = tuple(sorted({role for graph in graphs for role in backbone(named).roles(graph)}))
    if origin is None:
        shape = solver.shape(
            roles=roles,
            values=max(len(domain) for graph in graphs for domain in graph.domains.values()),
            variables=max(len(graph.domains) for graph in graphs),
        )
        net = solver.reasoner(shape)
    else:
        solver, net = continued(solver, origin, roles)
        shape = net.backbone.shape
    for graph in graphs:
        reason = net.backbone.supports(shape, graph)
        if reason:
            raise OptionError(
                f"the backbone {shape.backbone} cannot learn this mixture: {reason}",
                f"solve solvers show {solver.name}",
            )
    return solver, net


def _require_targets(solver: Learned, streams: Sequence[tuple[Stream, Stream]], first: Sequence[Examples]) -> None:
    """Refuse a stream whose examples have no known solution.

    Raises:
        OptionError: naming the stream.
    """
    for (stream, _), examples in zip(streams, first, strict=True):
        if not examples.targets.shape[1]:
            raise OptionError(
                f"{solver.name} needs examples with known solutions, and {stream.name} has none",
                f"solve solvers show {solver.name}",
            )


def _data(names: Sequence[str]) -> tuple[str, ...]:
    """The streams of a training for its card; those of a mixture with unequal shares with their steps of a round."""
    steps = Counter(names)
    if len(set(steps.values())) < 2:
        return tuple(steps)
    return tuple(f"{name} ({count} of {len(names)} steps)" for name, count in steps.items())


def _sizes(streams: Sequence[tuple[Stream, Stream]], first: Sequence[Examples]) -> dict[str, int]:
    """Family -> literals of the largest graph in the first chunks of its streams."""
    sizes: dict[str, int] = {}
    for (stream, _), examples in zip(streams, first, strict=True):
        largest = max(graph.literals for graph in examples.graphs)
        sizes[stream.family] = max(sizes.get(stream.family, 0), largest)
    return sizes


def _recursion(solver: Learned) -> dict[str, Any]:
    """The preset and the options of the recursion: what a card needs to build the net again."""
    kept = {"preset", *solver.recursion()}
    return {key: value for key, value in solver.options.items() if key in kept and value is not None}


def _trace(history: Sequence[tuple[int, float, float]]) -> Trace:
    """A trace of (step, loss, share unsolved), thinned evenly to ``TRACE_POINTS`` points."""
    points = np.array(history[:: max(1, -(-len(history) // TRACE_POINTS))], dtype=np.float64).reshape(-1, 3)
    steps, loss, unsolved = points.T
    return Trace(
        steps.astype(np.int32), loss.astype(np.float32), np.zeros(len(points), np.int32), unsolved.astype(np.float32)
    )
