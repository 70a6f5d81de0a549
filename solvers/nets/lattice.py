"""The lattice: one state per literal, messages along the groups that constraints declare.

No positions and no embeddings of values: every symmetry of a graph and of its values holds exactly, and one set of
weights runs on graphs of any size and shape built of kinds that it was trained on.
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
from .fused import fits, residual_swiglu
from .layers import SwiGLU, linear, norm
from .messages import pool, pool_axis, scatter
from .shape import NetShape

MOST_MEMBERS = 1 << 19
"""Members of all literal groups of a graph: so many are made in about a second."""


class LatticeView(NamedTuple):
    """What the lattice reads of an instance.

    Args:
        status: [B, L] int64, L = V * D: OPEN, GIVEN or EXCLUDED.
        size: D.
        domain: [T', V, D] bool, or None where all variables have D values.
        roles: role -> groups.
    """

    status: Tensor
    size: int
    domain: Tensor | None
    roles: dict[str, RoleTensors]


class LatticeLayer(nn.Module):
    """Pool each group (mean and maximum), one map a role, add to the members, gate; then SwiGLU: post-norm residuals."""

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
        received = self._from_variables(z, view)
        for role, r in view.roles.items():
            weight = _weight(role, r)
            pooled = torch.cat(pool(z, r, weight), -1)
            message = self.maps[role](pooled)
            if _targets(role):
                message = message + self.targets[role](_target(r).to(z.dtype))
            received = received + scatter(message, r, None)
            if weight is not None:
                received = received + scatter(self.own[role](pooled), r, weight)
        z = norm(z + received * self.gate(z).sigmoid())
        up, down = self.swiglu.up.weight, self.swiglu.down.weight
        return residual_swiglu(z, up, down) if fits(z, up, down) else norm(z + self.swiglu(z))

    def _from_variables(self, z: Tensor, view: LatticeView) -> Tensor:
        """The values of one variable are a group that every graph has: no index needed."""
        each = z.unflatten(1, (-1, view.size))
        pooled = torch.cat(pool_axis(each, view.domain), -1)
        message: Tensor = self.variable(pooled)
        return message[:, :, None].expand_as(each).flatten(1, 2)


class LiteralAnswers(nn.Module):
    """One direction for all literals, as long as the belief in each: no literal is told from another."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.belief = nn.Linear(1, hidden)

    def forward(self, view: LatticeView, beliefs: Tensor) -> Tensor:
        return self.belief(beliefs.flatten(1)[..., None])  # type: ignore[no-any-return]


class Lattice(Backbone):
    """State [B, L, H], a literal each; the input says whether a literal is open, given or excluded."""

    name: ClassVar[str] = "lattice"

    def __init__(self, shape: NetShape) -> None:
        super().__init__(shape)
        self.status = nn.Embedding(STATUSES, shape.hidden)
        self.head = linear(shape.hidden, 1)

    @staticmethod
    def supports(shape: NetShape, graph: ConstraintGraph) -> str | None:
        most = sum(constraint.group_size(graph.domains) for constraint in graph.constraints)
        if most > MOST_MEMBERS:
            return f"its literal groups have up to {most:,} members; nets read up to {MOST_MEMBERS:,}"
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

        def build() -> tuple[dict[str, RoleTensors], Tensor | None]:
            stacks = stack_roles([graph.roles for graph in instance.graphs], v, d, self.shape.roles)
            roles = {role: stack.to(device) for role, stack in stacks.items()}
            domain = torch.from_numpy(domains_of(instance.graphs, v, d))
            return roles, None if bool(domain.all()) else domain.to(device)

        roles, domain = instance.once(("lattice", self.shape, device), build)
        if domain is not None and len(domain) > 1:
            domain = domain[instance.template]
        of_rows = {role: stack.rows(instance.template) for role, stack in roles.items()}
        return LatticeView(statuses(instance.allowed).flatten(1), d, domain, of_rows)

    def literals(self, view: LatticeView) -> Tensor:
        return view.status.unflatten(1, (-1, view.size))  # type: ignore[no-any-return]

    def embed(self, view: LatticeView) -> Tensor:
        return self.status(view.status)  # type: ignore[no-any-return]

    def read(self, z: Tensor, view: LatticeView) -> Tensor:
        return self.head(z).view(len(z), -1, view.size)  # type: ignore[no-any-return]


def _weighs(role: str) -> bool:
    """Whether members of such groups count differently: a sum's coefficients."""
    return role == "linear"


def _targets(role: str) -> bool:
    """Whether such groups are held against numbers."""
    return role.startswith(("linear", "count", "xor"))


def _weight(role: str, r: RoleTensors) -> Tensor | None:
    if not _weighs(role):
        return None
    return torch.ones_like(r.members, dtype=torch.float32) if r.weight is None else r.weight


def _target(r: RoleTensors) -> Tensor:
    """[T', R, TARGETS + 1]: the bounds, and the logarithm of the group's size, small numbers all."""
    count = r.members.shape[2] * torch.ones_like(r.members[..., :1]) if r.present is None else r.present.sum(2, True)
    bounds = r.members.new_zeros(*r.members.shape[:2], TARGETS) if r.target is None else r.target
    return torch.cat((bounds / 4, count.clamp(min=1).log()), -1)
