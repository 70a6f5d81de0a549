"""The store: a database with one row for each run.

A name is imported at its first use. Writing to an SQLite file (``open_for_writing``) needs no SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..deprecation import former_names

if TYPE_CHECKING:
    from .compare import Comparison as Comparison
    from .compare import PairwiseTest as PairwiseTest
    from .compare import Quartiles as Quartiles
    from .compare import SolverOnProblem as SolverOnProblem
    from .compare import SolverSummary as SolverSummary
    from .connect import location as location
    from .file import StoreError as StoreError
    from .filter import Filter as Filter
    from .rows import RunRow as RunRow
    from .sqlite_writer import open_for_writing as open_for_writing
    from .store import Store as Store

_MODULE = {
    "Comparison": ".compare",
    "Filter": ".filter",
    "PairwiseTest": ".compare",
    "Quartiles": ".compare",
    "RunRow": ".rows",
    "SolverOnProblem": ".compare",
    "SolverSummary": ".compare",
    "Store": ".store",
    "StoreError": ".file",
    "location": ".connect",
    "open_for_writing": ".sqlite_writer",
}

__all__ = sorted(_MODULE)  # noqa: PLE0605

_former = former_names(
    __name__,
    {"Cell": "SolverOnProblem", "Duel": "PairwiseTest", "Standing": "SolverSummary"},
    since="0.2",
    removed="0.3",
)


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name], __name__), name)
    return _former(name)
