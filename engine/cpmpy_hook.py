"""Offers mull's solvers to CPMpy, whichever of the two is imported first, without importing CPMpy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

LOOKUP = "cpmpy.solvers.utils"
"""The module that holds CPMpy's list of solvers; it has no entry points of its own."""

SOLVER = "mull.problems.models.cpmpy_solver"
"""The module of mull's side, imported when CPMpy lists its solvers: the engine itself imports no problems."""


def register() -> None:
    """Add ``mull`` to CPMpy's solvers: now where CPMpy is imported, else as soon as it is."""
    module = sys.modules.get(LOOKUP)
    if module is not None:
        _add(module)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _add(module: ModuleType) -> None:
    lookup: Any = module.SolverLookup
    known = lookup.base_solvers
    if getattr(known, "has_mull", False):
        return

    def base_solvers(cls: Any) -> list[tuple[str, Any]]:
        return [*known(), ("mull", import_module(SOLVER).CPM_mull)]

    base_solvers.has_mull = True  # type: ignore[attr-defined]
    lookup.base_solvers = classmethod(base_solvers)


class _Finder(MetaPathFinder):
    """Finds CPMpy's list of solvers once, and adds mull to it when it has been executed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != LOOKUP:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, own: Loader) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.own.exec_module(module)
        _add(module)
