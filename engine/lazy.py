"""Modules that are imported at their first use: they take long, and many commands do not need them.

``torch`` takes a second or more. ``cp_model`` is OR-Tools' CP-SAT; it imports pandas, which takes longer than all of
its own code, and which mull does not use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any


class _Lazy(ModuleType):
    """A module that imports another one at the first access, and stores each attribute that is read.

    Args:
        name: of the module.
        load: returns the module.
    """

    def __init__(self, name: str, load: Callable[[str], ModuleType] = import_module) -> None:
        super().__init__(name)
        self._load = load

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._load(self.__name__), name)
        setattr(self, name, value)  # found without __getattr__ from now on
        return value


def _without_pandas(name: str) -> ModuleType:
    """Import OR-Tools' model with a stand-in for pandas, of which it needs two classes at its import.

    Its functions that take or return series of pandas import the real one.
    """
    if name in sys.modules or "pandas" in sys.modules:
        return import_module(name)
    stand_in = ModuleType("pandas")
    for each in ("Index", "Series"):
        setattr(stand_in, each, type(each, (), {}))
    sys.modules["pandas"] = stand_in
    try:
        module = import_module(name)
    finally:
        if sys.modules.get("pandas") is stand_in:
            del sys.modules["pandas"]
    module.__dict__["pd"] = _Lazy("pandas")
    return module


if TYPE_CHECKING:
    import torch
    from ortools.sat.python import cp_model
else:
    torch = _Lazy("torch")
    cp_model = _Lazy("ortools.sat.python.cp_model", _without_pandas)

__all__ = ["cp_model", "torch"]
