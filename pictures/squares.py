"""Many variables with few values as small squares: the assignment of a large formula, the classes of a large graph."""

from __future__ import annotations

from math import ceil, sqrt

from .canvas import Canvas
from .style import CATEGORIES
from .view import View

FEWEST, MOST_SQUARES = 60, 10_000
"""Fewest and most variables that are drawn."""
MOST_OUTLINED = 2500
"""Most squares with outlines of their own; more are too small for them."""
SIDE = 480.0
"""Width of the picture without margins."""


def squares(view: View) -> str | None:
    """A square for each variable, row by row; filled for 1 of two values, in the colour of the value otherwise.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document; None for fewer or more variables, or more values than colours.
    """
    names = [name for name in view.domains if name not in view.problem.auxiliary]
    values = sorted({value for domain in {view.domains[name] for name in names} for value in domain[:9]}, key=str)
    if not FEWEST <= len(names) <= MOST_SQUARES or len(values) > len(CATEGORIES):
        return None
    across = ceil(sqrt(len(names)))
    side = SIDE / across
    rows = -(-len(names) // across)
    what = f"{len(names)} variables as squares"
    canvas = Canvas(SIDE + 16, rows * side + 40, view.title, view.description(what))
    two = len(values) == 2
    canvas.rect(8, 8, SIDE, rows * side, "cell")
    looks = {value: f"c{i}" for i, value in enumerate(values)} if not two else {values[1]: "c0"}
    for i, name in enumerate(names):
        x, y = 8 + i % across * side, 8 + i // across * side
        if len(names) <= MOST_OUTLINED:
            canvas.rect(x, y, side, side, "cell")
        chances = view.chances(name)
        if chances:
            value = values[1] if two else max(chances, key=chances.__getitem__)
            canvas.rect(x, y, side, side, looks[value], opacity=max(0.02, chances.get(value, 0.0)))
        elif view.values.get(name) in looks:
            canvas.rect(x, y, side, side, looks[view.values[name]])
        if name in view.wrong:
            canvas.rect(x + 1, y + 1, side - 2, side - 2, "miss")
    y = rows * side + 24
    for k, (value, look) in enumerate(looks.items()):
        canvas.rect(8 + 60 * k, y - 5, 10, 10, look)
        canvas.text(24 + 60 * k, y, value, "label", size=11, anchor="start", longest=6)
    return canvas.svg()
