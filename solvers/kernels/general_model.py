"""The arrays of the general move engine: a graph's tables, and the chains of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...engine.constraints.all_different import AllDifferent
from ...engine.constraints.circuit import Circuit
from ...engine.constraints.terms import moves_only
from ...engine.graph import ConstraintGraph
from ...engine.moves.defined import definitions
from ...engine.moves.draws import below, draw
from ...engine.moves.graph import MoveGraph
from ...engine.moves.instance import MoveInstance
from ...engine.moves.program import Program, compile_program
from ...engine.moves.soft import SoftConstraints, soft_constraints
from ...engine.values import bounds
from .general_state import DECISIONS, NUMBERS, REALS, RINGED, TABLE, Chain, Tables

FORBIDDEN = 1 << 14
"""The largest table of forbidden literals: collisions forbid a few literals too many."""


class Model(NamedTuple):
    """A graph as the kernels read it, for rows with equal fixed auxiliary variables.

    Args:
        tables: ``free``, ``members``, ``group_ptr`` and ``decisions`` are those of a row without given values.
        soft: the soft constraints.
        program: the compiled constraints.
        least: a lower bound of the cost; infinite without a cost.
    """

    tables: Tables
    soft: SoftConstraints
    program: Program
    least: float


class Row(NamedTuple):
    """A row of an instance: its model, its tables, and the addresses of their arrays in the order of ``Tables``."""

    model: Model
    tables: Tables
    addresses: np.ndarray


@dataclass(frozen=True)
class Chains:
    """One chain per row, padded to the largest graph: see ``Chain``."""

    values: np.ndarray
    best: np.ndarray
    memory: np.ndarray
    degree: np.ndarray
    weight: np.ndarray
    violated: np.ndarray
    place: np.ndarray
    tabu: np.ndarray
    number: np.ndarray
    real: np.ndarray
    trail: np.ndarray
    old: np.ndarray
    waiting: np.ndarray
    waits: np.ndarray
    key: np.ndarray

    def row(self, b: int) -> np.ndarray:
        """The addresses of one row's arrays, in the order of ``Chain``."""
        arrays = (getattr(self, name) for name in Chain._fields)
        return np.array([array.ctypes.data + b * array.strides[0] for array in arrays], dtype=np.int64)


def exchanges(graph: ConstraintGraph) -> bool:
    """Whether annealing keeps a permutation or a tour of a graph.

    Args:
        graph: any graph.
    """
    if not graph.kinds & {AllDifferent, Circuit}:
        return False
    flat = MoveGraph.of(graph)
    return bool(_tight(flat)) or _ring(flat) is not None


def row_of(instance: MoveInstance, b: int, swaps: bool, rings: bool = False) -> Row:
    """A row of an instance. Rows with equal given values share it.

    Args:
        instance: the compiled problems.
        b: number of the row.
        swaps: whether values of permutations are exchanged.
        rings: whether the tours of a ``Circuit`` are kept.
    """
    t, fixed = int(instance.template[b]), instance.fixed[b]
    distinct = instance.once(("general distinct", t, swaps), lambda: swaps and _distinct(instance.graphs[t]))
    key = ("general row", t, swaps, rings, fixed.tobytes(), instance.given[b].tobytes() if distinct else b"")

    def build() -> Row:
        model = _model_of(instance, b, swaps, rings)
        tables = _tables_of(instance, b, model)
        assert all(array.flags.c_contiguous for array in tables)
        return Row(model, tables, np.array([array.ctypes.data for array in tables], dtype=np.int64))

    return instance.once(key, build)


def _model_of(instance: MoveInstance, b: int, swaps: bool, rings: bool) -> Model:
    """The model of a row. Rows with the same graph share it, where they give the same auxiliary variables.

    Args:
        instance: the compiled problems.
        b: the row.
        swaps: whether values of permutations are exchanged.
        rings: whether the tours of a ``Circuit`` are kept.
    """
    t = int(instance.template[b])
    graph = instance.graphs[t]
    special = instance.once(("general", t), lambda: _special(graph))
    given = instance.fixed[b, : graph.variables] & special
    exchanged = swaps and _permutable(instance, graph, b)
    ring = instance.once(("general ring", t), lambda: _ring(graph)) if rings else None
    if ring is not None and instance.fixed[b, ring[1]].any():
        ring = None
    key = ("general", t, given.tobytes(), exchanged, ring is not None)
    return instance.once(key, lambda: _model(graph, given, exchanged, ring, instance))


