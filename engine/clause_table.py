"""The clauses of a graph as arrays of literals, for searches on formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .constraints.clause import Clause
from .constraints.clause_arrays import ClauseArrays

if TYPE_CHECKING:
    from .graph import ConstraintGraph


class ClauseTable(NamedTuple):
    """Clauses as arrays. Clause c has the literals from ``start[c]`` to below ``start[c + 1]``.

    No clause has a literal twice. Clauses that no assignment violates, because they contain every value of a variable,
    are left out; so the numbers of clauses are not those of ``ConstraintGraph.constraints``.

    Args:
        start: [C + 1] int64.
        variable: [L] int32, positions on the V axis.
        value: [L] int32, domain indices: the literal is true where its variable has this index.
    """

    start: np.ndarray
    variable: np.ndarray
    value: np.ndarray


def clause_table(graph: ConstraintGraph) -> ClauseTable | None:
    """The clauses of a graph whose constraints are all clauses; None for other graphs.

    Args:
        graph: any graph. Without constraints the table is empty.
    """
    if not graph.kinds <= {Clause}:
        return None
    if isinstance(graph.constraints, ClauseArrays):
        made = ClauseTable(
            graph.constraints.start, graph.constraints.variable, graph.constraints.value.astype(np.int32)
        )
        return made if graph.constraints.distinct else _tidy(made, np.full(len(graph.domains), 2))
    index, domains = graph.index, list(graph.domains.values())
    numbers = {id(domain): {value: i for i, value in enumerate(domain)} for domain in domains}
    of = [numbers[id(domain)] for domain in domains]
    clauses = [c.literals for c in graph.constraints if isinstance(c, Clause)]
    start = np.zeros(len(clauses) + 1, dtype=np.int64)
    np.cumsum([len(literals) for literals in clauses], out=start[1:])
    pairs = [(index[name], value) for literals in clauses for name, value in literals]
    variable = np.array([v for v, _ in pairs], dtype=np.int32)
    value = np.array([of[v][given] for v, given in pairs], dtype=np.int32)
    return _tidy(ClauseTable(start, variable, value), np.array([len(domain) for domain in domains], dtype=np.int64))


def _tidy(table: ClauseTable, sizes: np.ndarray) -> ClauseTable:
    """The table without repeated literals and without clauses that contain every value of a variable."""
    start, variable, value = table
    clause = np.repeat(np.arange(len(start) - 1), np.diff(start))
    order = np.lexsort((value, variable, clause))
    sorted_ = clause[order], variable[order], value[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.logical_or.reduce([one[1:] != one[:-1] for one in sorted_])
    kept = np.sort(order[new])  # in the order given
    clause, variable, value = clause[kept], variable[kept], value[kept]
    _, of, values = np.unique(clause * len(sizes) + variable, return_inverse=True, return_counts=True)
    full = np.zeros(len(start) - 1, dtype=bool)
    full[clause[values[of] == sizes[variable]]] = True
    kept = np.flatnonzero(~full[clause])
    length = np.bincount(clause[kept], minlength=len(full))[~full]
    return ClauseTable(np.concatenate(([0], np.cumsum(length))), variable[kept], value[kept])
