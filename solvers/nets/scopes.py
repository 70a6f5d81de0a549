"""The scopes backbone: one state a variable, and messages along the scopes of constraints. It has no positions."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...engine.compile import Instance
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from .backbone import GIVEN, Backbone, Stack, statuses
from .layers import linear, norm
from .shape import NetShape

PULL = 3.0
"""Weight of the nearest pattern against the state, both of norm sqrt(H)."""


class ScopesView(NamedTuple):
    """The tensors of an instance that the net uses.

    Args:
        given: [B, V] int64: 0 where a variable is open, else 1 + its only domain index.
        members: relation -> [B, F * K] int64, the rows of the flattened states [B * (V + 1), H] in each scope. Scopes that
            pad the rows have the last of the V + 1 states of their row, which is zero.
    """

    given: Tensor
    members: dict[str, Tensor]


class Relation(nn.Module):
    """A map from the states of a scope to a message for each slot: down(silu(gate) * up) of all of them together.

    Args:
        arity: K, the variables of a scope.
        hidden: H.
        inner: inner width.
    """

    def __init__(self, arity: int, hidden: int, inner: int) -> None:
        super().__init__()
        self.up = linear(arity * hidden, 2 * inner)
        self.down = linear(inner, arity * hidden)

    def forward(self, states: Tensor) -> Tensor:
        """[N, K * H] -> [N, K * H]."""
        gate, up = self.up(states).chunk(2, -1)
        return self.down(nn.functional.silu(gate) * up)  # type: ignore[no-any-return]


class ScopesLayer(nn.Module):
    """The messages of all constraints, then the nearest of learned patterns; each is added and followed by a norm.

    The second part is a step of a modern Hopfield network (Ramsauer et al. 2021): a softmax over the patterns, one for each
    value and one for *open*, draws a state towards one of them, so that small errors do not add up along a chain.
    A variable at distance k from another one is reached after k layers.

    Args:
        shape: sizes of the net.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.relations = nn.ModuleDict({r: Relation(arity_of(r), shape.hidden, shape.inner) for r in shape.roles})
        self.patterns = linear(shape.hidden, shape.values + 1)

    def forward(self, z: Tensor, view: ScopesView) -> Tensor:
        """[B, V, H] -> [B, V, H].

        Args:
            z: [B, V, H] state of each variable.
            view: of the instance.
        """
        b, v, h = z.shape
        rows = nn.functional.pad(z, (0, 0, 0, 1)).flatten(0, 1)
        received = torch.zeros_like(rows)
        for name, members in view.members.items():
            relation = self.relations[name]
            states = rows[members.flatten()].view(-1, arity_of(name) * h)
            received = received.index_add(0, members.flatten(), relation(states).view(-1, h).to(rows.dtype))
        z = norm(z + received.view(b, v + 1, h)[:, :v])
        nearest = self.patterns(z).softmax(-1) @ norm(self.patterns.weight)
        return norm(z + PULL * nearest)


class Beliefs(nn.Module):
    """An encoder of answers: the mean of the embeddings of the values, weighted by beliefs.

    Args:
        shape: sizes of the net.
    """

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        self.value = linear(shape.values, shape.hidden)

    def forward(self, view: ScopesView, beliefs: Tensor) -> Tensor:
        """[B, V, D] -> [B, V, H].

        Args:
            view: of the instance; unused.
            beliefs: [B, V, D] probability of each value.
        """
        return self.value(beliefs)  # type: ignore[no-any-return]