def _tables_of(instance: MoveInstance, b: int, model: Model) -> Tables:
    """The tables of a row: the model's, with the row's free variables."""
    tables = model.tables
    fixed = instance.fixed[b, : len(tables.first)]
    if not fixed.any():
        return tables
    free = (tables.free != 0) & ~fixed
    kept = free[tables.members]
    decisions = tables.decisions[free[tables.decisions]]
    count = tables.count.copy()
    count[DECISIONS] = len(decisions)
    ptr = np.concatenate(([0], np.cumsum(kept)))[tables.group_ptr]
    return tables._replace(
        count=count,
        free=free.astype(np.int8),
        members=tables.members[kept],
        group_ptr=ptr.astype(np.int64),
        group=np.where(free, tables.group, -1).astype(np.int64),
        decisions=decisions,
    )


def chains_of(instance: MoveInstance, rows: list[Row], keys: np.ndarray) -> Chains:
    """Chains with random values: a permutation for each group.

    Args:
        instance: of B rows.
        rows: of the instance.
        keys: [B] uint64, of the random numbers.
    """
    b, v, _ = instance.shape
    c = max(len(row.tables.kind) for row in rows)
    memory = max(int(row.model.program.memory_ptr[-1]) for row in rows)
    literals = max(int(np.minimum(each.size, 64).sum()) for each in instance.graphs)
    values = np.zeros((b, v), dtype=np.int64)
    weight = np.zeros((b, c))
    for row, (model, own, _) in enumerate(rows):
        graph = instance.graphs[instance.template[row]]
        n = graph.variables
        numbers = draw(np.full(n, keys[row], dtype=np.uint64), np.arange(n) + (1 << 40))
        codes = graph.codes(below(numbers, np.minimum(graph.size, (1 << 32) - 1)))
        codes = np.where(instance.fixed[row, :n], instance.given[row, :n], codes)
        for begin, end in zip(own.group_ptr[:-1].tolist(), own.group_ptr[1:].tolist(), strict=True):
            members = own.members[begin:end]
            if len(members):
                scope = model.tables.members[model.tables.group_ptr[own.group[members[0]]] :][
                    : int(graph.size[members[0]])
                ]
                every = _domain(graph, int(members[0]))
                left = np.setdiff1d(every, instance.given[row, scope][instance.fixed[row, scope]])
                codes[members] = left[np.argsort(numbers[members], kind="stable")]
        if len(own.ring):
            tour = np.argsort(numbers[own.ring], kind="stable")
            codes[own.ring[tour]] = np.roll(tour, -1)
        values[row, :n] = codes
        weight[row, : len(own.kind)] = np.where(own.soft > 0, 0.0, own.unit[0])
    number = np.zeros((b, NUMBERS), dtype=np.int64)
    number[:, TABLE] = table = min(FORBIDDEN, 1 << (2 * literals).bit_length())
    return Chains(
        values,
        values.copy(),
        np.zeros((b, memory), dtype=np.int64),
        np.zeros((b, c), dtype=np.int64),
        weight,
        np.zeros((b, c), dtype=np.int64),
        np.full((b, c), -1, dtype=np.int64),
        np.full((b, table), -1, dtype=np.int64),
        number,
        np.zeros((b, REALS)),
        np.zeros((b, 2 * v + 2), dtype=np.int64),
        np.zeros((b, 2 * v + 2), dtype=np.int64),
        np.zeros((b, v), dtype=np.int64),
        np.zeros((b, v), dtype=np.int8),
        keys.reshape(b, 1),
    )


def _domain(graph: MoveGraph, v: int) -> np.ndarray:
    """The codes of a variable's domain."""
    size = int(graph.size[v])
    if graph.step[v]:
        return np.asarray(graph.first[v] + graph.step[v] * np.arange(size))
    return graph.listed[graph.domain_ptr[v] :][:size]


def _special(graph: MoveGraph) -> np.ndarray:
    """[V] bool: the variables of which it matters whether they are given: penalties and defined variables."""
    none = np.zeros(graph.variables, dtype=bool)
    soft = soft_constraints(graph)
    special = none.copy()
    special[soft.penalties] = True
    special[definitions(graph, soft.constraints, none).order] = True
    return special


