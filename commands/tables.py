"""Tables on stdout: trained weights, solvers and their options."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from mull.terminal import console

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from mull.engine import AbstractSolver
    from mull.engine.weights import Card

SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
"""Pydantic's names of bounds -> mathematical signs."""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on stdout; long cells are folded to the width of a terminal, but not in a pipe.

    Args:
        columns: the titles of the columns.
        rows: the cells of each row.
    """
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, no_wrap=column in ("id", "name", "option"))
    for row in rows:
        grid.add_row(*map(Text, row))
    printer = console(sys.stdout)
    if not sys.stdout.isatty():
        printer.width = 1 << 14  # wide enough for every line
    with printer.capture() as capture:
        printer.print(grid)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def describe_weights(cards: Sequence[Card]) -> None:
    """Print trained weights as a table."""
    rows = []
    for card in cards:
        accuracy = ", ".join(f"{share:.1%} {what}" for what, share in card.accuracy.items())
        time = f"{card.device_minutes:g} min on {card.device}"
        size = f"{card.shape.get('backbone', '?')}, {card.parameters / 1e6:.2f} M"
        rows.append((card.name, size, " ".join(card.families), time, accuracy, str(card.path)))
    table(("name", "net", "families", "trained", "validation", "file"), rows)


def describe_solver(solver: type[AbstractSolver]) -> None:
    """Print a solver's method, options and citation."""
    complete = ", complete: it can prove that there is no solution" if solver.complete else ""
    click.echo(f"{solver.name}, version {solver.version}{complete}\n")
    click.echo(inspect.getdoc(solver) or "")
    click.echo("\noptions (-o key=value):")
    describe_options(solver.model_fields)
    click.echo(f"\ncite: {solver.citation}")


def describe_options(fields: Mapping[str, FieldInfo]) -> None:
    """Print options with their defaults and bounds as a table."""
    rows = []
    for key, field in fields.items():
        # Pydantic keeps bounds as metadata objects, each with one attribute.
        bounds = [
            f"{sign} {getattr(m, word)}" for m in field.metadata for word, sign in SIGNS.items() if hasattr(m, word)
        ]
        default = "-" if field.default is None else str(field.default)
        rows.append((key, default, ", ".join(bounds), field.description or ""))
    table(("option", "default", "bounds", "description"), rows)
