"""probSAT on a CPU for the engine: instances to chains of ``clauses.py``, and chains to assignments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ...engine.moves.compiled import Kernel, compiling
from ...engine.moves.draws import mix
from ...engine.moves.instance import MoveInstance
from ...engine.moves.streams import Streams
from ...engine.moves.threads import over_rows
from ...engine.rows import cores
from ...engine.solver import Info
from .clauses import flip_rows, start_rows
from .formula import Formula, formula

Weights = Callable[[int, float, int], np.ndarray]
"""(longest clause, clauses for each variable, most clauses of a literal) -> [N, O] weights at most 1, by kind of chain and
violated clauses."""
PARTS = 20
"""Numbers of clauses for each variable are rounded to parts of 1, so that few formulas have tables of their own."""

HEAVIEST = 1 << 32
"""The weights of a clause have a smaller sum."""
CALL = 4e7
"""Nanoseconds that a call of the kernel may take, by the estimate of ``moves_of``."""
FIRST, GROWTH = 1000, 16
"""Moves until the first check. After m moves, the next check is m / GROWTH moves later."""


class Formulas(NamedTuple):
    """T formulas in concatenated arrays, as kernels read them. T formulas have L literals together.

    Args:
        sizes: [T, 5] int64, variables, clauses, and where the formula begins in ``clause_ptr``, in ``literals`` and
            ``occurrences``, and in ``owners``.
        clause_ptr, literals, owners, occurrences: int32, those of ``Formula``, one formula after the other.
        longest: [T] int64, the length of the longest clause.
        most: the most clauses of a literal.
    """

    sizes: np.ndarray
    clause_ptr: np.ndarray
    literals: np.ndarray
    owners: np.ndarray
    occurrences: np.ndarray
    longest: np.ndarray
    most: int

    @classmethod
    def of(cls, formulas: Sequence[Formula]) -> Formulas:
        """The arrays of some formulas.

        Args:
            formulas: at least one.
        """
        parts = [(each.clause_ptr, each.literals, each.owners, each.occurrences) for each in formulas]
        lengths = [tuple(map(len, each[:3])) for each in parts]
        begins = np.cumsum([(0, 0, 0), *lengths], axis=0)[:-1]
        sizes = [(f.variables, len(f.clause_ptr) - 1, *at) for f, at in zip(formulas, begins, strict=True)]
        ptr, literals, owners, occurrences = (
            each[0] if len(each) == 1 else np.concatenate(each) for each in zip(*parts, strict=True)
        )
        longest = np.array([each.longest for each in formulas], dtype=np.int64)
        most = max(each.most for each in formulas)
        return cls(np.array(sizes, dtype=np.int64), ptr, literals, owners, occurrences, longest, most)

    @property
    def shape(self) -> tuple[int, int]:
        """(V, M): the most variables, and the most clauses, of a formula; at least 1."""
        variables, clauses = self.sizes[:, :2].max(0)
        return max(int(variables), 1), max(int(clauses), 1)


class Prepared(NamedTuple):
    """The formulas of an instance and the tables of a solver.

    Args:
        formulas: of the templates.
        weights: [G N, 2 O] uint64, for G pairs of longest clause and ratio, and N kinds of chain.
        group: [T] int64, the first row of ``weights`` of each formula.
        kinds: N.
        bits: of the number of true literals in a clause's word.
    """

    formulas: Formulas
    weights: np.ndarray
    group: np.ndarray
    kinds: int
    bits: np.uint64


@dataclass(frozen=True)
class ClauseChains:
    """A chain for each of B rows. The longest formula has V variables and M clauses.

    Args:
        key: [B] uint64, the random stream.
        clock: [B] int64, moves made.
        kind: [B] int64, row of ``Prepared.weights``.
        assignment: [B, V] uint8, domain indices.
        words: [B, M] uint32 or uint64: see ``clauses.py``.
        violated: [B, M] int32, the violated clauses, of which there are ``count``.
        count: [B] int64.
        breaks: [B, V] int32, clauses that a flip of the variable would violate.
        moves: of the batch so far.
    """

    key: np.ndarray
    clock: np.ndarray
    kind: np.ndarray
    assignment: np.ndarray
    words: np.ndarray
    violated: np.ndarray
    count: np.ndarray
    breaks: np.ndarray
    moves: int = 0


def prepared(instance: MoveInstance, name: tuple[object, ...], weights: Weights) -> Prepared:
    """The arrays of an instance; made once for all selections of its rows.

    Args:
        instance: of clauses over variables with at most two values.
        name: of the weights.
        weights: of the solver.
    """
    return instance.once(("clauses", *name), partial(_prepare, instance, weights))


def _prepare(instance: MoveInstance, weights: Weights) -> Prepared:
    formulas = instance.once(("clauses",), lambda: Formulas.of([formula(graph) for graph in instance.graphs]))
    tables = []
    ratio = np.rint(PARTS * formulas.sizes[:, 1] / np.maximum(formulas.sizes[:, 0], 1)).astype(np.int64)
    shapes, group = np.unique(np.stack((formulas.longest, ratio), axis=1), axis=0, return_inverse=True)
    for length, parts in shapes.tolist():
        table = weights(length, parts / PARTS, formulas.most) * (HEAVIEST // (2 * length))
        table = np.maximum(1, np.rint(table))
        # The second half is for variables that are given: they are never flipped.
        tables.append(np.pad(table.astype(np.uint64), ((0, 0), (0, table.shape[1]))))
    kinds = len(tables[0])
    bits = np.uint64(int(formulas.longest.max()).bit_length())
    return Prepared(formulas, np.concatenate(tables), group.reshape(-1) * kinds, kinds, bits)


def start_chains(instance: MoveInstance, streams: Streams, made: Prepared) -> ClauseChains:
    """New chains, with random values of the variables that are not given.

    Args:
        instance: of B rows.
        streams: one for each row.
        made: its arrays.
    """
    rows, key = len(instance.template), streams.keys
    variables, clauses = made.formulas.shape
    word = np.uint32 if max(variables, clauses) <= 1 << (32 - int(made.bits)) else np.uint64
    kind = made.group[instance.template] + ((mix(key ^ np.uint64(1)) & np.uint64(0xFFFF)) % made.kinds).astype(np.int64)
    chains = ClauseChains(
        key,
        np.zeros(rows, dtype=np.int64),
        kind,
        np.zeros((rows, variables), dtype=np.uint8),
        np.empty((rows, clauses), dtype=word),
        np.empty((rows, clauses), dtype=np.int32),
        np.zeros(rows, dtype=np.int64),
        np.empty((rows, variables), dtype=np.int32),
    )
    given = instance.indices(instance.given).astype(np.uint8)
    formulas = made.formulas
    with compiling_kernel(instance, start_rows):
        over_rows(
            lambda first, last: start_rows(
                first,
                last,
                *formulas[:3],
                instance.template,
                made.bits,
                formulas.most + 1,
                instance.fixed,
                given,
                key,
                chains.assignment,
                chains.words,
                chains.violated,
                chains.count,
                chains.breaks,
            ),
            rows,
        )
    return chains


def move_chains(
    instance: MoveInstance, chains: ClauseChains, steps: int, over: Callable[[], bool], made: Prepared
) -> tuple[ClauseChains, Info, int]:
    """Make moves in all chains until the next check.

    The checks are at moves that depend on the number of moves alone, so that answers do not depend on other rows.

    Args:
        instance: of B rows.
        chains: changed in place.
        steps: the most moves of each chain.
        over: returns True once time is up.
        made: the arrays of the instance.

    Returns:
        The chains, their figures, and the number of moves.
    """
    steps = min(steps, max(FIRST, chains.moves // GROWTH))
    taken = 0
    with compiling_kernel(instance, flip_rows):
        while taken < steps and not (taken and over()):
            moving = (chains.count > 0).nonzero()[0]
            if not len(moving):
                taken = steps
                break
            moves = min(steps - taken, moves_of(made.formulas, instance.template[moving]))
            over_rows(partial(_flip, instance.template, made, chains, moving, moves), len(moving))
            taken += moves
    chains = replace(chains, moves=chains.moves + taken)
    energy = chains.count.astype(np.float32)
    residual = (chains.count > 0) * (2 / instance.shape[1]) ** 0.5
    return chains, Info(energy, residual, chains.count.copy()), taken


def compiling_kernel(instance: MoveInstance, kernel: Kernel) -> AbstractContextManager[None]:
    """A notice if a kernel is compiled. Its timer is a thread, which later calls do without.

    Args:
        instance: has the notices.
        kernel: called inside.
    """
    return nullcontext() if kernel.ready else compiling(instance.notices)


def _flip(
    template: np.ndarray, made: Prepared, chains: ClauseChains, moving: np.ndarray, moves: int, low: int, high: int
) -> None:
    flip_rows(
        moving[low:high],
        moves,
        *made.formulas[:5],
        template,
        made.weights,
        chains.kind,
        made.bits,
        chains.key,
        chains.clock,
        chains.assignment,
        chains.words,
        chains.violated,
        chains.count,
        chains.breaks,
    )


def moves_of(formulas: Formulas, template: np.ndarray, cost: float = 1) -> int:
    """How many moves chains of some formulas may make in one call. Where it is cut has no influence on the answers.

    Args:
        formulas: of the batch.
        template: [N] int64, the formulas of the chains.
        cost: of a move, in those of probSAT.
    """
    literals = np.diff(np.append(formulas.sizes[:, 3], len(formulas.literals)))
    each = cost * (100 + 10 * literals / np.maximum(formulas.sizes[:, 0], 1))
    return max(1, int(CALL * min(cores(), len(template)) / each[template].sum()))
