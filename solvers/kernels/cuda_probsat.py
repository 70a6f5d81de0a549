"""probSAT on a GPU as the hooks of a solver: from an instance to chains of ``ClauseSearch``, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.moves.streams import Streams
from ...engine.solver import Info
from .clause_chains import Prepared
from .cuda_clauses import ClauseChains, ClauseSearch
from .cuda_instance import CudaInstance, mixed, ranked, signed, starting_bits

if TYPE_CHECKING:
    from torch import Tensor


def init(instance: CudaInstance, streams: Streams, made: Prepared) -> ClauseChains:
    """New chains, with random values of the variables that are not given.

    Args:
        instance: of B rows.
        streams: one key for each row.
        made: the formulas and weights of the instance.
    """
    search = _search(instance, made)
    key = instance.put(signed(streams.keys))
    assignment = starting_bits(key, instance.shape[1])
    if instance.fixed.any():
        given = instance.put(instance.indices(instance.given).astype(np.uint8))
        assignment = assignment.where(~instance.put(instance.fixed), given)
    kind = instance.put(made.group[instance.template]) + (mixed(key ^ 1) & 0xFFFF) % made.kinds
    return search.start(assignment, key, kind.int())


def advance(instance: CudaInstance, chains: ClauseChains, steps: int, made: Prepared) -> tuple[ClauseChains, Info, int]:
    """Make moves in all chains.

    Args:
        instance: of B rows.
        chains: updated in place.
        steps: the most moves of each chain.
        made: as for ``init``.

    Returns:
        The chains, their figures as numpy arrays, and the number of moves.
    """
    search = _search(instance, made)
    taken = search.advance(chains, instance.templates, instance.groups, _fixed(instance), steps)
    violations = chains.count.cpu().numpy().astype(np.int64)
    energy = ranked(violations, chains.clock.cpu().numpy(), instance.problem)
    residual = (violations > 0) * (2 / instance.shape[1]) ** 0.5
    return chains, Info(energy, residual, violations), taken


def decode(chains: ClauseChains) -> np.ndarray:
    """The assignments as [B, V] int64 domain indices."""
    return chains.assignment.cpu().numpy().astype(np.int64)


def _search(instance: CudaInstance, made: Prepared) -> ClauseSearch:
    """The kernel and the formulas on the device; made once for all selections of rows."""
    return instance.once(("clauses", "gpu", id(made)), lambda: ClauseSearch(made, instance.place, instance.notices))


def _fixed(instance: CudaInstance) -> Tensor | None:
    """[B, V] uint8 on the device: variables that are given; None where none is. Padding does not count."""

    def build() -> Tensor | None:
        sizes = np.array([graph.variables for graph in instance.graphs])[instance.template]
        fixed = instance.fixed & (np.arange(instance.shape[1]) < sizes[:, None])
        return instance.put(fixed.astype(np.uint8)) if fixed.any() else None

    return instance.kept("fixed", build)
