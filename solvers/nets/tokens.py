"""Backbones with one token a variable: the published nets of HRM and TRM, with attention or a mixer across tokens."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...engine.compile import Instance
from ...engine.graph import ConstraintGraph
from . import mixing
from .backbone import GIVEN, Backbone, Stack, statuses
from .layers import Attention, SwiGLU, inner_width, linear, norm
from .places import KIND, Layouts, kinds_of, layouts, rotary, several_grids
from .shape import NetShape


class TokensView(NamedTuple):
    """The tensors of an instance that the token nets use. S = prefix + V tokens, E numbers of an attention head.

    Args:
        given: [B, V] int64: 0 where a variable is open, else 1 + its only domain index.
        cos: [S, E] cosines of the rotary angles, [B, 1, S, E] for several templates; empty for the mixer.
        sin: the sines, likewise.
        mask: [1 or B, 1 or heads, 1 or S, S] bool, True where a token attends to another; None for all.
        kinds: [1 or B, V] int32: 0 for a kind without an embedding, else 1 + its number; None for a net without kinds.
    """

    given: Tensor
    cos: Tensor
    sin: Tensor
    mask: Tensor | None
    kinds: Tensor | None = None


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

    fused_gradient: bool = False
    """Whether a kernel may compute the gradient, which cannot be differentiated again."""

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
        z = self._mixed(z)
        return norm(z + self.swiglu(z))

    def _mixed(self, z: Tensor) -> Tensor:
        up, down = self.mix_up.to(z.dtype), self.mix_down.to(z.dtype)
        if mixing.fits(z, down.shape[1]):
            if not torch.is_grad_enabled():
                return mixing.mixed_norm(z, up, down)
            if self.fused_gradient:
                return norm(mixing.mixed(z, up, down))
        gate, up = _along_tokens(up.t(), z).chunk(2, 1)  # [B, inner, H]
        return norm(z + _along_tokens(down, F.silu(gate) * up))


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
        self.kinds = [role for role in shape.roles if role.startswith(KIND)]
        # Zero at first, as a kind that the net was not trained on.
        zeros = {kind: nn.Parameter(torch.zeros(shape.hidden)) for kind in self.kinds}
        self.of_kinds = nn.ParameterDict(zeros) if zeros else None

    @staticmethod
    def roles(graph: ConstraintGraph) -> Collection[str]:
        return {*graph.roles, *kinds_of(graph)}

    @staticmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        sizes = {len(domain) for domain in graph.domains.values()}
        if sizes != {shape.values}:
            return f"the weights are for variables of {shape.values} values each"
        if several_grids(graph) and shape.hidden // shape.heads < 6:
            return f"heads of {shape.hidden // shape.heads} numbers are too small for positions of three axes"
        # Graphs of several grids have sizes of their own; their positions have the same meaning in all of them.
        if shape.variables and len(graph.domains) != shape.variables and not several_grids(graph):
            return f"the weights are for {shape.variables} variables, not {len(graph.domains)}"
        return None

    def stack(self) -> Stack:
        return Stack(self.layer(self.shape) for _ in range(self.shape.layers))

    def answers(self) -> nn.Module:
        return TokenAnswers(self.shape)

    def view(self, instance: Instance) -> TokensView:
        key = self.shape, instance.device
        of_all = instance.once(("layouts", *key), lambda: self.layouts(instance).to(instance.device))
        if len(instance.graphs) == 1:
            placed = instance.once(("tokens", *key), lambda: self._angles(of_all))
        else:  # angles of thousands of templates would fill the memory: those of the rows alone are computed
            placed = self._angles(of_all.rows(instance.template))
        # Excluded values of open variables are not read: the published nets read givens only.
        given = (statuses(instance.allowed) == GIVEN).long()
        return placed._replace(given=given.sum(-1) * (1 + given.argmax(-1)))

    def layouts(self, instance: Instance) -> Layouts:
        """The places of the variables of all templates."""
        shape, variables = self.shape, instance.shape[1]
        kinds = [kind.removeprefix(KIND) for kind in self.kinds]
        return layouts(instance.graphs, variables, shape.heads, shape.prefix, shape.masked, kinds)

    def _angles(self, layout: Layouts) -> TokensView:
        """The view of layouts, without givens."""
        cos, sin = rotary(layout.places.float(), self.shape.prefix, self.shape.hidden // self.shape.heads)
        if len(cos) == 1:
            cos, sin = cos[0], sin[0]
        else:
            cos, sin = cos[:, None], sin[:, None]  # an axis for the heads
        return TokensView(torch.empty(0), cos, sin, layout.mask, layout.kinds)

    def literals(self, view: TokensView) -> Tensor:
        number = torch.arange(1, self.shape.values + 1, device=view.given.device)
        given = view.given[..., None]
        return statuses((given == 0) | (given == number))

    def embed(self, view: TokensView) -> Tensor:
        x = self.given(view.given)
        if view.kinds is not None and self.of_kinds is not None:
            table = torch.stack([self.of_kinds[kind] for kind in self.kinds])
            x = x + F.embedding(view.kinds, F.pad(table, (0, 0, 1, 0)))
        x = math.sqrt(self.shape.hidden) * x
        return F.pad(x, (0, 0, self.shape.prefix, 0))

    def pooled(self, z: Tensor, view: TokensView) -> Tensor:
        if self.shape.prefix or view.mask is None or view.mask.shape[2] > 1:
            return super().pooled(z, view)
        present = view.mask[:, 0, 0, :, None].to(z.dtype)  # without padding
        return (z * present).sum(1) / present.sum(1)

    def read(self, z: Tensor, view: TokensView) -> Tensor:
        z = z[:, self.shape.prefix :]
        if self.head is None:  # row 0 of the embedding stands for an open variable
            return F.linear(z, self.given.weight[1:].to(z.dtype))
        return self.head(z)  # type: ignore[no-any-return]


class Mixer(Tokens):
    """The token backbone with a SwiGLU over the tokens instead of attention: for graphs of one size."""

    name: ClassVar[str] = "mixer"
    layer: ClassVar[type[nn.Module]] = MixerLayer

    def _angles(self, layout: Layouts) -> TokensView:
        """Empty angles and no mask: a mixer has weights for each position."""
        return TokensView(torch.empty(0), torch.empty(0), torch.empty(0), None, layout.kinds)