def _distinct(graph: MoveGraph) -> bool:
    """Whether a graph has permutations."""
    return bool(_tight(graph))


def _tight(graph: MoveGraph) -> list[tuple[int, np.ndarray]]:
    """Disjoint scopes of ``AllDifferent`` with as many variables as values, each with its number."""
    used = np.zeros(graph.variables, dtype=bool)
    found = []
    if AllDifferent not in graph.graph.kinds:
        return []
    for c, constraint in enumerate(graph.constraints):
        if type(constraint) is not AllDifferent or constraint.exempt or getattr(constraint, "offsets", ()):
            continue
        scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
        domain = graph._domain[scope]
        alike = (domain == domain[0]).all() and graph.size[scope[0]] == len(scope)
        if alike and not used[scope].any():
            used[scope] = True
            found.append((c, scope))
    return found


def _permutable(instance: MoveInstance, graph: MoveGraph, b: int) -> bool:
    """Whether the given values of a row are distinct in each permutation."""
    fixed, given = instance.fixed[b], instance.given[b]
    key = ("general permutations", int(instance.template[b]))
    for _, scope in instance.once(key, lambda: _tight(graph)):
        known = given[scope][fixed[scope]]
        if len(np.unique(known)) < len(known):
            return False
    return True


def _ring(graph: MoveGraph) -> tuple[int, np.ndarray] | None:
    """The first ``Circuit`` that every tour satisfies: its number, and its variables by vertex."""
    if Circuit not in graph.graph.kinds:
        return None
    for c, constraint in enumerate(graph.constraints):
        if type(constraint) is not Circuit or not moves_only(constraint, "successors"):
            continue
        scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
        n = len(scope)
        every = np.arange(n)
        if n > 3 and all(np.isin(np.delete(every, i), _domain(graph, v)).all() for i, v in enumerate(scope.tolist())):
            return c, scope
    return None


def _model(
    graph: MoveGraph, given: np.ndarray, swaps: bool, ring: tuple[int, np.ndarray] | None, instance: MoveInstance
) -> Model:
    soft = soft_constraints(graph, given)
    filled = given.copy()
    filled[soft.penalties] = True
    tight = _tight(graph) if swaps else []
    found = definitions(graph, soft.constraints, filled)
    # A permutation is exchanged, unless another constraint computes one of its members.
    tight = [(c, scope) for c, scope in tight if soft.weight[c] == 0 and (found.definer[scope] < 0).all()]
    if ring is not None and (soft.weight[ring[0]] > 0 or (found.definer[ring[1]] >= 0).any()):
        ring = None
    round_ = np.zeros(0, dtype=np.int64) if ring is None else ring[1].astype(np.int64)
    tight = [(c, scope) for c, scope in tight if not np.isin(scope, round_).any()]
    kept = [c for c, _ in tight] + ([] if ring is None else [ring[0]])
    program = compile_program(graph, soft.constraints, instance.notices, hints=True)
    scopes = [constraint.scope for constraint in soft.constraints]
    index = graph.graph.index
    sizes = np.array([len(scope) for scope in scopes], dtype=np.int64)
    scope_ptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    if len(soft.penalties):
        scope = np.fromiter((index[name] for each in scopes for name in each), dtype=np.int32, count=int(sizes.sum()))
    else:
        scope = graph.scope.astype(np.int32)
    constraint = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    slot = (np.arange(len(scope)) - np.repeat(scope_ptr[:-1], sizes)).astype(np.int64)
    watched = ~np.isin(constraint, kept)
    order = np.argsort(scope[watched], kind="stable")
    occurrences = np.bincount(scope[watched], minlength=graph.variables)
    v = graph.variables
    defines_any = np.zeros(v, dtype=bool)
    defining = found.defines[constraint] >= 0
    defines_any[scope[defining & (found.defines[constraint] != scope)]] = True
    defined = found.definer >= 0
    hidden = np.zeros(len(sizes), dtype=bool)
    hidden[constraint[defined[scope]]] = True
    group = np.full(v, -1, dtype=np.int64)
    for g, (_, members) in enumerate(tight):
        group[members] = g
    group[round_] = RINGED
    searched = ~defined & ~filled & (graph.size > 1)
    priced = (soft.objective != 0).nonzero()[0].astype(np.int64)
    decisions = searched.nonzero()[0].astype(np.int64)
    tables = Tables(
        count=np.array(
            [v, len(sizes), len(found.order), len(priced), len(decisions), len(round_), 0, 0], dtype=np.int64
        ),
        functions=np.column_stack((program.functions, program.blame)).reshape(-1),
        kind=program.kind.astype(np.int64),
        params_at=program.params_at,
        memory_at=program.memory_ptr[:-1].copy(),
        params=program.params,
        scope_ptr=scope_ptr,
        scope=scope,
        occ_ptr=np.concatenate(([0], np.cumsum(occurrences))).astype(np.int64),
        occ_constraint=constraint[watched][order],
        occ_slot=slot[watched][order],
        unit=np.array([_unit(graph, soft)]),
        soft=soft.weight.astype(np.float64),
        first=graph.first,
        step=graph.step,
        size=graph.size,
        listed_at=graph.domain_ptr,
        listed=graph.listed,
        ordered=_ordered(graph),
        objective=soft.objective.astype(np.float64),
        priced=priced,
        defines=found.defines.astype(np.int64),
        definer=found.definer.astype(np.int64),
        definer_slot=found.slot.astype(np.int64),
        rank=found.rank.astype(np.int64),
        at_rank=found.order.astype(np.int64),
        drives=defines_any.astype(np.int8),
        hidden=hidden.astype(np.int8),
        group=group,
        group_ptr=np.concatenate(([0], np.cumsum([len(scope) for _, scope in tight]))).astype(np.int64),
        members=np.concatenate([np.zeros(0, np.int64), *(scope for _, scope in tight)]).astype(np.int64),
        ring=round_,
        decisions=decisions,
        free=searched.astype(np.int8),
    )
    return Model(tables, soft, program, _least(graph, soft))


