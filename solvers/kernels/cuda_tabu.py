"""Tabu search on a GPU as the hooks of a solver: from an instance to chains of ``DifferenceSearch``, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.moves.streams import Streams
from ...engine.solver import Info
from .cuda_differences import DifferenceChains, DifferenceSearch
from .cuda_instance import CudaInstance, ranked, signed
from .difference_chains import Rule, assignments, fixed_values, keys, prepared
from .difference_state import BEST, BEST_HARD, CLOCK, ENERGY

if TYPE_CHECKING:
    from torch import Tensor


def init(instance: CudaInstance, streams: Streams, rule: Rule) -> DifferenceChains:
    """New chains.

    Args:
        instance: of graphs of differences.
        streams: one key for each row.
        rule: the options.
    """
    return _search(instance, rule).start(instance.put(signed(keys(streams))))


def advance(
    instance: CudaInstance, chains: DifferenceChains, steps: int, rule: Rule
) -> tuple[DifferenceChains, Info, int]:
    """Make moves in all chains.

    Args:
        instance: of B rows.
        chains: updated in place.
        steps: the most moves of each chain.
        rule: the options.

    Returns:
        The chains, their figures as numpy arrays, and the number of moves.
    """
    taken = _search(instance, rule).advance(chains, instance.templates, instance.groups, _given(instance), steps)
    arrays = prepared(instance).arrays
    figures = chains.figures.cpu().numpy()
    violations = figures[:, BEST_HARD].copy()
    if len(arrays.group_weight):  # equal pairs are more than the constraints that they violate
        _count(instance, chains, violations)
    energy = ranked(figures[:, BEST_HARD], figures[:, CLOCK], instance.problem)
    residual = (figures[:, ENERGY] > 0) * (2 / instance.shape[1]) ** 0.5
    bases = prepared(instance).bases[instance.template]
    cost = bases + figures[:, BEST] - arrays.hard_weight[instance.template] * figures[:, BEST_HARD]
    return chains, Info(energy, residual, violations, cost), taken


def decode(instance: CudaInstance, chains: DifferenceChains) -> np.ndarray:
    """The best assignments as domain indices.

    Args:
        instance: of B rows.
        chains: of these rows.

    Returns:
        [B, V] int64.
    """
    return assignments(instance, chains.best.cpu().numpy())


def finished(chains: DifferenceChains) -> np.ndarray:
    """[B] bool: rows whose best assignment violates no constraint, hard or soft."""
    done: np.ndarray = (chains.figures[:, BEST] == 0).cpu().numpy()
    return done


def _search(instance: CudaInstance, rule: Rule) -> DifferenceSearch:
    """The kernel and the graphs of an instance; made once."""

    def build() -> DifferenceSearch:
        arrays = prepared(instance).arrays
        place, notices = instance.place, instance.notices
        return DifferenceSearch(arrays, rule.tenure, rule.tenure_random, rule.patience, place, notices)

    return instance.once(("tabu", "gpu", rule), build)


def _given(instance: CudaInstance) -> Tensor | None:
    """[B, V] int32 on the device: numbers of given values, -1 for the other variables; None where none is given."""

    def build() -> Tensor | None:
        fixed = fixed_values(instance)
        return instance.put(fixed) if (fixed >= 0).any() else None

    return instance.kept("given", build)


def _count(instance: CudaInstance, chains: DifferenceChains, violations: np.ndarray) -> None:
    """Replace equal pairs by violated constraints, in the row of each problem with the fewest."""
    order = np.lexsort((violations, instance.problem))
    first = np.flatnonzero(np.diff(instance.problem[order], prepend=-1))
    rows = order[first]
    rows = rows[violations[rows] > 0]
    if len(rows):
        chosen = instance.select(rows)
        best = assignments(chosen, chains.best[instance.put(rows)].cpu().numpy())
        violations[rows] = chosen.check(best)[0]
