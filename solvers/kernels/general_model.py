"""The tables of the general move engine: a graph, and the rows of an instance, as kernels read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...engine.moves.defined import definitions
from ...engine.moves.graph import MoveGraph
from ...engine.moves.instance import MoveInstance
from ...engine.moves.program import Program, compile_program
from ...engine.moves.soft import SoftConstraints, soft_constraints
from ...engine.values import bounds
from .general_groups import has_permutations, permutable, permutations, ring_of
from .general_state import DECISIONS, RINGED, Tables


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


def row_of(instance: MoveInstance, b: int, swaps: bool, rings: bool = False) -> Row:
    """A row of an instance. Rows with equal given values share it.

    Args:
        instance: the compiled problems.
        b: number of the row.
        swaps: whether values of permutations are exchanged.
        rings: whether the tours of a ``Circuit`` are kept.
    """
    t, fixed = int(instance.template[b]), instance.fixed[b]
    distinct = instance.once(("general distinct", t, swaps), lambda: swaps and has_permutations(instance.graphs[t]))
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
    exchanged = swaps and permutable(instance, graph, b)
    ring = instance.once(("general ring", t), lambda: ring_of(graph)) if rings else None
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


def _special(graph: MoveGraph) -> np.ndarray:
    """[V] bool: the variables of which it matters whether they are given: penalties and defined variables."""
    none = np.zeros(graph.variables, dtype=bool)
    soft = soft_constraints(graph)
    special = none.copy()
    special[soft.penalties] = True
    special[definitions(graph, soft.constraints, none).order] = True
    return special


def _model(
    graph: MoveGraph, given: np.ndarray, swaps: bool, ring: tuple[int, np.ndarray] | None, instance: MoveInstance
) -> Model:
    soft = soft_constraints(graph, given)
    filled = given.copy()
    filled[soft.penalties] = True
    tight = permutations(graph) if swaps else []
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
