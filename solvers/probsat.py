"""probSAT: stochastic local search over clauses of two-valued variables, one flip per step in every row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..engine.compile import Instance
from ..engine.constraints import Clause
from ..engine.graph import ConstraintGraph
from ..engine.moves.instance import MoveInstance
from ..engine.problem import Problem
from ..engine.random import Random
from ..engine.rows import BatchSize
from ..engine.solver import Info, Solver
from ..engine.state import Array
from ..engine.tables import by_owner
from .kernels import cuda_probsat
from .kernels.cuda_instance import CudaInstance

EPS = 0.9
LITERALS, ROWS = 1 << 20, 2048
"""Literals of a batch, and the most rows. A flip touches few clauses, so thousands of chains cost little."""
PUBLISHED = {3: 2.06, 4: 3.0, 5: 3.7, 6: 5.0, 7: 5.4}
"""Break exponents by clause length (table 1 of the paper), tuned on formulas with 10^4 variables and more."""
GREEDS = (1.0, 1.2, 1.4, 1.6)
"""Factors of the break exponent, one per chain. On small formulas the published values walk for too long
(docs/log.md)."""
CHECKED = 20
"""Steps of the tensor form between two checks."""
GPU_LITERALS, GPU_ROWS = 1 << 28, 4224
"""The same on a GPU: 32 chains for each of 132 multiprocessors, and about 5 GB for large formulas."""
PADDED = 100
"""True literals of the padding clause."""
DRAWS = 32
"""Steps whose random numbers are drawn together, so that the hash is a small part of a step."""


class _Tables:
    """Constant tables of T templates with at most M clauses of at most K literals.

    Not a dataclass, so that ``engine.state`` does not treat its tensors as rows.

    Args:
        variable, wanted, slots: [T, M + 1, K] variables of the clauses, the values that satisfy them, and which slots are
            used; clause M is padding.
        occurs: [T * V * 2, O] clauses that a variable satisfies at each value, padded with M.
        blocks: [N, S] clauses in N blocks of S, so that a violated one is found by reading N + S numbers; padded with M.
        weight: [C, O + 1] unnormalised probability of a flip by the number of clauses it breaks, for C kinds of chain.
    """

    def __init__(self, instance: Instance, cb: float | None) -> None:
        variable, wanted, slots = _clauses(instance)
        t, m, k = variable.shape
        v = instance.shape[1]
        device = instance.device
        self.clauses = m - 1
        self.variable, self.wanted, self.slots = variable, wanted, slots
        template, clause, slot = slots.nonzero(as_tuple=True)
        literal = (template * v + variable[template, clause, slot]) * 2 + wanted[template, clause, slot]
        self.occurs = by_owner(literal, clause, t * v * 2, m - 1)
        self.shift = max(1, round(math.log2(max(2, self.clauses)) / 2))  # clause >> shift is its block
        self.side = 1 << self.shift
        blocks = torch.arange(-(-(self.clauses + 1) // self.side) * self.side, device=device).clamp(max=self.clauses)
        self.blocks = blocks.view(-1, self.side)
        breaks = torch.arange(self.occurs.shape[-1] + 1, device=device)
        cbs = (cb,) if cb else [greed * _published(k) for greed in GREEDS]
        self.weight = torch.stack([_chances(breaks.float(), k, each) for each in cbs])


@dataclass(frozen=True)
class FlipState:
    """One chain per row.

    Args:
        assignment: [B, V] uint8.
        true: [B, M + 1] uint8, true literals per clause; a large number for padding.
        broken: [B, N] int16, clauses without a true literal in each block.
        draws: [B, DRAWS, 2] random numbers of this and the following steps.
        kind: [B, 1] row of ``_Tables.weight`` that the chain uses.
        template, free: [B] and [B, V] bool, of the instance.
        random: one stream per row.
        clock: steps of the batch so far.
    """

    assignment: Tensor
    true: Tensor
    broken: Tensor
    draws: Tensor
    kind: Tensor
    template: Tensor
    free: Tensor
    random: Random
    tables: _Tables
    clock: int = 0


def is_cnf(graph: ConstraintGraph) -> bool:
    """Whether a graph consists of clauses over variables with at most two values, one of them with two."""
    two = max((len(domain) for domain in graph.domains.values()), default=0) == 2
    return two and bool(graph.constraints) and all(isinstance(c, Clause) for c in graph.constraints)


class ProbSat(Solver):
    """Each row flips a variable of a random violated clause. A flip that breaks more clauses is less probable."""

    name: ClassVar[str] = "probsat"
    citation: ClassVar[str] = (
        "A. Balint and U. Schöning: Choosing probability distributions for stochastic local search and the role of "
        "make versus break. SAT 2012."
    )
    check_every: ClassVar[int] = 1 << 20
    energy_is_exact: ClassVar[bool] = True
    batch_size: ClassVar[BatchSize] = BatchSize(LITERALS, GPU_LITERALS, fewest=8, most=ROWS, gpu_most=GPU_ROWS)

    cb: float | None = Field(
        None,
        gt=0,
        description="break exponent (default: as published for the clause length, times up to 1.6 in some chains)",
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        if graph.inexact:
            return graph.inexact
        return None if is_cnf(graph) else "it takes only clauses over variables with two values; tabu takes any graph"

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> Instance | MoveInstance:
        if device.startswith("cuda"):
            return CudaInstance.of(problems, copies, device)
        return super().compile(problems, copies, device)

    def init(self, instance: Any, random: Any) -> Any:
        if isinstance(instance, CudaInstance):
            return cuda_probsat.init(instance, random, self._weights)
        return _init(instance, random, self.cb)

    def advance(self, instance: Any, state: Any, steps: int, over: Callable[[], bool]) -> tuple[Any, Info, int]:
        if isinstance(instance, CudaInstance):
            return cuda_probsat.advance(instance, state, steps, self._weights)
        taken = 0
        while not taken or (taken < min(steps, CHECKED) and not over()):
            state, info = _step(instance, state)
            taken += 1
        return state, info._replace(violations=info.energy.long()), taken

    def step(self, instance: Any, state: Any) -> tuple[Any, Info]:
        state, info, _ = self.advance(instance, state, 1, bool)
        return state, info

    def decode(self, instance: Any, state: Any) -> Array:
        if isinstance(instance, CudaInstance):
            return cuda_probsat.decode(state)
        return state.assignment.long()

    def _weights(self, length: int, most: int) -> np.ndarray:
        """[N, O] weights for each kind of chain, 1 for flips that violate no clause."""
        cbs = (self.cb,) if self.cb else [greed * _published(length) for greed in GREEDS]
        chances = np.array([_chances(np.arange(most + 1.0), length, cb) for cb in cbs])
        return np.asarray(chances / chances[:, :1])

    def settled(self, instance: Instance, state: FlipState, info: Info) -> Tensor:
        never: Tensor = info.energy < 0
        return never  # never: noise keeps the chain moving


def _init(instance: Instance, random: Random, cb: float | None) -> FlipState:
    """Random assignments of the free variables."""
    tables = instance.once(("probsat", cb), lambda: _Tables(instance, cb))
    b, v, _ = instance.shape
    template = instance.template
    chosen = (random.at(0).uniform(v) < 0.5).long()
    assignment = torch.where(instance.free, chosen, instance.allowed.long().argmax(-1))
    slots = tables.slots[template]
    holds = assignment.gather(1, tables.variable[template].view(b, -1)).view(slots.shape) == tables.wanted[template]
    true = torch.where(slots.any(-1), (holds & slots).sum(-1), PADDED).to(torch.uint8)
    broken = (true[:, tables.blocks.flatten()] == 0).view(b, -1, tables.side).sum(-1).to(torch.int16)
    kind = random.at(2).bits(1) % len(tables.weight)
    random = random.at(1)
    draws = random.at(0).uniform(DRAWS, 2)
    return FlipState(assignment.to(torch.uint8), true, broken, draws, kind, template, instance.free, random, tables)


def _step(instance: Instance, state: FlipState) -> tuple[FlipState, Info]:
    """One flip in every row with a violated clause. Assignment, true and broken are updated in place."""
    tables, true, broken = state.tables, state.true, state.broken
    draws = state.draws
    if state.clock and state.clock % DRAWS == 0:
        draws = state.random.at(state.clock // DRAWS).uniform(DRAWS, 2)
    which, choice = draws[:, state.clock % DRAWS].unbind(1)

    # A violated clause, each equally probable: first its block, then its position in the block.
    upto = broken.cumsum(1)
    total = upto[:, -1:]
    rank = (which[:, None] * total).long()
    block = (upto <= rank).sum(1, keepdim=True).clamp(max=broken.shape[1] - 1)
    rank = rank - (upto.gather(1, block) - broken.gather(1, block))
    members = tables.blocks[block[:, 0]]
    place = ((true.gather(1, members) == 0).cumsum(1) <= rank).sum(1, keepdim=True).clamp(max=tables.side - 1)
    clause = torch.where(total > 0, members.gather(1, place), tables.clauses)[:, 0]

    # One of its variables, by the number of clauses that its flip would break.
    at = state.template * (tables.clauses + 1) + clause
    variable = tables.variable.flatten(0, 1).index_select(0, at)
    value = state.assignment.gather(1, variable).long()
    literal = (state.template[:, None] * state.assignment.shape[1] + variable) * 2 + value
    supports = tables.occurs.index_select(0, literal.flatten()).view(len(at), -1)
    breaks = (true.gather(1, supports) == 1).view(*literal.shape, -1).sum(-1)
    chance = tables.weight[state.kind, breaks] * (tables.slots.flatten(0, 1)[at] & state.free.gather(1, variable))
    upto_chance = chance.cumsum(1)
    flips = upto_chance[:, -1] > 0  # not if nothing is violated, or the whole clause is given
    slot = (upto_chance <= choice[:, None] * upto_chance[:, -1:]).sum(1, keepdim=True).clamp(max=chance.shape[1] - 1)

    chosen, old, literal = variable.gather(1, slot), value.gather(1, slot), literal.gather(1, slot)[:, 0]
    lose = tables.occurs.index_select(0, literal).masked_fill(~flips[:, None], tables.clauses)
    gain = tables.occurs.index_select(0, literal ^ 1).masked_fill(~flips[:, None], tables.clauses)
    mended = true.gather(1, gain) == 0
    true.scatter_add_(1, gain, torch.ones_like(gain, dtype=torch.uint8))
    true.scatter_add_(1, lose, torch.full_like(lose, 255, dtype=torch.uint8))  # 255 is -1 in uint8
    newly = true.gather(1, lose) == 0
    true[:, tables.clauses] = PADDED
    broken.scatter_add_(1, gain >> tables.shift, -mended.to(torch.int16))
    broken.scatter_add_(1, lose >> tables.shift, (newly & (lose < tables.clauses)).to(torch.int16))
    state.assignment.scatter_(1, chosen, torch.where(flips[:, None], 1 - old, old).to(torch.uint8))

    energy = broken.sum(1).float()
    residual = flips * (2 / state.assignment.shape[1]) ** 0.5
    return replace(state, draws=draws, clock=state.clock + 1), Info(energy, residual)


def _clauses(instance: Instance) -> tuple[Tensor, Tensor, Tensor]:
    """Variables, satisfying values and slots of all clauses, [T, M + 1, K] each; the last clause is padding."""
    arity = max(factor.scopes.shape[2] for factor in instance.factors)
    parts = []
    for factor in instance.factors:
        member = factor.parameters["member"]
        slots = factor.parameters["slots"] & ~(member.all(-1).any(-1))[..., None]  # x or not x: always satisfied
        pad = (0, arity - factor.scopes.shape[2])
        parts.append([F.pad(x, pad) for x in (factor.scopes, member[..., 1].long(), slots)])
    variable, wanted, slots = (torch.cat(columns, 1) for columns in zip(*parts, strict=True))
    return F.pad(variable, (0, 0, 0, 1)), F.pad(wanted, (0, 0, 0, 1)), F.pad(slots, (0, 0, 0, 1))


def _published(length: int) -> float:
    """The break exponent of a clause length."""
    return PUBLISHED.get(length, 5.4 if length > 3 else 2.06)


def _chances(breaks: Array, length: int, cb: float) -> Array:
    """probSAT's break-only distribution: polynomial for clauses up to 3 literals, exponential above."""
    return (EPS + breaks) ** -cb if length <= 3 else cb**-breaks
