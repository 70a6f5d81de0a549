"""Tabu search on graphs of differences for the engine: instances to chains, and chains to assignments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...engine.moves.compiled import compiling
from ...engine.moves.instance import MoveInstance
from ...engine.moves.streams import Streams
from ...engine.moves.threads import over_rows
from ...engine.rows import cores
from ...engine.solver import Info
from .cuts import make_flips
from .difference_arrays import DifferenceArrays, difference_arrays
from .difference_stages import count_violations
from .difference_state import BEST, BEST_HARD, COUNT, ENERGY, Chains, Tables, new_chains, tables
from .differences import make_moves

CALL = 4e7
"""Nanoseconds that a call of the kernel may take, by the estimate of ``_moves``."""
FIRST, GROWTH = 100, 4
"""Moves until the first check. After m moves, the next check is m / GROWTH moves later."""


@dataclass(frozen=True)
class Rule:
    """The options of the search as the kernels read them.

    Args:
        tenure: tabu tenure for each variable in conflict, in 1/65536 of a move.
        tenure_random: random part of the tenure, up to this many moves.
        patience: moves without improvement before a chain combines its assignments.
    """

    tenure: int
    tenure_random: int
    patience: int


@dataclass(frozen=True)
class DifferenceState:
    """One chain for each row.

    Args:
        chains: of the rows.
        violations: [B] int64, the hard constraints that the best assignments violate.
        clock: moves of the batch so far.
    """

    chains: Chains
    violations: np.ndarray
    clock: int = 0


@dataclass(frozen=True, eq=False)
class Prepared:
    """The graphs of an instance in the forms that the search needs.

    Args:
        arrays: of the graphs.
        tables: the same for the kernels.
        numbers: for each graph, the codes of its values in ascending order, and the number of each.
        indices: for each graph, [V, K] int64, the domain index of each value of a variable.
        penalties: for each graph, [S, 6] int64, its soft constraints: their ends among the searched variables,
            whether the constraint is ``=``, the penalty variable, its domain index where the constraint is violated and where it holds.
        bases: [T] float64, the cost where no soft constraint is violated.
    """

    arrays: DifferenceArrays
    tables: Tables
    numbers: tuple[tuple[np.ndarray, np.ndarray], ...]
    indices: tuple[np.ndarray, ...]
    penalties: tuple[np.ndarray, ...]
    bases: np.ndarray


def prepared(instance: MoveInstance) -> Prepared:
    """The graphs of an instance; made once for all selections of its rows.

    Args:
        instance: of graphs of differences.
    """
    return instance.once(("tabu", "differences"), partial(_prepare, instance))


def _prepare(instance: MoveInstance) -> Prepared:
    arrays = difference_arrays([graph.graph for graph in instance.graphs])
    numbers, indices, penalties = [], [], []
    for t, graph in enumerate(instance.graphs):
        codes = np.array([graph.code(value) for value in arrays.value_of[t]], dtype=np.int64)
        order = np.argsort(codes)
        numbers.append((codes[order], order))
        place = {value: number for number, value in enumerate(arrays.value_of[t])}
        listed = list(graph.graph.domains.values())
        rows: dict[int, np.ndarray] = {}
        for v in arrays.searched[t]:
            domain = listed[v]
            if id(domain) not in rows:
                row = rows[id(domain)] = np.zeros(len(place), dtype=np.int64)
                row[[place[value] for value in domain]] = np.arange(len(domain))
        if len(rows) == 1:  # one row for all variables
            indices.append(np.broadcast_to(next(iter(rows.values())), (len(arrays.searched[t]), len(place))))
        else:
            indices.append(np.stack([rows[id(listed[v])] for v in arrays.searched[t]]))
        local = np.full(len(listed), -1, dtype=np.int64)
        local[arrays.searched[t]] = np.arange(len(arrays.searched[t]))
        soft = [
            (*local[list(each.scope)], each.equal, each.penalty, each.violated, each.holds)
            for each in arrays.penalties[t]
        ]
        penalties.append(np.array(soft, dtype=np.int64).reshape(-1, 6))
    bases = np.array([float(sum(each.base for each in soft)) for soft in arrays.penalties]) + arrays.always
    return Prepared(arrays, tables(arrays), tuple(numbers), tuple(indices), tuple(penalties), bases)


def start_chains(instance: MoveInstance, streams: Streams, rule: Rule) -> DifferenceState:
    """The first state of every row: random values of the variables that are not fixed.

    Args:
        instance: of graphs of differences.
        streams: one for each row.
        rule: the options.
    """
    made = prepared(instance)
    fixed = fixed_values(instance)
    longest = (fixed.shape[1] * rule.tenure >> 16) + rule.tenure_random + 1
    if made.arrays.cut.any():
        longest += fixed.shape[1] * rule.tenure_random // 100
    chains = new_chains(made.arrays, instance.template, keys(streams), fixed, longest, recombine=rule.patience > 0)
    with compiling(instance.notices):
        over_rows(partial(_call, made.tables, chains, 0, rule), len(fixed))
    violations = np.zeros(len(fixed), dtype=np.int64)
    _count(made, chains, violations)
    return DifferenceState(chains, violations)


def keys(streams: Streams) -> np.ndarray:
    """[B] uint64: the keys of the chains. The lowest bit of a key is 1 in every second copy, which makes one long stage.

    Args:
        streams: one for each row.
    """
    return streams.keys & ~np.uint64(1) | (streams.copies % 2).astype(np.uint64)


def fixed_values(instance: MoveInstance) -> np.ndarray:
    """The values of the variables that are fixed: [B, V] int32 numbers of values, -1 for other variables.

    Padding is fixed at 0.

    Args:
        instance: of graphs of differences.
    """
    made = prepared(instance)
    variables = int(made.arrays.variables.max(initial=1))
    fixed = np.full((len(instance.template), variables), -1, dtype=np.int32)
    for t in range(len(instance.graphs)):
        rows = (instance.template == t).nonzero()[0]
        searched = made.arrays.searched[t]
        codes, number = made.numbers[t]
        given = instance.given[np.ix_(rows, searched)]
        values = number[np.minimum(np.searchsorted(codes, given), len(codes) - 1)]
        fixed[rows, : len(searched)] = np.where(instance.fixed[np.ix_(rows, searched)], values, -1)
        fixed[rows, len(searched) :] = 0
    return fixed


def move_chains(
    instance: MoveInstance, state: DifferenceState, steps: int, over: Any, rule: Rule
) -> tuple[DifferenceState, Info, int]:
    """Make moves in all rows until the next check.

    The checks are at moves that depend on the number of moves alone, so that answers do not depend on other rows.

    Args:
        instance: of graphs of differences.
        state: changed in place.
        steps: the most moves.
        over: returns True once time is up.
        rule: the options.

    Returns:
        The state, its info and the number of moves.
    """
    made, chains = prepared(instance), state.chains
    steps = min(steps, max(FIRST, state.clock // GROWTH))
    taken = 0
    with compiling(instance.notices):
        while taken < steps and not (taken and over()):
            moving = (chains.figures[:, ENERGY] > 0) & (chains.figures[:, COUNT] > 0)
            if not moving.any():
                taken = steps
                break
            moves = min(steps - taken, _moves(made, chains, moving))
            over_rows(partial(_call, made.tables, chains, moves, rule), len(chains.key))
            taken += moves
    _count(made, chains, state.violations)
    state = DifferenceState(chains, state.violations, state.clock + taken)
    figures = chains.figures
    energy = figures[:, BEST_HARD].astype(np.float32)
    residual = (figures[:, ENERGY] > 0) * (2 / max(1, chains.value.shape[1])) ** 0.5
    hard_weight = made.arrays.hard_weight[chains.template]
    cost = made.bases[chains.template] + figures[:, BEST] - hard_weight * figures[:, BEST_HARD]
    return state, Info(energy, residual, state.violations.copy(), cost), taken


def _call(tables: Tables, chains: Chains, moves: int, rule: Rule, low: int, high: int) -> None:
    options = moves, rule.tenure, rule.tenure_random, rule.patience
    if tables.cut.any():
        make_flips(tables, chains, low, high, *options)
    if not tables.cut.all():
        make_moves(tables, chains, low, high, *options)


def _count(made: Prepared, chains: Chains, violations: np.ndarray) -> None:
    arrays = made.arrays
    pairs = arrays.pair_ptr, arrays.pair, arrays.template_groups
    over_rows(lambda low, high: count_violations(made.tables, chains, *pairs, violations, low, high), len(violations))


def _moves(made: Prepared, chains: Chains, moving: np.ndarray) -> int:
    """How many moves the moving rows may make in one call. Where it is cut has no influence on the answers."""
    arrays, template = made.arrays, chains.template[moving]
    size = arrays.variables[template].astype(np.int64)
    last = arrays.variable_ptr[template + 1]
    arcs = arrays.edge_ptr[last] - arrays.edge_ptr[last - size]
    members = len(arrays.member) / max(1, len(arrays.allowed)) * arrays.stride.max(initial=1)
    scanned = chains.figures[moving, COUNT] * (10 + arrays.stride[template] / 4)
    each = 150 + 2 * arcs / np.maximum(size, 1) + 30 * members + scanned
    return max(1, int(CALL * min(cores(), len(template)) / each.sum()))


def assignments(instance: MoveInstance, best: np.ndarray) -> np.ndarray:
    """The assignments of the engine.

    Args:
        instance: of graphs of differences.
        best: [B, V] numbers of values of the searched variables.

    Returns:
        [B, V] int64 domain indices.
    """
    made = prepared(instance)
    decoded = np.zeros(instance.fixed.shape, dtype=np.int64)
    for t in range(len(instance.graphs)):
        rows = (instance.template == t).nonzero()[0]
        if not len(rows):
            continue
        searched = made.arrays.searched[t]
        values = best[rows, : len(searched)]
        decoded[np.ix_(rows, searched)] = made.indices[t][np.arange(len(searched)), values]
        left, right, equal, penalty, violated, holds = made.penalties[t].T
        if len(penalty):
            decoded[np.ix_(rows, penalty)] = np.where((values[:, left] == values[:, right]) != equal, violated, holds)
    return decoded


def finished(state: DifferenceState) -> np.ndarray:
    """[B] bool: rows whose best assignment violates no constraint, hard or soft."""
    done: np.ndarray = state.chains.figures[:, BEST] == 0
    return done
