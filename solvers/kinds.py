"""The learned solvers that are installed, by name: mull's own and those of plugins."""

from __future__ import annotations

from ..engine.registry import PluginError
from ..engine.weights import Card, CheckpointError
from ..plugins import installed, load
from . import weights
from .learned import Learned
from .nets.reasoner import Reasoner


def kinds() -> dict[str, type[Learned]]:
    """All learned solvers that can be loaded, by name. Imports every installed solver: it is for messages and lists."""
    found: dict[str, type[Learned]] = {}
    for name in sorted({entry.name for entry in installed()}):
        try:
            found[name] = kind(name)
        except PluginError:
            continue
    return found


def kind(name: str) -> type[Learned]:
    """The learned solver of a name; nothing else is imported.

    Raises:
        PluginError: there is no such solver, it cannot be loaded, or it does not learn.
    """
    found = load(name)
    if not issubclass(found, Learned):
        raise PluginError(f"solver {name!r} does not learn", "solve weights list shows the weights and their solvers")
    return found


def build(card: Card) -> Reasoner:
    """The untrained net that a card describes, of the installed solver that it names.

    Raises:
        CheckpointError: the solver is not installed, or the card does not describe a net.
    """
    try:
        solver = kind(card.solver)
    except PluginError as error:
        raise CheckpointError(f"{card.name}: {error}", error.hint) from error
    return weights.build(card, solver)
