"""The travelling salesman family: reads TSPLIB files, generates cities, draws the tour."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...engine.constraints import Circuit, Element
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph, gc_paused
from ...engine.objective import Objective
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..competition import wrapped
from ..errors import InputError
from ..family import Family
from ..parsing import parse_int
from .distances import Point, matrix
from .map import drawn
from .text import HINT, LARGEST, looks_like, parse

if TYPE_CHECKING:
    from ...pictures.view import View

SIDE = 1000
"""The side of the square of generated cities."""


class Tsp(Family):
    """One tour visits every city once and returns. Its length is minimised.

    The variables s0 to s(n-1) are the successors of the cities, counted from 0. The tour is a ``Circuit``; the length of
    each leg is an ``Element`` of the city's distances. Distances need not be symmetric.
    """

    name = "tsp"
    summary = "travelling salesman: TSPLIB .tsp and .atsp (EUC_2D, CEIL_2D, GEO, ATT, EXPLICIT and others)"
    spec = "tsp:N, N random cities in a square of side 1000"
    suffixes = (".tsp", ".atsp")

    def recognises(self, text: str) -> bool:
        return looks_like(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            found = parse(text)
            return [tsp_problem(found.distances, path, found.points, found.name, found.comment)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n = parse_int(spec, 1, LARGEST, "cities", hint=self.spec)
        rng = random.Random(f"tsp:{spec}:{seed}")
        points = [(float(rng.randrange(SIDE)), float(rng.randrange(SIDE))) for _ in range(n)]
        with gc_paused():
            return tsp_problem(matrix("EUC_2D", points), f"tsp:{spec}", points)

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render((), assignment)

    def picture(self, view: View) -> str | None:
        from .picture import tour_map

        return tour_map(view)

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        return wrapped(str(city + 1) for city in tour(assignment))


def tsp_problem(
    distances: Sequence[Sequence[int]],
    path: str = "-",
    points: Sequence[Point] = (),
    name: str = "",
    comment: str = "",
) -> Problem:
    """The problem of the shortest tour.

    Args:
        distances: n rows of n integers; the diagonal is ignored.
        path: of the file, or ``family:spec``.
        points: the coordinates of the cities, for the map; may be empty.
        name: of the problem.
        comment: of the problem.

    Raises:
        InputError: there is no city, or the matrix is not square.

    Example:
        >>> from mull import solve
        >>> found = solve(tsp_problem([[0, 2, 9], [4, 0, 3], [1, 8, 0]]), "cpsat")
        >>> found.objective, found.text
        (6, '1 2 3')
    """
    n = len(distances)
    if not n or any(len(row) != n for row in distances):
        raise InputError("the matrix of distances is not square", path, hint=HINT)
    domains: dict[str, Domain] = {}
    legs: dict[str, Domain] = {}
    constraints: list[Constraint] = [Circuit(tuple(f"s{i}" for i in range(n)))]
    for i, row in enumerate(distances):
        others = tuple(j for j in range(n) if j != i or n == 1)
        domains[f"s{i}"] = others
        legs[f"length{i}"] = tuple(sorted({row[j] for j in others}))
        # The entry of the city itself is in the domain as well: solvers may take any value of the array.
        constraints.append(Element((*row[:i], row[others[0]], *row[i + 1 :]), f"s{i}", f"length{i}"))
    graph = ConstraintGraph({**domains, **legs}, constraints, Objective(dict.fromkeys(legs, 1)))
    shown = partial(render, points)
    return Problem(graph, {}, "tsp", Source(path), shown, name=name, comment=comment, auxiliary=frozenset(legs))


def tour(assignment: Mapping[str, Value]) -> list[int]:
    """The cities in the order of the walk from city 0, counted from 0; it ends before the first repetition.

    Args:
        assignment: successors by variable; it may be partial or wrong.
    """
    found: dict[int, None] = {}
    city = 0
    while city not in found and f"s{city}" in assignment:
        found[city] = None
        city = int(assignment[f"s{city}"])
    return list(found)


def render(points: Sequence[Point], assignment: Mapping[str, Value]) -> str:
    """The tour, as numbers of the cities from 1, below a map if coordinates are known.

    Args:
        points: the coordinates of the cities; may be empty.
        assignment: successors by variable.
    """
    visited = tour(assignment)
    text = " ".join(str(city + 1) for city in visited)
    whole = len(points) == len(visited) > 2
    return f"{drawn(points, visited)}\n{text}" if whole else text
