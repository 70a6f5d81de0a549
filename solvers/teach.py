"""Teaching a learned solver: from options and streams to weights with a card."""

from __future__ import annotations

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
from ..engine.weights import SUFFIX, Card, check_writable, claimed, find, save
from .learned import Learned
from .weights import continued


@dataclass(frozen=True)
class Lesson:
    """What a training left.

    Args:
        card: of the weights that were written.
        trace: iteration = step, energy = loss, residual = share of the replaced boards that were not solved.
        finished: whether it ran to its end, or was stopped and can go on.
        rank: which of several processes side by side this is; the first one writes.
    """

    card: Card
    trace: Trace
    finished: bool
    rank: int = 0

    def solution(self) -> Solution:
        """The training as a run that the store can keep: of the family ``training``, its recipe among its options."""
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


def teach(
    solver: Learned,
    streams: Sequence[tuple[Stream, Stream]],
    recipe: Recipe,
    *,
    name: str,
    folder: Path,
    version: str,
    minutes: float | None = None,
    steps: int | None = None,
    until: float | None = None,
    base: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    processes: int = 0,
    compiled: bool = False,
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
    on_notice: Callable[[str], None] = lambda text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Lesson:
    """Train, or go on training, and write ``NAME.safetensors`` with its card into a folder.

    Args:
        solver: its options say which net.
        streams: examples to train on, each with a stream to check on.
        recipe: how.
        name: of the weights; what is needed to go on lies in ``NAME.training.safetensors`` beside them.
        folder: where both are written.
        version: of mull, for the card.
        minutes, steps: length of the training; at least one.
        until: minutes of it after which this sitting ends; by default all.
        base: trained weights to begin from, by name or path: the net is theirs, with maps for roles that are new to it.
        seed, device, processes, compiled, on_progress, on_notice, cancelled: as ``Trainer``'s.

    Raises:
        CheckpointError: an earlier training of this name is another one; a folder that cannot be written; a base that is
            missing, damaged or of another solver.
        OptionError: options that make no net, or one that cannot read the graphs.
        FloatingPointError: the loss is not finite; the last checkpoint stays.
    """
    check_writable(folder)
    families = tuple(sorted({stream.family for stream, _ in streams}))
    first = [stream.chunk(0) for stream, _ in streams]
    graphs = [graph for examples in first for graph in examples.graphs]
    torch.manual_seed(seed)
    origin = find(base) if base is not None else None
    roles = tuple(sorted({role for graph in graphs for role in graph.roles}))
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
    untold = [
        stream.name for (stream, _), examples in zip(streams, first, strict=True) if not examples.targets.shape[1]
    ]
    if net.sees_answers and untold:
        raise OptionError(
            f"{solver.name} learns from answers, and {untold[0]} tells none", f"solve solvers show {solver.name}"
        )
    kind = {"solver": solver.name, "options": _recursion(solver), "shape": shape.model_dump(mode="json")}
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
        kind=kind if origin is None else {**kind, "base": origin.sha256},
    )
    with claimed(folder, name) if trainer.rank == 0 else nullcontext():
        trainer.run(minutes=minutes, steps=steps, until=until)
    card = Card(
        name=name,
        solver=solver.name,
        options=_recursion(solver),
        shape=shape.model_dump(mode="json"),
        families=families,
        sizes=_sizes(streams, first),
        data=tuple(stream.name for stream, _ in streams),
        seed=seed,
        recipe=recipe.model_dump(mode="json"),
        base=origin.sha256 if origin else "",
        steps=trainer.step + (origin.steps if origin else 0),
        device=torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        device_minutes=round(trainer.seconds / 60 + (origin.device_minutes if origin else 0), 2),
        parameters=sum(p.numel() for p in net.parameters()),
        dtype="float16",
        accuracy={f"{what}, {recipe.depth} segments": share for what, share in trainer.accuracy.items()},
        version=version,
        sha256="",
    )
    if trainer.rank == 0:
        card = save(card, {key: tensor.half() for key, tensor in net.state_dict().items()}, folder)
    finished = (minutes is not None and trainer.seconds >= 60 * minutes) or (
        steps is not None and trainer.step >= steps
    )
    return Lesson(card, _trace(trainer.history), finished, trainer.rank)


def _sizes(streams: Sequence[tuple[Stream, Stream]], first: Sequence[Examples]) -> dict[str, int]:
    """Literals of the largest graph in each family's first chunks."""
    sizes: dict[str, int] = {}
    for (stream, _), examples in zip(streams, first, strict=True):
        largest = max(graph.literals for graph in examples.graphs)
        sizes[stream.family] = max(sizes.get(stream.family, 0), largest)
    return sizes


def _recursion(solver: Learned) -> dict[str, Any]:
    """The preset, and the options that a subclass adds: how its recursion runs."""
    kept = {"preset", *solver.recursion()}
    return {key: value for key, value in solver.options.items() if key in kept and value is not None}


def _trace(history: Sequence[tuple[int, float, float]]) -> Trace:
    """At most 256 points, evenly."""
    points = np.array(history[:: max(1, -(-len(history) // 256))], dtype=np.float64).reshape(-1, 3)
    steps, loss, unsolved = points.T
    return Trace(
        steps.astype(np.int32), loss.astype(np.float32), np.zeros(len(points), np.int32), unsolved.astype(np.float32)
    )
