"""The installed learned solvers by name: those of mull and those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from ..engine.choice import refused
from ..engine.registry import PluginError
from ..engine.solver import AbstractSolver
from ..engine.weights import Card, CheckpointError, cards, find
from ..plugins import installed, load
from . import weights
from .learned import Learned
from .nets.reasoner import Reasoner


def kinds() -> dict[str, type[Learned]]:
    """All learned solvers that can be loaded, by name. It imports every installed solver."""
    found: dict[str, type[Learned]] = {}
    for name in sorted({entry.name for entry in installed()}):
        try:
            found[name] = kind(name)
        except PluginError:
            continue
    return found


def kind(name: str) -> type[Learned]:
    """The learned solver of a name. No other solver is imported.

    Raises:
        PluginError: no solver has the name, it cannot be loaded, or it has no trained weights.
    """
    found = load(name)
    if not issubclass(found, Learned):
        raise PluginError(
            f"solver {name!r} has no trained weights", "solve weights list shows the weights and their solvers"
        )
    return found


def trained_on(families: Collection[str], on_notice: Callable[[str], None]) -> list[type[Learned]]:
    """The learned solvers that ``auto`` tries on problems of some families, in the order of ``auto_turn``.

    Only solvers with weights trained on one of the families are imported, so that other plugins cost no time.

    Args:
        families: names of problem families.
        on_notice: called with a message for each solver that cannot be loaded.
    """
    here = {entry.name for entry in installed()}
    wanted = {card.solver for card in cards() if refused(card) is None and not card.sizes.keys().isdisjoint(families)}
    found: list[tuple[int, str, type[Learned]]] = []
    for name in sorted(wanted & here):
        try:
            solver = kind(name)
        except PluginError as error:
            on_notice(f"{name} is left out: {error}")
            continue
        if solver.auto_turn is not None:
            found.append((solver.auto_turn, name, solver))
    return [solver for _, _, solver in sorted(found, key=lambda each: each[:2])]


def check_weights(solver: AbstractSolver) -> None:
    """Check the weights that a learned solver names: whether they exist, are undamaged, and are of its net.

    Raises:
        CheckpointError: why not, and what to do.
    """
    if isinstance(solver, Learned) and solver.weights is not None:
        card = find(solver.weights)
        weights.refuse(solver, card)
        weights.loaded(type(solver), card, "cpu", torch.float32)


def build(card: Card) -> Reasoner:
    """The untrained net that a card describes, built by the installed solver that the card names.

    Raises:
        CheckpointError: the solver is not installed, or the card does not describe a net.
    """
    try:
        solver = kind(card.solver)
    except PluginError as error:
        raise CheckpointError(f"{card.name}: {error}", error.hint) from error
    return weights.build(card, solver)
