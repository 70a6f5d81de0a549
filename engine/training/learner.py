"""The interface between training and a net: the protocol, first states, precision, and the check of answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor

from ..compile import Instance
from ..examples import Examples

MOST_CHECKED = 1 << 16
"""Members of literal groups above which a step compares answers with known solutions alone. A check of 32 tables of 3,600
rows takes longer than a step of a small net."""


class Learner(Protocol):
    """An ``nn.Module`` that can be trained, for example ``mull.solvers.nets.reasoner.Reasoner``."""

    backbone: Any
    """Has ``view(instance)`` and ``embed(view)``."""

    uses_targets: bool
    """Whether training passes a known solution to a call, which then returns its own loss."""

    def start(self, x: Tensor, view: Any, draw: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        """The first states, [B, ., .] each.

        Args:
            x: input [B, S, H].
            view: the backbone's view of the instance.
            draw: maps a state's number and a shape to standard normal numbers [B, *shape].
        """

    def __call__(self, z: tuple[Tensor, ...], view: Any, target: Any = None) -> tuple[tuple[Tensor, ...], Any]:
        """A segment: new states, and a read-out with ``logits`` [B, V, D], ``halt`` [B, 1 or 2] and ``loss`` [B] or None."""

    def compile(self, **options: Any) -> None:
        """Compile the layers that a segment applies repeatedly."""


def autocast(device: torch.device) -> Any:
    """The context of a forward pass: bfloat16 on a GPU, float32 on a CPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def first_states(learner: Learner, view: Any, generator: torch.Generator) -> tuple[Tensor, ...]:
    """The first states of B rows, [B, ., .] each.

    Args:
        learner: the net.
        view: the backbone's view of B rows.
        generator: of the noise, on the device of the view.
    """
    x = learner.backbone.embed(view).detach()
    device = generator.device
    # States carry over from segment to segment in the dtype of autocast, so that a compiled net sees one dtype.
    dtype = torch.bfloat16 if device.type == "cuda" else x.dtype

    def draw(k: int, *shape: int) -> Tensor:
        return torch.randn(len(x), *shape, generator=generator, device=device, dtype=dtype)

    return tuple(t.contiguous() for t in learner.start(x.to(dtype), view, draw))


def masked(logits: Tensor, instance: Instance) -> Tensor:
    """The logits [B, V, D] in float32, minus infinity where a literal is not allowed.

    Args:
        logits: [B, V, D].
        instance: B rows.
    """
    return logits.float().masked_fill(~instance.allowed, -torch.inf)


def is_right(instance: Instance, logits: Tensor, targets: Tensor) -> Tensor:
    """[B] bool: rows whose answer is a known solution, or has no violations if the instance has factors.

    Args:
        instance: B rows. Without factors only known solutions are right.
        logits: [B, V, D].
        targets: [B, A, V] known solutions as domain indices, -1 in padding.
    """
    answer = logits.argmax(-1)
    known = ((answer[:, None] == targets) | (targets < 0)).all(2).any(1)
    return known | (instance.violations(answer) == 0) if instance.factors else known


def continue_loss(learner: Learner, z: tuple[Tensor, ...], view: Any, logit: Tensor) -> Tensor:
    """HRM's second halting loss, a scalar: its target is the net's halting value after another segment.

    Args:
        learner: the net.
        z: its states after this segment, [B, ., .] each.
        view: the backbone's view of B rows.
        logit: [B], the second halting output of this segment.
    """
    with torch.no_grad(), autocast(logit.device):
        _, later = learner(tuple(t.detach() for t in z), view)
        value = later.halt.float().amax(1).sigmoid()
    return torch.nn.functional.binary_cross_entropy_with_logits(logit, value)


def checkable(examples: Examples) -> bool:
    """Whether every answer without violations is right and cheap to check: not so for graphs with an objective.

    Where solutions are known, constraints with large tables are not checked in each step.
    """
    if examples.targets.shape[1] and any(graph.members > MOST_CHECKED for graph in examples.graphs):
        return False
    return all(graph.objective is None for graph in examples.graphs)


MEMBERS = 8
"""Members of literal groups that cost as much as a literal, about. Most boards have fewer, 22 queens have 28."""


def size_of(examples: Examples) -> int:
    """The literals of a row, with padding, or an eighth of the members of its largest graph's groups if these are more."""
    size = max(len(domain) for graph in examples.graphs for domain in graph.domains.values())
    largest = max(examples.graphs, key=lambda graph: len(graph.constraints))
    return max(int(examples.givens.shape[1]) * size, largest.members // MEMBERS)
