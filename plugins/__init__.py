"""Plugins: finding solvers by entry point, making a new one, and proving that one keeps the contract.

Listing imports nothing of a plugin, and no torch; ``plugins.conformance`` is imported by those who check.
"""

from __future__ import annotations

from .registry import PluginError, SolverEntry, installed, load
from .scaffold import new

__all__ = ["PluginError", "SolverEntry", "installed", "load", "new"]
