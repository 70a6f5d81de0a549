"""The picture of a tour: a map of the cities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ...engine.constraints import Element
from ...pictures import Canvas, View
from .distances import Point

MOST = 600
"""Most cities that are drawn."""
SIDE = 460.0
MARGIN = 20.0


def tour_map(view: View) -> str | None:
    """Cities as circles, legs as lines; beliefs are lines as opaque as the leg is probable.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document; None for more than ``MOST`` cities.
    """
    names = [name for name in view.domains if name not in view.problem.auxiliary]
    if len(names) > MOST:
        return None
    at = _scaled(_points(view, len(names)))
    canvas = Canvas(
        SIDE + 2 * MARGIN, SIDE + 2 * MARGIN, view.title, view.description(f"map of a tour of {len(names)} cities")
    )
    for city, name in enumerate(names):
        chances = view.chances(name)
        if chances is not None:
            for other, chance in chances.items():
                if chance > 0.05:
                    canvas.line(at[city], at[int(other)], "path", opacity=chance)
        elif name in view.values:
            look = "miss" if name in view.wrong else "path"
            canvas.line(at[city], at[int(view.values[name])], look, opacity=0.8, dashed=name in view.wrong)
    small = len(names) > 60
    for city in range(len(names)):
        canvas.circle(*at[city], 3 if small else 8, "start" if city == 0 else "node", tip=f"city {city + 1}")
        if not small:
            canvas.text(*at[city], city + 1, "label", size=8)
    return canvas.svg()


def _points(view: View, count: int) -> Sequence[Point]:
    """The coordinates of the cities, of the file or by the distances: a stored problem has these alone.

    The positions are those of classical multidimensional scaling (Torgerson 1952). A mirrored map is as good.
    """
    drawn = view.problem.render
    if isinstance(drawn, partial) and len(drawn.args[0]) == count:
        known: Sequence[Point] = drawn.args[0]
        return known
    rows = {each.index: each.array for each in view.problem.graph.constraints if isinstance(each, Element)}
    distance = np.array([rows[f"s{i}"] for i in range(count)], dtype=np.float64)
    np.fill_diagonal(distance, 0)
    square = ((distance + distance.T) / 2) ** 2
    centred = -0.5 * (square - square.mean(0) - square.mean(1)[:, None] + square.mean())
    values, vectors = np.linalg.eigh(centred)
    placed = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    return [(float(row[-1]), float(row[0])) for row in placed]


def _scaled(points: Sequence[Point]) -> list[tuple[float, float]]:
    """The points in the picture; y grows upwards on a map."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    span = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    return [(MARGIN + (x - min(xs)) / span * SIDE, MARGIN + (max(ys) - y) / span * SIDE) for x, y in points]
