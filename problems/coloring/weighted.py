"""Weighted vertex colouring: a colour costs as much as its heaviest vertex."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ...engine.constraints import Element, Maximum
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.objective import Objective
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..errors import InputError, excerpt
from ..parsing import parse_int

HEAVIEST = 10**7
"""The largest weight of a vertex."""
HINT = "write 'n VERTEX WEIGHT', once for each vertex"

_LINE = re.compile(r"^[ \t]*n[ \t][^\n]*", re.MULTILINE)

Weights = Mapping[int, int]
"""Vertex -> weight."""


def vertex_weights(text: str) -> dict[int, int]:
    """The weights that the ``n`` lines of a DIMACS file state; empty without such lines, or where all weights are 1.

    Raises:
        InputError: a line is not ``n VERTEX WEIGHT``, or a vertex has two; with the line.
    """
    found: dict[int, int] = {}
    line = last = 0
    for match in _LINE.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        words = match[0].split()
        if len(words) != 3:
            raise InputError(f"{excerpt(match[0])} is not 'n VERTEX WEIGHT'", line=line + 1, hint=HINT)
        vertex = parse_int(words[1], 0, 10**7, "vertex", HINT, line + 1)
        if vertex in found:
            raise InputError(f"a second weight of vertex {vertex}", line=line + 1, hint=HINT)
        found[vertex] = parse_int(words[2], 0, HEAVIEST, "weight", HINT, line + 1)
    return found if any(weight != 1 for weight in found.values()) else {}


def most_colors(plain: ConstraintGraph) -> int:
    """So many colours that some best colouring has no more.

    In a best colouring whose heavier classes are as large as possible, each vertex has a neighbour in every heavier class.

    Args:
        plain: the graph of a colouring; its constraints are the edges.
    """
    degrees = Counter(name for constraint in plain.constraints for name in constraint.scope)
    return 1 + max(degrees.values(), default=0)


def weighted_problem(plain: ConstraintGraph, weights: Weights, path: str = "-") -> Problem:
    """The problem of the cheapest colouring.

    The variables of the colours stay as they are. ``cost3`` is the cost of colour 3, the largest weight of its vertices.
    The objective is the sum of these costs (Malaguti, Monaci and Toth 2009).

    Args:
        plain: the graph of a colouring with variables v1, v2, … of the values 1 to k.
        weights: of the vertices; 1 for vertices that are not named.
        path: of the file, or ``family:spec``.

    Raises:
        InputError: a weight of an unknown vertex.
    """
    unknown = next((v for v in weights if f"v{v}" not in plain.domains), None)
    if unknown is not None:
        raise InputError(f"a weight of vertex {unknown}, which the graph does not have", path, hint=HINT)
    k = max(int(color) for domain in plain.domains.values() for color in domain)
    own: dict[str, Domain] = {}
    defined: list[Constraint] = []
    shares: list[list[str]] = [[] for _ in range(k + 1)]
    for name, domain in plain.domains.items():
        weight = weights.get(int(name[1:]), 1)
        for color in map(int, domain) if weight else ():
            # What the vertex adds to the colour: its weight if it has the colour, else 0.
            share = f"{name} {color}"
            own[share] = (0, weight)
            shares[color].append(share)
            defined.append(Element(tuple(weight if c == color else 0 for c in range(k + 1)), name, share))
    costs: dict[str, Domain] = {}
    for color in range(1, k + 1):
        if shares[color]:
            costs[f"cost{color}"] = tuple(sorted({0, *(weights.get(int(s.split()[0][1:]), 1) for s in shares[color])}))
            defined.append(Maximum(tuple(shares[color]), f"cost{color}"))
    graph = ConstraintGraph(
        {**plain.domains, **own, **costs}, [*plain.constraints, *defined], Objective(dict.fromkeys(costs, 1))
    )
    return Problem(graph, {}, "coloring", Source(path), render, auxiliary=frozenset((*own, *costs)))


def render(assignment: Mapping[str, Value]) -> str:
    """The vertices of each colour, one line for each colour in use.

    Args:
        assignment: colours by vertex; other variables are left out.
    """
    classes: dict[int, list[str]] = {}
    for name, color in assignment.items():
        if name.startswith("v") and name[1:].isdigit():
            classes.setdefault(int(color), []).append(name)
    return "\n".join(f"{color}: {' '.join(names)}" for color, names in sorted(classes.items()))
