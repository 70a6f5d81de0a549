"""Backbones: the nets that recursions apply. A backbone reads instances and does not depend on the iteration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...engine.compile import Instance
from ...engine.graph import ConstraintGraph
from .shape import NetShape

OPEN, GIVEN, EXCLUDED = range(3)
STATUSES = 3


def statuses(allowed: Tensor) -> Tensor:
    """allowed [..., D] bool -> [..., D] int64: EXCLUDED, GIVEN for the only allowed value of a variable, else OPEN."""
    # A domain of one value counts as a given: both leave nothing to decide.
    one = allowed.sum(-1, keepdim=True) == 1
    return torch.where(allowed, one.long() * GIVEN, EXCLUDED)


class Stack(nn.Module):
    """Layers in sequence: the net that a recursion applies repeatedly.

    Args:
        layers: modules called as ``layer(z, view)``, [B, S, H] -> [B, S, H]; the last one ends in a norm.
    """

    repeats: int = 1
    """Times that each layer runs in succession."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, view: Any, z: Tensor, injected: Tensor) -> Tensor:
        """All layers, applied to z + injected: [B, S, H].

        Args:
            view: the backbone's view of the instance.
            z: [B, S, H] the state.
            injected: [B, S, H] the input.
        """
        z = z + injected  # the input is added once, before the first layer, as in HRM and TRM
        for layer in self.layers:
            for _ in range(self.repeats):
                z = layer(z, view)
        return z

    def compile(self, *arguments: Any, **options: Any) -> None:
        """Compile each layer. Layers of one class share their compiled code; a compiled stack would unroll them.

        Args:
            arguments: as those of ``nn.Module.compile``.
            options: as those of ``nn.Module.compile``.
        """
        # A layer of a maze net takes 45 to 70 s to compile on an H100.
        for layer in self.layers:
            layer.compile(*arguments, **options)


class Backbone(nn.Module, ABC):
    """Base of the backbones. A state is [B, S, H]: B rows, S literals or tokens, H numbers each.

    A subclass sets ``name`` and implements the abstract methods. Its entry point in the group ``mull.backbones`` has the
    same name.

    Args:
        shape: the sizes.
    """

    name: ClassVar[str]
    """The name of the entry point."""
    sizes: ClassVar[Mapping[str, Any] | None] = None
    """Fields of ``NetShape`` for solvers whose presets do not name this backbone. None: those solvers do not run on it."""

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.shape = shape

    @staticmethod
    @abstractmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        """Why a net of this shape cannot read the graph, or None.

        Args:
            shape: sizes of the net.
            graph: of the problem.
        """

    @staticmethod
    def roles(graph: ConstraintGraph) -> Collection[str]:
        """The names of the parts of a graph that a net has weights of its own for: its literal groups' roles.

        Args:
            graph: of a problem to train on.
        """
        return graph.roles

    @abstractmethod
    def stack(self) -> Stack:
        """A new stack of layers, untrained."""

    @abstractmethod
    def answers(self) -> nn.Module:
        """A new encoder of answers. It maps a view and beliefs [B, V, D] to [B, S, H]."""

    @abstractmethod
    def view(self, instance: Instance) -> Any:
        """The tensors of an instance that ``embed``, ``read`` and the stacks use: a named tuple."""

    @abstractmethod
    def literals(self, view: Any) -> Tensor:
        """[B, V, D] int64: OPEN, GIVEN or EXCLUDED, as far as the backbone reads it."""

    @abstractmethod
    def embed(self, view: Any) -> Tensor:
        """The input [B, S, H] that a recursion adds in every step."""

    def pooled(self, z: Tensor, view: Any) -> Tensor:
        """[B, H] the state that halting is read from: the first prefix token, or the mean over all positions.

        Args:
            z: [B, S, H] the state.
            view: the backbone's view of the instance.
        """
        return z[:, 0] if self.shape.prefix else z.mean(1)

    @abstractmethod
    def read(self, z: Tensor, view: Any) -> Tensor:
        """Logits [B, V, D] of a state. The caller masks literals that are not allowed.

        Args:
            z: [B, S, H] the state.
            view: the backbone's view of the instance.
        """
