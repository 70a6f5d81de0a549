"""A backbone: convolutions over a square board, and the means of its rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mull.engine import ConstraintGraph, Instance
from mull.solvers.nets.backbone import STATUSES, Backbone, Stack, statuses
from mull.solvers.nets.layers import SwiGLU, norm
from mull.solvers.nets.shape import NetShape


class BoardView(NamedTuple):
    """The input of the network.

    Args:
        allowed: [B, V, D] bool, the literals that the givens allow.
        side: number of rows of the board; V = side².
    """

    allowed: Tensor
    side: int


class BoardLayer(nn.Module):
    """A layer with post-norm residuals: a 3×3 convolution, the means of each cell's row and column, then SwiGLU."""

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.near = nn.Conv2d(shape.hidden, shape.hidden, 3, padding=1)
        self.lines = nn.Linear(2 * shape.hidden, shape.hidden)
        self.swiglu = SwiGLU(shape.hidden, shape.inner)

    def forward(self, z: Tensor, view: BoardView) -> Tensor:
        """State z [B, V, H] -> state [B, V, H]."""
        square = z.unflatten(1, (view.side, view.side))  # [B, R, C, H]
        near = self.near(square.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        means = torch.cat([square.mean(axis, keepdim=True).expand_as(square) for axis in (1, 2)], -1)
        z = norm(z + (near + self.lines(means)).flatten(1, 2))
        return norm(z + self.swiglu(z))


class Answers(nn.Module):
    """Embedding of beliefs: [B, V, D] -> [B, V, H]."""

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.map = nn.Linear(shape.values, shape.hidden)

    def forward(self, view: BoardView, beliefs: Tensor) -> Tensor:
        return self.map(beliefs)  # type: ignore[no-any-return]


class Board(Backbone):
    """A network on the cells of a square board. Its state is [B, V, H], with the cells row by row."""

    name: ClassVar[str] = "board"
    sizes: ClassVar[Mapping[str, Any] | None] = {"hidden": 32, "layers": 1, "inner": 64}

    def __init__(self, shape: NetShape) -> None:
        super().__init__(shape)
        self.status = nn.Linear(STATUSES * shape.values, shape.hidden)
        self.head = nn.Linear(shape.hidden, shape.values)

    @staticmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        if isqrt(len(graph.domains)) ** 2 != len(graph.domains):
            return "its variables do not form a square board"
        if {len(domain) for domain in graph.domains.values()} != {shape.values}:
            return f"the weights are for variables of {shape.values} values each"
        return None

    def stack(self) -> Stack:
        return Stack(BoardLayer(self.shape) for _ in range(self.shape.layers))

    def answers(self) -> nn.Module:
        return Answers(self.shape)

    def view(self, instance: Instance) -> BoardView:
        return BoardView(instance.allowed, isqrt(instance.allowed.shape[1]))

    def literals(self, view: BoardView) -> Tensor:
        return statuses(view.allowed)

    def embed(self, view: BoardView) -> Tensor:
        return self.status(F.one_hot(statuses(view.allowed), STATUSES).flatten(2).to(self.status.weight.dtype))  # type: ignore[no-any-return]

    def read(self, z: Tensor, view: BoardView) -> Tensor:
        return self.head(z)  # type: ignore[no-any-return]
