"""``solve solvers show``: the method, options, requirements and weights of one solver."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .. import completion
from ..common import json_option
from ..tables import describe_options, describe_solver, describe_weights, table

if TYPE_CHECKING:
    from mull.engine import AbstractSolver
    from mull.engine.weights import Card


@click.command("show")
@click.argument("name", shell_complete=completion.solvers)
@json_option
def solvers_show(name: str, as_json: bool) -> None:
    """Show a solver: its method, options, citation and weights.

    The table "supports" lists which constraint kinds and problems the solver accepts.
    """
    from mull.plugins import installed, load

    solver = load(name)
    from mull.engine.weights import cards
    from mull.plugins.conformance import support

    own_cards = [card for card in cards() if card.solver == name]
    entry = next(entry for entry in installed() if entry.name == name)
    supported = support(solver)
    if as_json:
        known = {"package": entry.origin, "class": entry.target, "supports": supported}
        weights = [{**card.model_dump(), "path": str(card.path)} for card in own_cards]
        click.echo(json.dumps({**_to_json(solver), **known, "weights": weights}))
        return
    describe_solver(solver)
    click.echo(f"\nfrom: {entry.origin} ({entry.target})")
    click.echo("\nsupports:")
    table(
        ("kind", "supported"),
        [(what, "yes" if reason is None else f"no: {reason}") for what, reason in supported.items()],
    )
    if hasattr(solver, "presets"):  # a learned solver
        from mull.engine.training import Recipe

        click.echo("\ntraining options (solve train -o key=value), besides the options that set the net's size:")
        describe_options(Recipe.model_fields)
    if own_cards:
        click.echo("\nweights (-o weights=NAME):")
        describe_weights(own_cards)
        click.echo("\nweights used by default:")
        table(("problems", "weights", "why"), _default_weights(own_cards))


def _default_weights(cards: Sequence[Card]) -> list[tuple[str, str, str]]:
    """The weights used for each family and size of problem, then the weights that are used only by name."""
    from mull.engine.choice import explained, ranked, refused

    rows = []
    # A card states one size, that of its largest family. Cards of one family come first, because their size is certain.
    sizes = {(f, *_size(c)) for c in cards for f in c.families if len(c.families) == 1}
    sizes |= {(f, *_size(c)) for c in cards for f in c.families if f not in {family for family, *_ in sizes}}
    for family, values, variables in sorted(sizes):
        for card in ranked(cards, family, values, variables)[:1]:
            why = explained(card, family, values, variables)
            rows.append((f"{family}, {variables} variables of {values} values", card.name, why))
    return rows + [("only if named", card.name, reason) for card in cards if (reason := refused(card))]


def _size(card: Card) -> tuple[int, int]:
    return card.shape.get("values", 0), card.shape.get("variables", 0)


def _to_json(solver: type[AbstractSolver]) -> dict[str, Any]:
    """A solver as a JSON object; each option has the default, bounds and description of its JSON Schema."""
    options = solver.model_json_schema()["properties"]
    return {
        "name": solver.name,
        "version": solver.version,
        "complete": solver.complete,
        "method": (solver.__doc__ or "").strip(),
        "citation": solver.citation,
        "options": {key: {k: v for k, v in option.items() if k != "title"} for key, option in options.items()},
    }
