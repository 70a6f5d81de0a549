"""Solvers by entry point: listed without importing them, loaded one by one, failures told and contained."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.solver import Solver

GROUP = "mull.solvers"
OURS = "mull"


class PluginError(RuntimeError):
    """A solver that cannot be had: why, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class SolverEntry:
    """A solver that is installed, not yet imported.

    Args:
        name: as typed after ``--solver``.
        target: ``module:Class``.
        distribution: the package that brings it.
        version: of that package.
    """

    name: str
    target: str
    distribution: str
    version: str

    @property
    def built_in(self) -> bool:
        return self.distribution == OURS


def installed() -> list[SolverEntry]:
    """All solvers by name, the built-in ones first; a name that two packages claim occurs twice."""
    found = set()
    for point in entry_points(group=GROUP):
        dist = point.dist
        found.add(SolverEntry(point.name, point.value, dist.name if dist else "?", dist.version if dist else "?"))
    return sorted(found, key=lambda e: (not e.built_in, e.name, e.distribution))


def load(name: str) -> type[Solver]:
    """The solver class of a name. mull's own solvers keep their names whatever else is installed.

    Raises:
        PluginError: no such solver, a name that two plugins claim, one that fails to import, or no solver at all.
    """
    every = installed()
    entries = [e for e in every if e.name == name]
    if not entries:
        close = get_close_matches(name, [e.name for e in every], 1)
        known = ", ".join(dict.fromkeys(e.name for e in every))
        raise PluginError(
            f"unknown solver {name[:40]!r}", f"did you mean {close[0]}?" if close else f"there are {known}"
        )
    if len(entries) > 1 and not entries[0].built_in:
        claims = " and ".join(e.distribution for e in entries)
        raise PluginError(f"solver {name!r} is claimed by {claims}", "uninstall one of them")
    return _import(entries[0])


def _import(entry: SolverEntry) -> type[Solver]:
    from ..engine.solver import Solver

    whose = f"solver {entry.name!r} of {entry.distribution} {entry.version}"
    hint = f"report it to the authors of {entry.distribution}, or: pip uninstall {entry.distribution}"
    try:
        loaded = EntryPoint(entry.name, entry.target, GROUP).load()
    except (Exception, SystemExit) as error:  # a plugin may do anything while it is imported
        raise PluginError(f"{whose} cannot be loaded: {type(error).__name__}: {error}", hint) from error
    if not (inspect.isclass(loaded) and issubclass(loaded, Solver)):
        raise PluginError(f"{whose} is no subclass of mull.engine.Solver: {entry.target}", hint)
    if inspect.isabstract(loaded):
        missing = ", ".join(sorted(loaded.__abstractmethods__))
        raise PluginError(f"{whose} does not implement {missing}", hint)
    if getattr(loaded, "name", None) != entry.name:
        raise PluginError(f"{whose} calls itself {getattr(loaded, 'name', None)!r}", hint)
    return loaded
