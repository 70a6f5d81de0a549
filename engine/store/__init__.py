"""The store: a database with one row for each run."""

from __future__ import annotations

from ..deprecation import former_names
from .compare import Comparison, PairwiseTest, Quartiles, SolverOnProblem, SolverSummary
from .connect import StoreError, location
from .filter import Filter
from .rows import RunRow
from .store import Store

__all__ = [
    "Comparison",
    "Filter",
    "PairwiseTest",
    "Quartiles",
    "RunRow",
    "SolverOnProblem",
    "SolverSummary",
    "Store",
    "StoreError",
    "location",
]

__getattr__ = former_names(
    __name__,
    {"Cell": "SolverOnProblem", "Duel": "PairwiseTest", "Standing": "SolverSummary"},
    since="0.2",
    removed="0.3",
)
