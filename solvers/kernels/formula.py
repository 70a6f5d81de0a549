"""The clauses of a graph as flat arrays, for kernels on a CPU and on a GPU."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...engine.moves.graph import MoveGraph


class Formula(NamedTuple):
    """M clauses over V variables with L literals. A literal is ``2 * variable + value``; no clause repeats a variable.

    ``value`` is a domain index: 0 or 1. The two literals of a variable differ in their lowest bit.

    Args:
        variables: V.
        clause_ptr: [M + 1] int32, where the literals of each clause begin.
        literals: [L] int32, in the order of the clauses.
        owners: [2 V + 1] int32, where the clauses of each literal begin.
        occurrences: [L] int32, clauses by literal, ascending for each.
        clause: [M] int32, the number of each clause among the graph's clauses.
    """

    variables: int
    clause_ptr: np.ndarray
    literals: np.ndarray
    owners: np.ndarray
    occurrences: np.ndarray
    clause: np.ndarray

    @property
    def longest(self) -> int:
        """The length of the longest clause, at least 1."""
        return int(np.diff(self.clause_ptr).max(initial=1))

    @property
    def most(self) -> int:
        """The most clauses that contain one literal."""
        return int(np.diff(self.owners).max(initial=0))


def formula(graph: MoveGraph) -> Formula:
    """The clauses of a graph, without repeated literals and without clauses that are always satisfied.

    A million clauses of three literals take half a second.

    Args:
        graph: of clauses over variables with at most two values.
    """
    clauses = graph.clauses
    return from_literals(graph.variables, clauses.ptr, 2 * clauses.variable + clauses.wanted)


def from_literals(variables: int, ptr: np.ndarray, literals: np.ndarray) -> Formula:
    """A formula from clauses that may repeat literals or contain a variable and its negation.

    Args:
        variables: V.
        ptr: [M + 1], where the literals of each clause begin.
        literals: [L], ``2 * variable + value``.
    """
    lengths = np.diff(ptr)
    literals = literals.astype(np.int32)
    number = np.arange(len(lengths), dtype=np.int32)
    if _repeats(ptr, literals):
        clause = np.repeat(number, lengths)
        order = np.lexsort((literals, clause))
        same = np.diff(clause[order]) == 0
        repeated = same & (np.diff(literals[order]) == 0)
        opposite = same & ~repeated & (np.diff(literals[order] >> 1) == 0)
        kept = np.ones(len(literals), dtype=bool)
        kept[order[1:][repeated]] = False
        always = np.zeros(len(lengths), dtype=bool)
        always[clause[order[1:][opposite]]] = True
        kept &= ~always[clause]
        literals = literals[kept]
        lengths = np.bincount(clause[kept], minlength=len(lengths))[~always]
        number = number[~always]
    owners = _starts(np.bincount(literals, minlength=2 * variables))
    occurrences = (
        literals.astype(np.int64) << 32
    )  # (literal, clause) as one number: sorted in a third of argsort's time
    occurrences |= np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    occurrences.sort()
    occurrences = occurrences.astype(np.int32)  # the lower half
    return Formula(variables, _starts(lengths), literals, owners, occurrences, number)


def _repeats(ptr: np.ndarray, literals: np.ndarray) -> bool:
    """Whether a clause contains a variable twice."""
    lengths = np.diff(ptr)
    for length in np.unique(lengths[lengths > 1]).tolist():
        starts = ptr[:-1][lengths == length]
        variables = literals[starts[:, None] + np.arange(length)] >> 1
        variables.sort(axis=1)
        if (variables[:, 1:] == variables[:, :-1]).any():
            return True
    return False


def _starts(counts: np.ndarray) -> np.ndarray:
    starts = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=starts[1:])
    return starts
