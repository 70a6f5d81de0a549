"""probSAT on a GPU as the hooks of a solver: from an instance to chains of ``ClauseSearch``, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...engine.moves.streams import Streams
from ...engine.solver import Info
from .cuda_clauses import ClauseChains, ClauseSearch
from .cuda_instance import CudaInstance, mixed, ranked, signed, starting_bits
from .formula import formula

if TYPE_CHECKING:
    from torch import Tensor

Weights = Callable[[int, int], np.ndarray]
"""(longest clause, most clauses of a literal) -> [N, O] weights at most 1, by kind of chain and violated clauses."""

HEAVIEST = 1 << 32
"""The weights of a clause have a smaller sum."""


def init(instance: CudaInstance, streams: Streams, weights: Weights) -> ClauseChains:
    """New chains, with random values of the variables that are not given.

    Args:
        instance: of B rows.
        streams: one key for each row.
        weights: of the solver.
    """
    search = _search(instance, weights)
    key = instance.put(signed(streams.keys))
    assignment = starting_bits(key, instance.shape[1])
    fixed = _fixed(instance)
    if fixed is not None:
        given = instance.put(instance.indices(instance.given).astype(np.uint8))
        assignment = assignment.where(fixed == 0, given)
    kind = (mixed(key ^ 1) & 0xFFFF) % len(search.weights)
    return search.start(assignment, key, kind.int())


def advance(
    instance: CudaInstance, chains: ClauseChains, steps: int, weights: Weights
) -> tuple[ClauseChains, Info, int]:
    """Make moves in all chains.

    Args:
        instance: of B rows.
        chains: updated in place.
        steps: the most moves of each chain.
        weights: as for ``init``.

    Returns:
        The chains, their figures as numpy arrays, and the number of moves.
    """
    search = _search(instance, weights)
    taken = search.advance(chains, instance.templates, instance.groups, _fixed(instance), steps)
    violations = chains.count.cpu().numpy().astype(np.int64)
    energy = ranked(violations, chains.clock.cpu().numpy(), instance.problem)
    residual = (violations > 0) * (2 / instance.shape[1]) ** 0.5
    return chains, Info(energy, residual, violations), taken


def decode(chains: ClauseChains) -> np.ndarray:
    """The assignments as [B, V] int64 domain indices."""
    return chains.assignment.cpu().numpy().astype(np.int64)


def _search(instance: CudaInstance, weights: Weights) -> ClauseSearch:
    """The kernel and the formulas of an instance; made once."""

    def build() -> ClauseSearch:
        formulas = [formula(graph) for graph in instance.graphs]
        length = max(int(np.diff(each.clause_ptr).max(initial=1)) for each in formulas)
        most = max(int(np.diff(each.owners).max(initial=0)) for each in formulas)
        table = np.maximum(1, np.rint(weights(length, most) * (HEAVIEST // (2 * length))))
        return ClauseSearch(formulas, table, instance.place, instance.notices)

    return instance.once(("probsat", "gpu"), build)


def _fixed(instance: CudaInstance) -> Tensor | None:
    """[B, V] uint8 on the device: variables that are given; None where none is. Padding does not count."""

    def build() -> Tensor | None:
        sizes = np.array([graph.variables for graph in instance.graphs])[instance.template]
        fixed = instance.fixed & (np.arange(instance.shape[1]) < sizes[:, None])
        return instance.put(fixed.astype(np.uint8)) if fixed.any() else None

    return instance.kept("fixed", build)
