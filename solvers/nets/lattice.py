"""The lattice: a backbone with one state a literal, and messages along the literal groups that constraints declare.

It has no positions and no embeddings of values. It is therefore equivariant to every symmetry of a graph and its values, and
one set of weights runs on graphs of any size, built of the constraint kinds it was trained on.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...engine.compile import Instance, domains_of
from ...engine.errors import GraphError
from ...engine.graph import ConstraintGraph
from ...engine.role_arrays import TARGETS
from ...engine.role_tensors import RoleTensors, stack_roles
from .backbone import STATUSES, Backbone, Stack, statuses
from .fused import fits, residual_swiglu, trainable, trained_residual_swiglu
from .layers import SwiGLU, linear, norm
from .messages import pool, pool_axis, scatter, top
from .shape import NetShape
from .sums import VALUES, Sums, sums, values

MOST_MEMBERS = 1 << 19
"""Largest number of members of all literal groups of a graph. Building that many takes about a second."""


class LatticeView(NamedTuple):
    """The tensors of an instance that the lattice uses.

    Args:
        status: [B, L] int64, L = V * D: OPEN, GIVEN or EXCLUDED.
        size: D.
        domain: [T', V, D] bool, the values that exist, T' = 1 or B; None where all variables have D values.
        roles: role -> its literal groups.
        sums: role -> its groups as matrices, for roles whose sums are products when solving; ``VALUES`` -> the values
            of each variable.
    """

    status: Tensor
    size: int
    domain: Tensor | None
    roles: dict[str, RoleTensors]
    sums: dict[str, Sums]


class LatticeLayer(nn.Module):
    """A layer of messages, then a SwiGLU; both are residual branches followed by a norm.

    Each group is pooled (mean and maximum over its members), mapped by its role's weights, and added to its members. A gate
    scales the sum.

    Args:
        shape: sizes of the net.
    """

    fused_gradient: bool = False
    """Whether a kernel may compute the gradient, which cannot be differentiated again."""

    def __init__(self, shape: NetShape) -> None:
        super().__init__()
        h = shape.hidden
        self.variable = linear(2 * h, h)
        self.maps = nn.ModuleDict({role: linear(3 * h if _weighs(role) else 2 * h, h) for role in shape.roles})
        self.own = nn.ModuleDict({role: linear(3 * h, h) for role in shape.roles if _weighs(role)})
        self.targets = nn.ModuleDict({role: linear(TARGETS + 1, h) for role in shape.roles if _targets(role)})
        self.gate = linear(h, h)
        self.swiglu = SwiGLU(h, shape.inner)

    def forward(self, z: Tensor, view: LatticeView) -> Tensor:
        """[B, L, H] -> [B, L, H].

        Args:
            z: [B, L, H] state of each literal.
            view: of the instance.
        """
        # One sum over all roles: the order of roles and groups does not matter, and a graph may lack any of them.
        received = self._from_variables(z, view)
        solving = z.is_cpu and not torch.is_grad_enabled()
        for role, r in view.roles.items():
            product = None if torch.is_grad_enabled() else view.sums.get(role)
            if product is not None:
                pooled = torch.cat((product.mean(z), top(z, r)), -1)
                received = product.scatter(self.maps[role](pooled), received)
                continue
            weight = _weight(role, r)
            pooled = torch.cat(pool(z, r, weight), -1)
            message = self.maps[role](pooled)
            if _targets(role):
                message = message + self.targets[role](_target(r).to(z.dtype))
            received = received + scatter(message, r, None)
            if weight is not None:
                received = received + scatter(self.own[role](pooled), r, weight)
        # The messages do not start at zero (as other branches do): the gate halves them.
        if solving:  # in place: on a CPU, new memory for each result costs as much as the result
            z = norm(received.mul_(self.gate(z).sigmoid_()).add_(z))
        else:
            z = norm(z + received * self.gate(z).sigmoid())
        up, down = self.swiglu.up.weight, self.swiglu.down.weight
        if fits(z, up, down):
            return residual_swiglu(z, up, down)
        if self.fused_gradient and trainable(z, down):
            return trained_residual_swiglu(z, up, down)
        return norm(self.swiglu(z).add_(z) if solving else z + self.swiglu(z))

    def _from_variables(self, z: Tensor, view: LatticeView) -> Tensor:
        """[B, L, H] messages among the values of each variable: groups of a reshaped axis, which need no index."""
        each = z.unflatten(1, (-1, view.size))
        product = None if torch.is_grad_enabled() else view.sums.get(VALUES)
        pools = pool_axis(each, view.domain) if product is None else (product.mean(z), each.amax(2))
        message: Tensor = self.variable(torch.cat(pools, -1))
        return message[:, :, None].expand_as(each).flatten(1, 2)


class LiteralAnswers(nn.Module):
    """An encoder of answers: one learned vector, scaled by the belief in each literal, which keeps the symmetries.

    Args:
        hidden: H.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.belief = nn.Linear(1, hidden)

    def forward(self, view: LatticeView, beliefs: Tensor) -> Tensor:
        """[B, V, D] -> [B, L, H].

        Args:
            view: of the instance.
            beliefs: [B, V, D] probability of each literal.
        """
        return self.belief(beliefs.flatten(1)[..., None])  # type: ignore[no-any-return]


class Lattice(Backbone):
    """The state is [B, L, H], L = V * D literals. The input embeds whether a literal is open, given or excluded.

    Args:
        shape: sizes of the net.
    """

    name: ClassVar[str] = "lattice"

    def __init__(self, shape: NetShape) -> None:
        super().__init__(shape)
        self.status = nn.Embedding(STATUSES, shape.hidden)
        self.head = linear(shape.hidden, 1)

    @staticmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        if graph.members > MOST_MEMBERS:
            return f"its literal groups have up to {graph.members:,} members; nets read up to {MOST_MEMBERS:,}"
        try:
            unknown = sorted(set(graph.roles) - set(shape.roles))
        except GraphError as error:
            return str(error)
        return f"the weights were not trained on groups of the role {unknown[0]!r}" if unknown else None

    def stack(self) -> Stack:
        return Stack(LatticeLayer(self.shape) for _ in range(self.shape.layers))

    def answers(self) -> nn.Module:
        return LiteralAnswers(self.shape.hidden)

    def view(self, instance: Instance) -> LatticeView:
        _, v, d = instance.shape
        device = instance.device

        dtype = self.head.weight.dtype

        def build() -> tuple[dict[str, RoleTensors], Tensor | None, dict[str, Sums]]:
            stacks = stack_roles([graph.roles for graph in instance.graphs], v, d, self.shape.roles)
            roles = {role: stack.to(device) for role, stack in stacks.items()}
            domain = torch.from_numpy(domains_of(instance.graphs, v, d))
            plain = {role: r for role, r in roles.items() if not _weighs(role) and not _targets(role)}
            made = {role: sums(r, v * d, self.shape.hidden, dtype) for role, r in plain.items()}
            products = {role: each for role, each in made.items() if each is not None}
            if domain.all() and products:
                products[VALUES] = values(v, d, dtype)
            return roles, None if bool(domain.all()) else domain.to(device), products

        # Built once for an instance: stacking literal groups takes longer than a step.
        roles, domain, products = instance.once(("lattice", self.shape, device, dtype), build)
        if domain is not None and len(domain) > 1:
            domain = domain[instance.template]
        of_rows = {role: stack.rows(instance.template) for role, stack in roles.items()}
        return LatticeView(statuses(instance.allowed).flatten(1), d, domain, of_rows, products)

    def literals(self, view: LatticeView) -> Tensor:
        return view.status.unflatten(1, (-1, view.size))  # type: ignore[no-any-return]

    def embed(self, view: LatticeView) -> Tensor:
        return self.status(view.status)  # type: ignore[no-any-return]

    def read(self, z: Tensor, view: LatticeView) -> Tensor:
        return self.head(z).view(len(z), -1, view.size)  # type: ignore[no-any-return]


def _weighs(role: str) -> bool:
    """Whether members of groups of the role have weights: the coefficients of a sum."""
    return role == "linear"


def _targets(role: str) -> bool:
    """Whether groups of the role have bounds."""
    return role.startswith(("linear", "count", "xor"))


def _weight(role: str, r: RoleTensors) -> Tensor | None:
    """[T', R, M] float32 weights of the members, or None for a role without weights."""
    if not _weighs(role):
        return None
    return torch.ones_like(r.members, dtype=torch.float32) if r.weight is None else r.weight


def _target(r: RoleTensors) -> Tensor:
    """[T', R, TARGETS + 1] the bounds and the logarithm of the size of each group, scaled to small numbers."""
    count = r.members.shape[2] * torch.ones_like(r.members[..., :1]) if r.present is None else r.present.sum(2, True)
    bounds = r.members.new_zeros(*r.members.shape[:2], TARGETS) if r.target is None else r.target
    return torch.cat((bounds / 4, count.clamp(min=1).log()), -1)
