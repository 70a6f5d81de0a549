"""State tracking: whether a trained net has the last state of a chain right, with loops that grow with the length."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..engine.compile import compile_examples
from ..engine.examples import Examples
from ..engine.random import Random
from .nets.reasoner import Reasoner

CALM = 4
"""Loops in a row below the tolerance after which a net has converged."""


@dataclass(frozen=True)
class Tracked:
    """The result for N chains of one length.

    Args:
        last: share of the chains whose last variable is right, 0 to 1.
        every: share of the chains whose variables are all right, 0 to 1.
        loops: mean number of loops until the net converged; ``most`` for a chain that did not.
        converged: share of the chains whose states converged within ``most`` loops, 0 to 1.
        most: loops that were allowed.
    """

    last: float
    every: float
    loops: float
    converged: float
    most: int


def track(
    net: Reasoner, examples: Examples, most: int, tolerance: float = 0.01, batch: int = 32, device: str = "cpu"
) -> Tracked:
    """Apply a net to chains until its states no longer change, and compare its answers with the known ones.

    The net alone decides when it stops: a chain has converged when no variable's state changes by more than the tolerance in
    ``CALM`` loops in a row. Its answer is read at that loop. No constraint is checked, and no variable is fixed. The net reads
    the givens, and which variables the constraints connect.

    Args:
        net: in evaluation mode.
        examples: of one template, with one known solution each; the last variable of the graph is the last state.
        most: most loops of a chain, for example a little more than the number of steps in it.
        tolerance: largest change of a variable's state, divided by the norm of the state.
        batch: chains side by side.
        device: of the net.
    """
    parts = [_track(net, examples, rows, most, tolerance, device) for rows in torch.arange(len(examples)).split(batch)]
    right, loops, calm = (torch.cat(part) for part in zip(*parts, strict=True))
    return Tracked(
        last=float(right[:, -1].float().mean()),
        every=float(right.all(1).float().mean()),
        loops=float(loops.float().mean()),
        converged=float(calm.float().mean()),
        most=most,
    )


def _track(
    net: Reasoner, examples: Examples, rows: Tensor, most: int, tolerance: float, device: str
) -> tuple[Tensor, Tensor, Tensor]:
    """[B, V] which variables are right, [B] loops, [B] whether the chain converged; of some rows."""
    chosen = examples.take(rows.numpy())
    instance = compile_examples(chosen, factors=False, device=device)
    view = net.backbone.view(instance)
    targets = torch.from_numpy(chosen.targets[:, 0]).long().to(device)
    answers = torch.zeros_like(targets)
    done = torch.zeros(len(rows), dtype=torch.bool, device=device)
    calm, loops = done.long(), torch.full((len(rows),), most, device=device)
    with torch.no_grad():
        x = net.backbone.embed(view)
        z = net.begin(view, Random.for_rows(rows.tolist(), device))
        for loop in range(1, most + 1):
            new = net.sample_step(z, x, view, Random.for_rows(rows.tolist(), device))
            change = ((new[0] - z[0]).norm(dim=2) / z[0].norm(dim=2)).amax(1)
            z = new
            calm = torch.where(change < tolerance, calm + 1, 0)
            ended = ~done & ((calm >= CALM) | (loop == most))
            if bool(ended.any()):
                logits = net.backbone.read(z[0], view).float().masked_fill(~instance.allowed, -torch.inf)
                answers[ended] = logits.argmax(-1)[ended]
                loops[ended] = loop
                done |= ended
            if bool(done.all()):
                break
    return (answers == targets).cpu(), loops.cpu(), (calm >= CALM).cpu()
