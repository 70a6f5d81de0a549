"""Backbones with one token a variable: the published nets of HRM and TRM, with attention or a mixer across tokens."""

from __future__ import annotations

import math
import re
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...engine.compile import Instance
from ...engine.graph import ConstraintGraph
from .backbone import GIVEN, Backbone, Stack, statuses
from .layers import Attention, SwiGLU, inner_width, linear, norm
from .shape import NetShape

ROPE_BASE = 10_000.0
CELL = re.compile(r"r(\d+)c(\d+)")


class TokensView(NamedTuple):
    """The tensors of an instance that the token nets use. S = prefix + V tokens, E numbers of an attention head.

    Args:
        given: [B, V] int64: 0 where a variable is open, else 1 + its only domain index.
        cos: [S, E] cosines of the rotary angles; empty for the mixer.
        sin: [S, E] sines of the rotary angles; empty for the mixer.
        mask: [1, heads, S, S] bool, True where a token attends to another; None for all.
    """

    given: Tensor
    cos: Tensor
    sin: Tensor
    mask: Tensor | None


class TokensLayer(nn.Module):
    """Attention and SwiGLU, residual branches followed by a norm.

    Args:
        shape: sizes of the net.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.attention = Attention(shape.hidden, shape.heads, shape.kv_heads)
        self.swiglu = SwiGLU(shape.hidden, shape.inner)

    def forward(self, z: Tensor, view: TokensView) -> Tensor:
        """[B, S, H] -> [B, S, H].

        Args:
            z: [B, S, H] state of each token.
            view: of the instance.
        """
        z = norm(z + self.attention(z, view.cos, view.sin, view.mask))
        return norm(z + self.swiglu(z))


class MixerLayer(nn.Module):
    """A SwiGLU along the token axis instead of attention (TRM's ``mlp_t``), then the usual one.

    Args:
        shape: sizes of the net.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        tokens = shape.variables + shape.prefix
        inner = inner_width(tokens, 4, 256)
        # The long axis is the contiguous one: rows of 81 numbers would not be aligned in memory.
        self.mix_up = nn.Parameter(torch.empty(tokens, 2 * inner))
        self.mix_down = nn.Parameter(torch.zeros(tokens, inner))  # as zero_init_linear
        nn.init.trunc_normal_(self.mix_up, std=1 / math.sqrt(tokens))
        self.swiglu = SwiGLU(shape.hidden, shape.inner)

    def forward(self, z: Tensor, view: TokensView) -> Tensor:
        """[B, S, H] -> [B, S, H].

        Args:
            z: [B, S, H] state of each token.
            view: of the instance; unused.
        """
        gate, up = _along_tokens(self.mix_up.to(z.dtype).t(), z).chunk(2, 1)  # [B, inner, H]
        z = norm(z + _along_tokens(self.mix_down.to(z.dtype), F.silu(gate) * up))
        return norm(z + self.swiglu(z))


def _along_tokens(weight: Tensor, x: Tensor) -> Tensor:
    """weight [N, S] applied to the tokens of x [B, S, H]: [B, N, H]."""
    # A batched product of a weight in the state's dtype. ``matmul``, or a cast of a transpose, is compiled into rows of S
    # numbers, for which an odd S leaves only slow kernels.
    return torch.bmm(weight.expand(len(x), *weight.shape), x)


class TokenAnswers(nn.Module):
    """An encoder of answers: the mean of the embeddings of the values, weighted by beliefs.

    Args:
        shape: sizes of the net.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.prefix = shape.prefix
        self.value = linear(shape.values, shape.hidden)

    def forward(self, view: TokensView, beliefs: Tensor) -> Tensor:
        """[B, V, D] -> [B, S, H]; zero for the prefix.

        Args:
            view: of the instance; unused.
            beliefs: [B, V, D] probability of each value.
        """
        return F.pad(self.value(beliefs), (0, 0, self.prefix, 0))


class Tokens(Backbone):
    """The state is [B, prefix + V, H]. The input is an embedding of each variable's given value, scaled by √H.

    Args:
        shape: sizes of the net.
    """

    name: ClassVar[str] = "tokens"
    layer: ClassVar[type[nn.Module]] = TokensLayer

    def __init__(self, shape: NetShape) -> None:
        super().__init__(shape)
        self.given = nn.Embedding(shape.values + 1, shape.hidden)
        nn.init.trunc_normal_(self.given.weight, std=1 / math.sqrt(shape.hidden))
        self.head = None if shape.tied else linear(shape.hidden, shape.values)

    @staticmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        sizes = {len(domain) for domain in graph.domains.values()}
        if sizes != {shape.values}:
            return f"the weights are for variables of {shape.values} values each"
        if shape.variables and len(graph.domains) != shape.variables:
            return f"the weights are for {shape.variables} variables, not {len(graph.domains)}"
        return None

    def stack(self) -> Stack:
        return Stack(self.layer(self.shape) for _ in range(self.shape.layers))

    def answers(self) -> nn.Module:
        return TokenAnswers(self.shape)

    def view(self, instance: Instance) -> TokensView:
        return self.look(instance.allowed, *self._fixed(instance))

    @staticmethod
    def look(allowed: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> TokensView:
        """The view of rows of one template.

        Args:
            allowed: [B, V, D] bool.
            cos: as in ``TokensView``.
            sin: as in ``TokensView``.
            mask: as in ``TokensView``.
        """
        # Excluded values of open variables are not read: the published nets read givens only.
        given = (statuses(allowed) == GIVEN).long()
        return TokensView(given.sum(-1) * (1 + given.argmax(-1)), cos, sin, mask)

    def _fixed(self, instance: Instance) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rotary angles and mask of the first template: the net is for one kind of graph."""
        graph, device = instance.graphs[0], instance.device

        def build() -> tuple[Tensor, Tensor, Tensor | None]:
            cos, sin, mask = self.fixed(graph)
            return cos.to(device), sin.to(device), None if mask is None else mask.to(device)

        return instance.once(("tokens", self.shape, device), build)

    def fixed(self, graph: ConstraintGraph) -> tuple[Tensor, Tensor, Tensor | None]:
        """Cosines and sines of the rotary angles, [S, E] each, and the mask [1, heads, S, S] or None."""
        shape = self.shape
        cos, sin = rotary(positions(graph), shape.prefix, shape.hidden // shape.heads)
        return cos, sin, attention_mask(graph, shape.heads, shape.prefix) if shape.masked else None

    def literals(self, view: TokensView) -> Tensor:
        number = torch.arange(1, self.shape.values + 1, device=view.given.device)
        given = view.given[..., None]
        return statuses((given == 0) | (given == number))

    def embed(self, view: TokensView) -> Tensor:
        x = math.sqrt(self.shape.hidden) * self.given(view.given)
        return F.pad(x, (0, 0, self.shape.prefix, 0))

    def read(self, z: Tensor, view: TokensView) -> Tensor:
        z = z[:, self.shape.prefix :]
        if self.head is None:  # row 0 of the embedding stands for an open variable
            return F.linear(z, self.given.weight[1:].to(z.dtype))
        return self.head(z)  # type: ignore[no-any-return]


class Mixer(Tokens):
    """The token backbone with a SwiGLU over the tokens instead of attention: for graphs of one size."""

    name: ClassVar[str] = "mixer"
    layer: ClassVar[type[nn.Module]] = MixerLayer

    def fixed(self, graph: ConstraintGraph) -> tuple[Tensor, Tensor, Tensor | None]:
        """Empty angles and no mask: a mixer has weights for each position."""
        return torch.empty(0), torch.empty(0), None


def positions(graph: ConstraintGraph) -> Tensor:
    """[V, 2] row and column if all names are cells of a grid (``r1c2``), else [V, 1] the index of the variable."""
    cells = [CELL.fullmatch(name) for name in graph.names]
    if all(cells):
        return torch.tensor([[int(c[1]), int(c[2])] for c in cells if c], dtype=torch.float32)
    return torch.arange(len(cells), dtype=torch.float32)[:, None]


def rotary(places: Tensor, prefix: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary angles, [prefix + V, E] each; axes share the E numbers of a head evenly.

    Args:
        places: [V, axes] positions.
        prefix: number of prefix tokens, which have angle 0.
        size: E.
    """
    axes = places.shape[1]
    each = size // 2 // axes
    speed = ROPE_BASE ** (-torch.arange(each) / each)
    angles = (places[:, :, None] * speed).flatten(1)
    angles = F.pad(angles, (0, size // 2 - angles.shape[1], prefix, 0)).repeat(1, 2)
    return angles.cos(), angles.sin()


def attention_mask(graph: ConstraintGraph, heads: int, prefix: int) -> Tensor:
    """[1, heads, S, S] bool: head h attends within the scopes of class h modulo the number of classes.

    Each constraint is put into the first class whose scopes are disjoint from its own. The classes of a Sudoku are its
    rows, its columns and its boxes. Prefix tokens attend to all tokens, and all tokens to them.

    Args:
        graph: of the problem.
        heads: number of attention heads.
        prefix: number of prefix tokens.
    """
    classes: list[list[tuple[str, ...]]] = []
    taken: list[set[str]] = []
    for constraint in graph.constraints:
        scope = constraint.scope
        k = next((k for k, names in enumerate(taken) if names.isdisjoint(scope)), len(taken))
        if k == len(taken):
            classes.append([])
            taken.append(set())
        classes[k].append(scope)
        taken[k].update(scope)
    tokens = prefix + len(graph.domains)
    mask = torch.eye(tokens, dtype=torch.bool).repeat(heads, 1, 1)
    mask[:, :prefix] = mask[:, :, :prefix] = True
    for h in range(heads):
        for scope in classes[h % len(classes)] if classes else ():
            members = torch.tensor([prefix + graph.index[name] for name in scope])
            mask[h, members[:, None], members] = True
    return mask[None]
