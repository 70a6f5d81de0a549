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
"""Loops in a row below the tolerance after which a net has converged. A change travels at least one step of the chain a loop,
so beliefs that stand still this long are reached by no further change."""


@dataclass(frozen=True)
class Tracked:
    """The result for N chains of one length.

    Args:
        right: [N, V] bool, whether each variable is right; the last one is the last state.
        loops: [N] int64, loops until the net converged; ``most`` for a chain that did not.
        converged: [N] bool, whether the beliefs converged within ``most`` loops.
        most: loops that were allowed.
    """

    right: Tensor
    loops: Tensor
    converged: Tensor
    most: int


def track(
    net: Reasoner, examples: Examples, most: int, tolerance: float = 0.01, batch: int = 32, device: str = "cpu"
) -> Tracked:
    """Apply a net to chains until its beliefs no longer change, and compare its answers with the known ones.

    The net alone decides when it stops: a chain has converged when no variable's beliefs change by more than the tolerance in
    ``CALM`` loops in a row. Its answer is read at that loop. No constraint is checked, and no variable is fixed. The net reads
    the givens, and which variables the constraints connect.

    Args:
        net: in evaluation mode.
        examples: of one template, with one known solution each; the last variable of the graph is the last state.
        most: most loops of a chain, for example a little more than the number of steps in it.
        tolerance: largest total variation distance between the beliefs of two loops, 0 to 1.
        batch: chains side by side.
        device: of the net.
    """
    parts = [_track(net, examples, rows, most, tolerance, device) for rows in torch.arange(len(examples)).split(batch)]
    right, loops, calm = (torch.cat(part) for part in zip(*parts, strict=True))
    return Tracked(right, loops, calm, most)


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
        beliefs = torch.zeros_like(instance.allowed, dtype=torch.float32)
        z = net.begin(view, Random.for_rows(rows.tolist(), device))
        for loop in range(1, most + 1):
            z = net.sample_step(z, x, view, Random.for_rows(rows.tolist(), device))
            logits = net.backbone.read(z[0], view).float().masked_fill(~instance.allowed, -torch.inf)
            new = logits.softmax(-1).nan_to_num(0.0)  # padding has no value
            change = (new - beliefs).abs().sum(-1).amax(1) / 2
            beliefs = new
            calm = torch.where(change < tolerance, calm + 1, 0)
            ended = ~done & ((calm >= CALM) | (loop == most))
            if bool(ended.any()):
                answers[ended] = beliefs.argmax(-1)[ended]
                loops[ended] = loop
                done |= ended
            if bool(done.all()):
                break
    return (answers == targets).cpu(), loops.cpu(), (calm >= CALM).cpu()
