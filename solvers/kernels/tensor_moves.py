"""The tensor form of min-conflicts with tabu and adaptive weights on any graph, one move per step in every row.

It serves graphs on an accelerator.

Every row keeps a table of move costs: the weighted violation degree if one variable changed to a value and all others
stayed. A move changes only the entries of its neighbours (``Constraint.cost_changes``). A step reads only the table
rows of variables in conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from ...engine.compile import Instance
from ...engine.factor import Factor
from ...engine.random import Random
from ...engine.solver import Info
from ...engine.tables import by_owner

NOISE = 1 << 16
APART = 1009
"""Offset between the noise of two neighbouring variables: larger than a domain, and independent of the batch."""
NARROW = 1 << 16
"""Graphs with sums up to this have move costs in 32 bits; others need 64."""
CHUNK = 1 << 22
"""Entries of cost tables built at once when rows start, to bound the memory on a large graph."""


@dataclass(frozen=True)
class MoveState:
    """One chain per row.

    Args:
        assignment: [B, V] int64.
        cost: [B, V, D] int32 (int64 for large sums), the table of move costs. Only differences along D have a meaning,
            but a variable is in conflict exactly if its present value costs more than zero.
        weights: [B, F] int32 for each factor.
        tabu: [B, V, D] int32, the step until which a literal is forbidden.
        energy, best: [B] int64, weighted violation degree now, and its least value since the weights last changed.
        improved: [B] int32, the step of that least value.
        random: one stream per row.
        clock: steps of the batch so far.
    """

    assignment: Tensor
    cost: Tensor
    weights: tuple[Tensor, ...]
    tabu: Tensor
    energy: Tensor
    best: Tensor
    improved: Tensor
    random: Random
    clock: int = 0


def start(instance: Instance, random: Random) -> MoveState:
    """The first state of every row: random assignments.

    A greedy start gains nothing: the first moves catch up quickly.

    Args:
        instance: the compiled problems.
        random: one stream per row.
    """
    b, v, d = instance.shape
    device = instance.device
    chance = random.at(0).uniform(v, d).masked_fill(~instance.allowed, -1)
    assignment = chance.argmax(-1)
    weights = tuple(torch.ones(b, f.count, dtype=torch.int32, device=device) for f in instance.factors)
    # Degrees grow with the sums of a graph, and weights multiply them: 64 bits if 32 may overflow.
    table = torch.int64 if max(graph.magnitude for graph in instance.graphs) > NARROW else torch.int32
    cost = torch.zeros(b * v, d, dtype=table, device=device)
    for factor in instance.factors:
        constraints = factor.active.expand(b, -1) if factor.template is None else factor.active[factor.template]
        rows, index = constraints.nonzero(as_tuple=True)
        chunk = max(1, CHUNK // (factor.scopes.shape[2] * d))
        for part in range(0, len(rows), chunk):
            _add_costs(cost, factor, assignment, rows[part : part + chunk], index[part : part + chunk])
    energy = instance.check(assignment)[1]
    tabu = torch.zeros(b, v, d, dtype=torch.int32, device=device)
    improved = torch.zeros(b, dtype=torch.int32, device=device)
    return MoveState(assignment, cost.view(b, v, d), weights, tabu, energy, energy, improved, random.at(1))


def move(
    instance: Instance, state: MoveState, tenure: float, tenure_random: int, patience: int
) -> tuple[MoveState, Info]:
    """One move in every row with a conflict. The tensors of the state are updated in place.

    Args:
        instance: the compiled problems.
        state: as ``start`` or the last move returned it.
        tenure: tabu tenure per conflicting variable, in steps.
        tenure_random: random part of the tabu tenure, up to this many steps.
        patience: steps without improvement before a chain raises its weights.

    Returns:
        The new state and its info, [B] each.
    """
    clock = state.clock + 1
    b, v, d = instance.shape
    if clock % patience == 0:
        state = _raise_weights(instance, state, clock, patience)
    present = state.cost.gather(2, state.assignment[..., None])[..., 0]
    rows, variables = ((present > 0) & instance.free).nonzero(as_tuple=True)
    draws = state.random.at(clock).bits(2)
    if not len(rows):
        return replace(state, clock=clock), _info(state, v)

    # Candidates [N, D]: every value of every variable in conflict. Noise below one breaks ties at random.
    # Reading whole rows of the table is several times as fast as reading entries.
    place = rows * v + variables
    now = state.assignment.view(-1)[place, None]
    change = state.cost.view(-1, d).index_select(0, place)
    change = change - change.gather(1, now)
    noise = _noise(d, rows.device).index_select(0, (draws[:, 0].index_select(0, rows) + variables * APART) % NOISE)
    forbidden = state.tabu.view(-1, d).index_select(0, place) >= clock
    aspiring = change < (state.best - state.energy).index_select(0, rows)[:, None]
    usable = instance.allowed.view(-1, d).index_select(0, place) & (~forbidden | aspiring)
    usable = usable.scatter(1, now, False)
    score = torch.where(usable, change + noise, torch.inf)
    score, value = score.min(1)
    least = torch.full((b,), torch.inf, device=rows.device).scatter_reduce(0, rows, score, "amin")
    chosen = ((score == least[rows]) & (score < torch.inf)).nonzero()[:, 0]
    # Equal noise is rare; then the last candidate of the row is taken.
    winner = torch.full((b,), -1, device=rows.device).scatter_reduce(0, rows[chosen], chosen, "amax")
    chosen = winner[winner >= 0]

    conflicts = torch.bincount(rows, minlength=b)
    rows, variables, new = rows[chosen], variables[chosen], value[chosen]
    old = state.assignment[rows, variables]
    energy = state.energy.index_add(0, rows, change[chosen, new].long())
    for number, weights in enumerate(state.weights):
        _update(instance, number, weights, state, rows, variables, new)
    until = clock + (tenure * conflicts[rows]).int() + (draws[rows, 1] % tenure_random).int() + 1
    state.tabu[rows, variables, old] = until.int()
    state.assignment[rows, variables] = new
    better = energy < state.best
    improved = torch.where(better, clock, state.improved)
    best = torch.minimum(energy, state.best)
    state = replace(state, energy=energy, best=best, improved=improved, clock=clock)
    return state, _info(state, v)


def _info(state: MoveState, variables: int) -> Info:
    energy = state.energy.float()
    return Info(energy, (energy > 0) * (2 / variables) ** 0.5)


@cache
def _noise(size: int, device: torch.device) -> Tensor:
    """[NOISE, D] uniform in (0, 1), to break ties. Reading it is much cheaper than a hash per candidate.

    Each row is the previous one shifted by one, a view of NOISE + D - 1 numbers.
    """
    return (Random.for_rows(["ties"], device).uniform(NOISE + size - 1)[0] * 0.99).unfold(0, size, 1)


def _update(
    instance: Instance, number: int, weights: Tensor, state: MoveState, rows: Tensor, variables: Tensor, new: Tensor
) -> None:
    """Update the cost table for a move of one variable in some rows, as far as factor ``number`` is concerned."""
    _, v, d = instance.shape
    factor = instance.factors[number]
    table = instance.once(("tabu", number), lambda: _occurrences(factor, v))
    at = variables if factor.template is None else factor.template[rows] * v + variables
    found = table.index_select(0, at)  # [N, O, 2]: constraint and slot, -1 for none
    n, place = (found[..., 0] >= 0).nonzero(as_tuple=True)
    index, slot = found[n, place].unbind(1)
    rows, new = rows[n], new[n]
    scopes, parameters = factor.pick(rows, index)
    values = state.assignment[rows[:, None], scopes]
    slots, indices, change = factor.kind.cost_changes(values, slot, new, parameters, d)
    change = (change * weights[rows, index][:, None]).to(state.cost.dtype)
    literal = (rows[:, None] * v + scopes.gather(1, slots)) * d + indices
    state.cost.view(-1).index_add_(0, literal.flatten(), change.flatten())


def _occurrences(factor: Factor, variables: int) -> Tensor:
    """[T * V, O, 2]: the constraints of each variable and its slot in them, padded with -1."""
    templates, constraint, slot = (factor.parameters["slots"] & factor.active[..., None]).nonzero(as_tuple=True)
    variable = templates * variables + factor.scopes[templates, constraint, slot]
    return by_owner(variable, torch.stack((constraint, slot), 1), factor.scopes.shape[0] * variables, -1)


def _add_costs(cost: Tensor, factor: Factor, assignment: Tensor, rows: Tensor, index: Tensor) -> None:
    """Add the costs of some constraints, once each, to the table [B * V, D]."""
    scopes, parameters = factor.pick(rows, index)
    values = assignment[rows[:, None], scopes]
    costs = factor.kind.costs(values, parameters, cost.shape[1]) * parameters["slots"][..., None]
    place = rows[:, None] * assignment.shape[1] + scopes
    cost.index_add_(0, place.flatten(), costs.flatten(0, 1).to(cost.dtype))


def _raise_weights(instance: Instance, state: MoveState, clock: int, patience: int) -> MoveState:
    """Add 1 to the weight of every violated constraint, in rows without improvement for ``patience`` steps
    (breakout)."""
    stuck = clock - state.improved >= patience
    cost = state.cost.view(-1, state.cost.shape[2])
    energy = state.energy.clone()
    for factor, weights in zip(instance.factors, state.weights, strict=True):
        degree = factor.violations(state.assignment)
        rows, index = ((degree > 0) & stuck[:, None]).nonzero(as_tuple=True)
        weights[rows, index] += 1
        energy.index_add_(0, rows, degree[rows, index])
        _add_costs(cost, factor, state.assignment, rows, index)
    return replace(
        state,
        energy=energy,
        best=torch.where(stuck, energy, state.best),
        improved=torch.where(stuck, clock, state.improved),
    )
