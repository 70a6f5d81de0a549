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


def quantity(value: float, unit: str = "") -> str:
    """A number with three digits and a decimal prefix, such as ``5.2 GFLOPs`` or ``730 mJ``.

    Args:
        value: the number.
        unit: of the number; the prefix stands before it.
    """
    prefixes = ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"), (0, ""), (-3, "m"), (-6, "u"))
    exponent, prefix = next((each for each in prefixes if abs(value) >= 10 ** each[0]), prefixes[-1])
    return f"{value / 10**exponent:.3g} {prefix}{unit}".rstrip()


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
