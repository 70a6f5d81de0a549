"""What a backbone is: the net under a recursion, which knows how an instance looks and nothing of how it is iterated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...engine.compile import Instance
from ...engine.graph import ConstraintGraph
from .shape import NetShape

OPEN, GIVEN, EXCLUDED = range(3)
STATUSES = 3


def statuses(allowed: Tensor) -> Tensor:
    """allowed [..., D] bool -> int64: EXCLUDED by givens or domain, GIVEN where a variable has no other, else OPEN."""
    one = allowed.sum(-1, keepdim=True) == 1
    return torch.where(allowed, one.long() * GIVEN, EXCLUDED)


class Stack(nn.Module):
    """Some layers, one after another: the net that a recursion applies again and again."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, view: Any, z: Tensor, injected: Tensor) -> Tensor:
        """The state z [B, S, H] with the input added, through all layers; the last ends in a norm."""
        z = z + injected
        for layer in self.layers:
            z = layer(z, view)
        return z

    def compile(self, *arguments: Any, **options: Any) -> None:
        """Compile the layers, which share their code: as a whole they would be compiled one by one."""
        for layer in self.layers:
            layer.compile(*arguments, **options)


class Backbone(nn.Module, ABC):
    """Base of the backbones. A state is [B, S, H]; what S counts is the backbone's own.

    Args:
        shape: the sizes.
    """

    name: ClassVar[str]
    """The name of its entry point in the group ``mull.backbones``."""
    sizes: ClassVar[Mapping[str, Any] | None] = None
    """Sizes of the net, by field of ``NetShape``, under solvers whose presets do not name this backbone; None: it runs under no
    such solver."""

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.shape = shape

    @staticmethod
    @abstractmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        """Why a net of this shape cannot read the graph, or None."""

    @abstractmethod
    def stack(self) -> Stack:
        """A new net."""

    @abstractmethod
    def answers(self) -> nn.Module:
        """A new map from a view and beliefs about an answer [B, V, D] to [B, S, H]: how a net is target an answer."""

    @abstractmethod
    def view(self, instance: Instance) -> Any:
        """What ``embed``, ``read`` and the stacks need of an instance: a named tuple of tensors."""

    @abstractmethod
    def literals(self, view: Any) -> Tensor:
        """[B, V, D] OPEN, GIVEN or EXCLUDED, as far as the backbone reads it."""

    @abstractmethod
    def embed(self, view: Any) -> Tensor:
        """The input [B, S, H] that a recursion injects at every step."""

    @abstractmethod
    def read(self, z: Tensor, view: Any) -> Tensor:
        """Logits [B, V, D] of a state; literals that are not allowed are the caller's to mask."""
