"""SATLike on a CPU for the engine: instances to chains of ``weighted_clauses.py``, and chains to assignments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ...engine.moves.instance import MoveInstance
from ...engine.moves.streams import Streams
from ...engine.moves.threads import over_rows
from ...engine.solver import Info
from .clause_chains import FIRST, GROWTH, Formulas, compiling_kernel, moves_of
from .soft_formula import SoftFormula, soft_formula
from .weighted_clauses import BEST, FIGURES, HARD, LOGGED, NONE, SOFT, search_weighted, start_weighted

HEAVY = 1 << 50
"""The largest weight of a clause in a chain."""


class Rule(NamedTuple):
    """The options of the search as the tables read them.

    Args:
        unit: the weight of a soft clause of average cost, and by how much it rises.
        rise: by how much the weight of a violated hard clause rises; it starts at 1.
        limit: the weight of a soft clause stops to rise at its cost times this number.
    """

    unit: int
    rise: int
    limit: int


class Prepared(NamedTuple):
    """The formulas of an instance and the weights of their clauses. T formulas have N clauses together.

    Args:
        soft: of the templates.
        formulas: the same in concatenated arrays.
        weight, rise, limit, begin: [N] int64: see ``search_weighted`` and ``start_weighted``.
        bits: of the number of true literals in a clause's word.
        base: [T] float64, the objective where all soft clauses hold.
    """

    soft: tuple[SoftFormula, ...]
    formulas: Formulas
    weight: np.ndarray
    rise: np.ndarray
    limit: np.ndarray
    begin: np.ndarray
    bits: np.uint64
    base: np.ndarray


@dataclass(frozen=True)
class WeightedChains:
    """A chain for each of B rows. The longest formula has V variables and M clauses; see ``weighted_clauses.py``.

    Args:
        key: [B] uint64, the random stream.
        figures: [B, FIGURES] int64.
        least: [B] int64, violated hard clauses of ``best``.
        assignment, best: [B, V] uint8, domain indices: the present ones, and those of the best assignment.
        words: [B, M] uint32 or uint64.
        listed: [B, M] int32, violated clauses.
        dynamic: [B, M] int64, the weights of the clauses.
        score: [B, V] int64.
        good, place: [B, V] int32.
        stamp: [B, V] int64.
        log: [B, V] int32.
        moves: of the batch so far.
    """

    key: np.ndarray
    figures: np.ndarray
    least: np.ndarray
    assignment: np.ndarray
    best: np.ndarray
    words: np.ndarray
    listed: np.ndarray
    dynamic: np.ndarray
    score: np.ndarray
    good: np.ndarray
    place: np.ndarray
    stamp: np.ndarray
    log: np.ndarray
    moves: int = 0


def prepared(instance: MoveInstance, rule: Rule) -> Prepared:
    """The arrays of an instance; made once for all selections of its rows.

    Args:
        instance: of hard and soft clauses.
        rule: the options.
    """
    return instance.once(("satlike", rule), partial(_prepare, instance, rule))


def _prepare(instance: MoveInstance, rule: Rule) -> Prepared:
    soft = tuple(
        soft_formula(graph, np.any(instance.fixed[instance.template == t, : graph.variables], axis=0))
        for t, graph in enumerate(instance.graphs)
    )
    formulas = Formulas.of([each.formula for each in soft])
    tables = [_weights(each.weight, rule) for each in soft]
    rise, limit, begin = (np.concatenate(each) for each in zip(*tables, strict=True))
    weight = np.concatenate([each.weight for each in soft])
    bits = np.uint64(int(formulas.longest.max()).bit_length())
    base = np.array([float(each.base) for each in soft])
    return Prepared(soft, formulas, weight, rise, limit, begin, bits, base)


def _weights(weight: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By how much the weights of clauses rise, where they stop, and where they begin: [M] int64 each."""
    hard = weight == 0
    average = weight[~hard].mean() if not hard.all() else 1.0
    unit = np.maximum(1, np.rint(np.minimum(weight / average * rule.unit, HEAVY / rule.limit / 4))).astype(np.int64)
    rise = np.where(hard, rule.rise, unit)
    limit = np.where(hard, HEAVY, unit * rule.limit)
    # With hard clauses, soft ones begin at 0: the first local minima are left at the expense of soft clauses.
    begin = np.where(hard, 1, 0 if hard.any() else unit)
    return rise, limit, begin


