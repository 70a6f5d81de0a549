"""A tour as a map of characters."""

from __future__ import annotations

from collections.abc import Sequence

from .distances import Point

WIDTH, HEIGHT = 60, 20
"""Columns and rows of the map."""


def drawn(points: Sequence[Point], tour: Sequence[int]) -> str:
    """A map: ``o`` for each city, ``*`` for the first one, dots between neighbours of the tour.

    Args:
        points: coordinates of the cities; y grows upwards.
        tour: cities from 0, in their order.
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = min(xs), max(ys)
    across, down = max(xs) - left or 1.0, top - min(ys) or 1.0

    def cell(city: int) -> Point:
        x, y = points[city]
        return (x - left) / across * (WIDTH - 1), (top - y) / down * (HEIGHT - 1)

    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for here, there in zip(tour, (*tour[1:], *tour[:1]), strict=True):
        (x, y), (x2, y2) = cell(here), cell(there)
        steps = max(1, round(max(abs(x2 - x), abs(y2 - y))))
        for k in range(steps):
            rows[round(y + (y2 - y) * k / steps)][round(x + (x2 - x) * k / steps)] = "·"
    for place, city in reversed(list(enumerate(tour))):
        x, y = cell(city)
        rows[round(y)][round(x)] = "o" if place else "*"
    return "\n".join("".join(row).rstrip() for row in rows)