class Scopes(Backbone):
    """The state is [B, V, H]. The input embeds each variable's given value; an open variable has one embedding.

    A variable has no position. Constraints that are equal up to the names of their variables are one *relation* and share
    weights. The net reads which variables a constraint connects and in which order, and never what it allows: the
    tuples of a table reach it only through the known solutions that it is trained on. A net that was trained on short chains
    runs on chains of any length of the same relations (a graph network with typed hyperedges; Battaglia et al. 2018).

    Args:
        shape: sizes of the net; ``roles`` are the relations.
    """

    name: ClassVar[str] = "scopes"
    sizes: ClassVar[Mapping[str, Any] | None] = {"hidden": 128, "layers": 1, "inner": 256}

    def __init__(self, shape: NetShape) -> None:
        super().__init__(shape)
        self.given = nn.Embedding(shape.values + 1, shape.hidden)
        nn.init.trunc_normal_(self.given.weight, std=1 / math.sqrt(shape.hidden))
        self.head = linear(shape.hidden, shape.values)

    @staticmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        largest = max((len(domain) for domain in graph.domains.values()), default=0)
        if largest > shape.values:
            return f"the weights are for variables of up to {shape.values} values, not {largest}"
        for constraint in graph.constraints:
            if relation_of(constraint) not in shape.roles:
                size = len(constraint.scope)
                return f"the weights were not trained on this {constraint.kind} constraint of {size} variables"
        return None

    @staticmethod
    def roles(graph: ConstraintGraph) -> Collection[str]:
        return {relation_of(constraint) for constraint in graph.constraints}

    def stack(self) -> Stack:
        return Stack(ScopesLayer(self.shape) for _ in range(self.shape.layers))

    def answers(self) -> nn.Module:
        return Beliefs(self.shape)

    def view(self, instance: Instance) -> ScopesView:
        b, v, _ = instance.shape
        device = instance.device

        def build() -> dict[str, Tensor]:
            made = members_of(instance.graphs, v)
            return {name: array.to(device) for name, array in made.items()}

        templates = instance.once(("scopes", device), build)
        offsets = torch.arange(b, device=device)[:, None] * (v + 1)
        members = {name: array[instance.template].flatten(1) + offsets for name, array in templates.items()}
        given = (statuses(instance.allowed) == GIVEN).long()
        return ScopesView(given.sum(-1) * (1 + given.argmax(-1)), members)

    def literals(self, view: ScopesView) -> Tensor:
        number = torch.arange(1, self.shape.values + 1, device=view.given.device)
        given = view.given[..., None]
        return statuses((given == 0) | (given == number))

    def embed(self, view: ScopesView) -> Tensor:
        return math.sqrt(self.shape.hidden) * self.given(view.given)  # type: ignore[no-any-return]

    def read(self, z: Tensor, view: ScopesView) -> Tensor:
        return self.head(z)  # type: ignore[no-any-return]


def relation_of(constraint: Constraint) -> str:
    """The name of a constraint's relation: its kind, its arity, and a hash of all of it but the variables' names."""
    slots = {name: k for k, name in enumerate(constraint.scope)}
    stated = fields(constraint)  # type: ignore[arg-type]  # every kind is a dataclass, their base is not
    parts = tuple((f.name, _renamed(getattr(constraint, f.name), slots)) for f in stated if f.name != "scope")
    return _named(constraint.kind, len(constraint.scope), parts)


def arity_of(relation: str) -> int:
    """The number of variables in the scopes of a relation.

    Args:
        relation: from ``relation_of``.
    """
    return int(relation.split("-")[1])


def members_of(graphs: Sequence[ConstraintGraph], variables: int) -> dict[str, Tensor]:
    """Relation -> [T, F, K] int64, the variables in the scopes of each template; ``variables`` in padding.

    Args:
        graphs: the T templates.
        variables: V.
    """
    of: dict[str, list[list[list[int]]]] = {}
    for t, graph in enumerate(graphs):
        for constraint in graph.constraints:
            scopes = of.setdefault(relation_of(constraint), [[] for _ in graphs])
            scopes[t].append([graph.index[name] for name in constraint.scope])
    made = {}
    for name, of_templates in sorted(of.items()):
        most = max(map(len, of_templates))
        padding = [variables] * arity_of(name)
        made[name] = torch.tensor([scopes + [padding] * (most - len(scopes)) for scopes in of_templates])
    return made


def _renamed(part: Any, slots: Mapping[str, int]) -> Any:
    """A part of a constraint with the variables' names replaced by their places in the scope."""
    if isinstance(part, str):
        return f"#{slots[part]}" if part in slots else part
    if isinstance(part, tuple) and part and not _numbers(part):
        return tuple(_renamed(each, slots) for each in part)
    return part


def _numbers(part: tuple[Any, ...]) -> bool:
    """Whether the first entry of a tuple is a tuple of integers: then it is a table, which has no variables' names."""
    first = part[0]
    return isinstance(first, tuple) and bool(first) and all(type(each) is int for each in first)


@lru_cache(maxsize=1024)
def _named(kind: str, arity: int, parts: tuple[Any, ...]) -> str:
    return f"{kind}-{arity}-{hashlib.blake2b(repr(parts).encode(), digest_size=6).hexdigest()}"
