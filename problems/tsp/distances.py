"""The distance functions of TSPLIB (Reinelt 1991), as integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import acos, ceil, cos, hypot, sqrt

Point = tuple[float, float]
"""The coordinates of a city."""

_PI = 3.141592
"""π with the digits that TSPLIB states: more digits would change distances."""
_RADIUS = 6378.388
"""The radius of the earth in km."""


def _euclidean(a: Point, b: Point) -> int:
    return int(hypot(a[0] - b[0], a[1] - b[1]) + 0.5)


def _ceiling(a: Point, b: Point) -> int:
    return ceil(hypot(a[0] - b[0], a[1] - b[1]))


def _manhattan(a: Point, b: Point) -> int:
    return int(abs(a[0] - b[0]) + abs(a[1] - b[1]) + 0.5)


def _maximum(a: Point, b: Point) -> int:
    return max(int(abs(a[0] - b[0]) + 0.5), int(abs(a[1] - b[1]) + 0.5))


def _pseudo_euclidean(a: Point, b: Point) -> int:
    """The distance of the instances of AT&T."""
    return ceil(sqrt(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / 10.0))


def _geographical(a: Point, b: Point) -> int:
    """Kilometres on the earth. Coordinates are latitude and longitude as DDD.MM: degrees and minutes."""
    (north, east), (north2, east2) = (_radians(a), _radians(b))
    q1, q2, q3 = cos(east - east2), cos(north - north2), cos(north + north2)
    # Rounding may lift the cosine of two equal places above 1.
    return int(_RADIUS * acos(min(1.0, 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3))) + 1.0)


def _radians(place: Point) -> Point:
    north, east = (_PI * (int(x) + 5.0 * (x - int(x)) / 3.0) / 180.0 for x in place)
    return north, east


FUNCTIONS: Mapping[str, Callable[[Point, Point], int]] = {
    "EUC_2D": _euclidean,
    "CEIL_2D": _ceiling,
    "MAN_2D": _manhattan,
    "MAX_2D": _maximum,
    "ATT": _pseudo_euclidean,
    "GEO": _geographical,
}
"""EDGE_WEIGHT_TYPE -> the distance of two cities."""


def matrix(kind: str, points: Sequence[Point]) -> list[list[int]]:
    """The distances of all pairs of cities, with a diagonal of 0.

    Args:
        kind: a key of ``FUNCTIONS``.
        points: the coordinates of the cities.
    """
    distance = FUNCTIONS[kind]
    found = [[0] * len(points) for _ in points]
    for i, a in enumerate(points):
        for j in range(i):
            found[i][j] = found[j][i] = distance(a, points[j])
    return found
