"""The solvers there are: those of installed packages, and those added from files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from ..engine.registry import ONLY, SOLVERS, Entry, PluginError, entries, normal, only, permitted, pick
from ..engine.registry import load as load_entry
from .faults import fault
from .files import added

if TYPE_CHECKING:
    from ..engine.solver import Solver


def installed() -> list[Entry]:
    """All solvers, none of them imported: mull's own, then by name. A name that two claim occurs twice.

    Raises:
        PluginError: the list of added files cannot be read.
    """
    return entries(SOLVERS) + [file.entry for file in added() if permitted(file.name)]


def load(name: str) -> type[Solver]:
    """The solver class of a name.

    Raises:
        PluginError: no such solver, a name that two claim, one that fails to import, or no solver at all.
    """
    packaged = entries(SOLVERS)
    try:
        every = installed()
    except PluginError:
        if all(entry.name != name for entry in packaged):
            raise
        every = packaged  # a damaged list of files is no reason to do without what is installed
    if all(entry.name != name for entry in every):
        for file in added():
            if file.name == name:
                raise PluginError(f"{ONLY} leaves out {file.entry}", f"{ONLY}={name}")
    entry = pick(SOLVERS, name, every)
    changed = fault(entry) if entry.path else None  # also where this process has imported it before
    if changed:
        raise PluginError(f"{entry} cannot be loaded: {changed}", entry.remedy)
    from ..engine.solver import Solver  # torch comes with it: a wrong name is refused before

    loaded: type[Solver] = load_entry(entry, Solver)
    return loaded


def claimed_twice(among: Sequence[Entry]) -> dict[str, str]:
    """Name -> who claim it, for the names that more than one does."""
    twice = {name for name, count in Counter(entry.name for entry in among).items() if count > 1}
    return {name: " and ".join(entry.origin for entry in among if entry.name == name) for name in sorted(twice)}


def not_installed() -> list[str]:
    """The names in ``MULL_PLUGINS`` that nothing answers to: misspelt, most likely."""
    missing = []
    try:
        files = {normal(file.name) for file in added()}
    except PluginError:
        files = set()
    for name in sorted(only() or ()):
        try:
            distribution(name)
        except PackageNotFoundError:
            if name not in files:
                missing.append(name)
    return missing
