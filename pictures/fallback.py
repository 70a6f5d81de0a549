"""The picture of any problem: a schedule, arrays, the constraint graph, squares, or a table of variables."""

from __future__ import annotations

from collections.abc import Mapping

from ..engine.problem import Problem
from ..engine.values import Value
from .canvas import Canvas
from .network import LARGEST, draw_graph
from .schedule import schedule
from .squares import squares
from .strips import arrays
from .view import Beliefs, View

ROWS = 40
"""Rows of a table of variables."""
COLUMNS = 4
"""Most columns of such a table; further variables are counted, not drawn."""
CELL = 190.0, 20.0
"""Width and height of an entry of the table."""


def general(problem: Problem, assignment: Mapping[str, Value] | None = None, beliefs: Beliefs | None = None) -> str:
    """The picture of a problem whose family draws none.

    Args:
        problem: to be drawn.
        assignment: variable name -> value, or None for the givens alone.
        beliefs: variable name -> probabilities over its domain, or None.

    Returns:
        An SVG document.
    """
    return draw_general(View(problem, assignment, beliefs))


def draw_general(view: View) -> str:
    """The picture of any problem, by what its graph states.

    A schedule if there are tasks with starts; arrays if the names have indices; the constraint graph of a small
    problem; small squares for up to ``MOST_SQUARES`` variables with few values; a table otherwise.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document.
    """
    drawn = schedule(view) or arrays(view)
    if drawn is not None:
        return drawn
    constraints = len(view.problem.graph.constraints)
    if constraints and len(view.domains) + constraints <= LARGEST:
        return draw_graph(view).svg()
    return squares(view) or table(view)


def table(view: View) -> str:
    """A table of variables and values. Auxiliary variables are left out.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document with up to ``ROWS * COLUMNS`` variables and the number of the others.
    """
    names = [name for name in view.domains if name not in view.problem.auxiliary]
    shown = names[: ROWS * COLUMNS]
    columns = max(1, -(-len(shown) // ROWS))
    rows = -(-len(shown) // columns) if shown else 1
    width, height = CELL
    more = len(names) - len(shown)
    picture = Canvas(
        columns * width + 16,
        (rows + bool(more)) * height + 16,
        view.title,
        view.description(f"table of {len(names)} variables"),
    )
    for i, name in enumerate(shown):
        column, row = divmod(i, rows)
        x, y = 8 + column * width, 8 + row * height
        if row % 2 == 0:
            picture.rect(x, y, width - 8, height, "panel")
        picture.text(x + 6, y + height / 2, name, "label", size=11, anchor="start", longest=18)
        chances = view.chances(name)
        if chances:
            value: Value | None = max(chances, key=chances.__getitem__)
            share = chances[value] if value is not None else 0.0
            picture.rect(x + width - 58, y + 3, 46 * share, height - 6, "shade", opacity=0.35)
        else:
            value = view.values.get(name)
        if value is not None:
            picture.text(x + width - 14, y + height / 2, value, view.look(name), size=11, anchor="end", longest=12)
        if name in view.wrong:
            picture.rect(x, y + 1, width - 8, height - 2, "miss")
    if more:
        picture.text(8, 8 + rows * height + height / 2, f"and {more} more variables", "note", size=11, anchor="start")
    return picture.svg()