def start_chains(instance: MoveInstance, streams: Streams, made: Prepared) -> WeightedChains:
    """New chains, with random values of the variables that are not given.

    Args:
        instance: of B rows.
        streams: one for each row.
        made: its arrays.
    """
    rows, formulas = len(instance.template), made.formulas
    variables, clauses = formulas.shape
    word = np.uint32 if max(variables, clauses) <= 1 << (32 - int(made.bits)) else np.uint64
    chains = WeightedChains(
        key=streams.keys,
        figures=np.zeros((rows, FIGURES), dtype=np.int64),
        least=np.zeros(rows, dtype=np.int64),
        assignment=np.zeros((rows, variables), dtype=np.uint8),
        best=np.zeros((rows, variables), dtype=np.uint8),
        words=np.zeros((rows, clauses), dtype=word),
        listed=np.zeros((rows, clauses), dtype=np.int32),
        dynamic=np.zeros((rows, clauses), dtype=np.int64),
        score=np.zeros((rows, variables), dtype=np.int64),
        good=np.zeros((rows, variables), dtype=np.int32),
        place=np.zeros((rows, variables), dtype=np.int32),
        stamp=np.zeros((rows, variables), dtype=np.int64),
        log=np.zeros((rows, variables), dtype=np.int32),
    )
    given = instance.indices(instance.given).astype(np.uint8)

    def start(first: int, last: int) -> None:
        start_weighted(
            first,
            last,
            *formulas[:3],
            made.weight,
            made.begin,
            instance.template,
            made.bits,
            instance.fixed,
            given,
            chains.key,
            chains.figures,
            chains.assignment,
            chains.best,
            chains.words,
            chains.listed,
            chains.dynamic,
            chains.score,
            chains.good,
            chains.place,
        )

    with compiling_kernel(instance, start_weighted):
        over_rows(start, rows)
    return replace(chains, least=chains.figures[:, HARD].copy())


def move_chains(
    instance: MoveInstance, chains: WeightedChains, steps: int, over: Callable[[], bool], made: Prepared
) -> tuple[WeightedChains, Info, int]:
    """Make moves in all chains until the next check, at moves that depend on the number of moves alone.

    Args:
        instance: of B rows.
        chains: changed in place.
        steps: the most moves of each chain.
        over: returns True once time is up.
        made: the arrays of the instance.

    Returns:
        The chains, the figures of their best assignments, and the number of moves.
    """
    figures = chains.figures
    steps = min(steps, max(FIRST, chains.moves // GROWTH))
    taken = 0
    with compiling_kernel(instance, search_weighted):
        while taken < steps and not (taken and over()):
            moving = (~finished(chains)).nonzero()[0]
            if not len(moving):
                taken = steps
                break
            moves = min(steps - taken, moves_of(made.formulas, instance.template[moving], 2))
            over_rows(partial(_search, instance.template, made, chains, moving, moves), len(moving))
            taken += moves
    fewer = (figures[:, BEST] == NONE) & (figures[:, HARD] < chains.least)
    chains.best[fewer] = chains.assignment[fewer]
    figures[fewer, LOGGED] = 0
    least = np.where(figures[:, BEST] != NONE, 0, np.where(fewer, figures[:, HARD], chains.least))
    chains = replace(chains, least=least, moves=chains.moves + taken)
    residual = (~finished(chains)) * (2 / instance.shape[1]) ** 0.5
    best = np.where(figures[:, BEST] == NONE, 0, figures[:, BEST])
    cost = made.base[instance.template] + best
    return chains, Info(least.astype(np.float32), residual, least.copy(), cost), taken


def _search(
    template: np.ndarray, made: Prepared, chains: WeightedChains, moving: np.ndarray, moves: int, low: int, high: int
) -> None:
    search_weighted(
        moving[low:high],
        moves,
        *made.formulas[:5],
        made.weight,
        made.rise,
        made.limit,
        made.begin,
        template,
        made.bits,
        chains.key,
        chains.figures,
        chains.assignment,
        chains.best,
        chains.words,
        chains.listed,
        chains.dynamic,
        chains.score,
        chains.good,
        chains.place,
        chains.stamp,
        chains.log,
    )


def assignments(instance: MoveInstance, chains: WeightedChains, made: Prepared) -> np.ndarray:
    """The best assignment of each row: [B, V] int64 domain indices.

    Args:
        instance: of B rows.
        chains: of its rows.
        made: its arrays.
    """
    found = chains.best.astype(np.int64)
    for t, soft in enumerate(made.soft):
        rows = (instance.template == t).nonzero()[0]
        if len(rows):
            part = found[rows, : soft.formula.variables]
            soft.fill(part)
            found[rows, : soft.formula.variables] = part
    return found


def finished(chains: WeightedChains) -> np.ndarray:
    """[B] bool: chains that violate no clause, hard or soft."""
    done: np.ndarray = (chains.figures[:, HARD] == 0) & (chains.figures[:, SOFT] == 0)
    return done
