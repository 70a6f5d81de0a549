"""Plugins: the solvers there are, adding one from a file, making a new package, and proving that one keeps the contract.

Listing imports nothing of a plugin, and no torch; ``plugins.conformance`` is imported by those who check.
"""

from __future__ import annotations

from ..engine.registry import Entry, PluginError
from .faults import fault
from .files import add, remove
from .installed import claimed_twice, installed, is_file, load, not_installed
from .manifest import SolverFile, added
from .scaffold import new

__all__ = [
    "Entry",
    "PluginError",
    "SolverFile",
    "add",
    "added",
    "claimed_twice",
    "fault",
    "installed",
    "is_file",
    "load",
    "new",
    "not_installed",
    "remove",
]
