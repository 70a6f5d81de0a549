"""A shorter import of torch for the program: parts that solving does not need are imported when something needs them.

Kernels for tensors without data describe the shapes of results, for torch's compiler and for devices ``meta``. They take a
quarter of the import, the other parts a twelfth.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

KERNELS = "torch._meta_registrations"
OTHERS = (
    "torch.utils.data",
    "torch.distributions",
    "torch.profiler",
    "torch.quantization",
    "torch.masked",
    "torch.export",
)
"""In the order in which torch imports them."""
TESTED = ("2.13.",)
"""Versions of torch that import in any order what ``OTHERS`` names. With all others only ``KERNELS`` is left out."""
USERS = ("torch._decomp", "torch._dynamo", "torch._inductor", "torch._refs", "torch.distributed.tensor")
"""Modules that need the kernels. Tensors without data (fake tensors) import the first one."""


class _Absent(ModuleType):
    """Stands for a part. All parts are imported when something reads a name of one."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__all__", "__path__"):  # inspection of all modules
            raise AttributeError(name)
        _restore()
        return getattr(import_module(self.__name__), name)


class _PartsFinder:
    """A finder of modules that finds none: it leaves parts out of an import of torch, and imports them before a user."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """None. Modules are found as usual.

        Args:
            name: of the module.
            path: of its package.
            target: unused.
        """
        if name == "torch":
            from importlib import metadata

            for part in (*OTHERS, KERNELS) if metadata.version("torch").startswith(TESTED) else (KERNELS,):
                sys.modules[part] = _Absent(part)
        elif (
            name == "torch.functional"
        ):  # the first import after that of torch's C++ classes, which `Generator` is one of
            _make_generators()
        elif name in USERS:
            _restore()
        return None


def _make_generators() -> None:
    """Give ``torch.Generator`` its metaclass, as a part that ``KERNELS`` imports does in torch 2.13: it refuses calls before."""
    core: Any = sys.modules.get("torch._C")
    if hasattr(core, "_set_generator_metaclass"):
        core._set_generator_metaclass(import_module("torch._opaque_base").OpaqueBaseMeta)


def _restore() -> None:
    """Import the parts that were left out; if torch is being imported, let it do so in its own order."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _PartsFinder)]
    absent = [part for part in (*OTHERS, KERNELS) if isinstance(sys.modules.get(part), _Absent)]
    for part in absent:
        del sys.modules[part]
    if not getattr(sys.modules["torch"].__spec__, "_initializing", False):
        for part in absent:
            import_module(part)


def defer() -> None:
    """Let an ``import torch`` to come leave out the parts until something needs one."""
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, _PartsFinder())