def _unit(graph: MoveGraph, soft: SoftConstraints) -> float:
    """The first weight of a hard constraint: 1, or with costs as much as one change of a variable may save."""
    steps = np.abs(soft.objective) * np.where(graph.step == 0, 1, np.abs(graph.step)).astype(np.float64)
    costs = np.concatenate((steps[steps > 0], soft.weight[soft.weight > 0]))
    return float(np.median(costs)) if len(costs) else 1.0


def _least(graph: MoveGraph, soft: SoftConstraints) -> float:
    """A lower bound of the cost, from the ends of the domains; infinite without a cost."""
    priced = (soft.objective != 0).nonzero()[0]
    if not len(priced) and not soft.weight.any():
        return float("inf")
    names = list(graph.domains)
    ends = np.array([bounds(graph.domains[names[v]]) for v in priced], dtype=np.float64).reshape(-1, 2)
    return float((soft.objective[priced, None] * ends).min(1).sum()) if len(priced) else 0.0


def _ordered(graph: MoveGraph) -> np.ndarray:
    """The codes of ``listed``, sorted within each domain."""
    ordered = graph.listed.copy()
    listed = graph.step == 0
    for at, size in set(zip(graph.domain_ptr[listed].tolist(), graph.size[listed].tolist(), strict=True)):
        ordered[at : at + size].sort()
    return ordered


def assignments(instance: MoveInstance, chains: Chains, rows: list[Row]) -> np.ndarray:
    """The best assignments of all chains, with their penalty variables, as domain indices [B, V].

    Args:
        instance: of B rows.
        chains: their state.
        rows: of the instance.
    """
    values = chains.best.copy()
    for b, row in enumerate(rows):
        if len(row.model.soft.penalties):
            _fill(instance.graphs[instance.template[b]], row.model, values[b : b + 1])
    return instance.indices(values)


def _fill(graph: MoveGraph, model: Model, values: np.ndarray) -> None:
    """Compute the penalty variables of a row [1, V] by the exact checks of the soft constraints."""
    soft = model.soft
    degree = np.zeros((1, len(soft.constraints)), dtype=np.int64)
    value, index = model.program.value, graph.graph.index
    for c in (soft.literal >= 0).nonzero()[0].tolist():
        constraint = soft.constraints[c]
        degree[0, c] = not constraint.check([value(int(values[0, index[name]])) for name in constraint.scope])
    soft.fill(values, degree)
