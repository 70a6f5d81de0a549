"""A shorter import of torch for the program: its kernels for tensors without data are imported when something needs them.

``import torch`` registers these kernels, which describe the shapes of results, for its compiler and for devices ``meta``.
Solving needs neither; they take a quarter of the import.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PART = "torch._meta_registrations"
USERS = ("torch._decomp", "torch._dynamo", "torch._inductor", "torch._refs", "torch.distributed.tensor")
"""Modules that need the part. Tensors without data (fake tensors) import the first one."""


class _Absent(ModuleType):
    """Stands for the part. The part is imported when something reads a name of it, too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # inspection of all modules
            raise AttributeError(name)
        if sys.modules.get(PART) is self:
            del sys.modules[PART]
        return getattr(import_module(PART), name)


class _Users:
    """A finder of modules that finds none: it imports the part before a user of it."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """None. Modules are found as usual.

        Args:
            name: of the module.
            path: of its package.
            target: unused.
        """
        if name in USERS and self in sys.meta_path:
            sys.meta_path.remove(self)
            if not isinstance(sys.modules.get(PART), _Absent):  # a name of the part was read
                return None
            del sys.modules[PART]
            if not getattr(sys.modules["torch"].__spec__, "_initializing", False):  # else torch imports it in its order
                import_module(PART)
        return None


def defer() -> None:
    """Let an ``import torch`` to come leave the part out until a module that needs it is imported."""
    if "torch" in sys.modules:
        return
    sys.modules[PART] = _Absent(PART)
    sys.meta_path.insert(0, _Users())
