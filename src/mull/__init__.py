"""mull: reasoning as iterative optimisation over constraint graphs.

    >>> import mull
    >>> solution, = mull.solve(mull.load("queens:8"), mull.solver("localsearch"))
    >>> solution.status.solved
    True

Names are loaded on first use; what is not here comes from ``mull.engine``, ``mull.problems`` and ``mull.plugins``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Budget as Budget
    from .engine import ConstraintGraph as ConstraintGraph
    from .engine import Problem as Problem
    from .engine import Solution as Solution
    from .engine import Solver as Solver
    from .engine import Status as Status
    from .engine import Task as Task
    from .engine import solve as solve
    from .engine.store import Store as Store
    from .engine.store.history import history as history
    from .problems import load as load

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "ConstraintGraph",
    "Problem",
    "Solution",
    "Solver",
    "Status",
    "Store",
    "Task",
    "history",
    "load",
    "solve",
    "solver",
]

_ELSEWHERE = {  # the others live in .engine
    "Store": ".engine.store",
    "history": ".engine.store.history",
    "load": ".problems",
}


def solver(name: str, **options: Any) -> Solver:
    """The installed solver of a name, with options.

    Raises:
        PluginError: no such solver, or it cannot be loaded.
        OptionError: an unknown option, or a value outside its bounds.
    """
    from .plugins import load as load_solver

    return load_solver(name).from_options(options)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, ".engine"), __name__), name)
