"""Plugins: list the installed solvers, add a solver from a file, make a new package, and check a solver's contract.

Listing imports neither plugins nor torch. ``plugins.conformance`` has the checks; import it where needed.
"""

from __future__ import annotations

from ..engine.registry import Entry, PluginError
from .diagnosis import diagnose
from .files import add, remove
from .installed import installed, is_file, load, name_conflicts, not_installed
from .manifest import SolverFile, added
from .scaffold import new

__all__ = [
    "Entry",
    "PluginError",
    "SolverFile",
    "add",
    "added",
    "diagnose",
    "installed",
    "is_file",
    "load",
    "name_conflicts",
    "new",
    "not_installed",
    "remove",
]
