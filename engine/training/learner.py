"""What training needs of a net: the protocol, the states it starts from, its precision, and when its answer is right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor

from ..compile import Instance
from ..examples import Examples


class Learner(Protocol):
    """What can be trained, an ``nn.Module``: ``mull.solvers.nets.reasoner.Reasoner`` is one."""

    backbone: Any
    """``view(instance)`` and ``embed(view)``."""

    uses_targets: bool
    """Whether training passes it an answer, and it returns a loss of its own."""

    def start(self, x: Tensor, view: Any, draw: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        """The first states for input x [B, S, H]."""

    def __call__(self, z: tuple[Tensor, ...], view: Any, target: Any = None) -> tuple[tuple[Tensor, ...], Any]:
        """A segment: states, and a read-out with ``logits`` [B, V, D], ``halt`` [B, 1 or 2] and ``loss`` [B] or None."""

    def compile(self, **options: Any) -> None:
        """Compile what is applied again and again."""


def autocast(device: torch.device) -> Any:
    """The context of a forward pass: bfloat16 on a GPU, float32 elsewhere."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def first_states(learner: Learner, view: Any, generator: torch.Generator) -> tuple[Tensor, ...]:
    """The states that rows start from, [B, ., .] each.

    Args:
        learner: the net.
        view: what its backbone reads of B rows.
        generator: of the noise; its device is the view's.
    """
    x = learner.backbone.embed(view).detach()
    device = generator.device
    dtype = torch.bfloat16 if device.type == "cuda" else x.dtype

    def draw(k: int, *shape: int) -> Tensor:
        return torch.randn(len(x), *shape, generator=generator, device=device, dtype=dtype)

    return tuple(t.contiguous() for t in learner.start(x.to(dtype), view, draw))


def masked(logits: Tensor, instance: Instance) -> Tensor:
    """Logits [B, V, D] in float32, minus infinity where a literal is not allowed."""
    return logits.float().masked_fill(~instance.allowed, -torch.inf)


def is_right(instance: Instance, logits: Tensor, targets: Tensor) -> Tensor:
    """[B] bool: rows whose answer is a known solution, or violates nothing where the instance can be checked.

    Args:
        instance: B rows; without factors only known solutions are right.
        logits: [B, V, D].
        targets: [B, K, V] known solutions as domain indices, -1 where one says nothing.
    """
    answer = logits.argmax(-1)
    known = ((answer[:, None] == targets) | (targets < 0)).all(2).any(1)
    return known | (instance.violations(answer) == 0) if instance.factors else known


def checkable(examples: Examples) -> bool:
    """Whether an answer that violates nothing is right: not where the best one is asked for."""
    return all(graph.objective is None for graph in examples.graphs)
