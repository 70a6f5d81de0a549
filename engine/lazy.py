"""Torch, imported at its first use: it takes a second or more, and exact solvers, stores and readers do not need it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any


class _Lazy(ModuleType):
    """A module that imports the module of its name at the first access, and stores each attribute that is read."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # found without __getattr__ from now on
        return value


if TYPE_CHECKING:
    import torch
else:
    torch = _Lazy("torch")

__all__ = ["torch"]
