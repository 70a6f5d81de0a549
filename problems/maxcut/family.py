"""The maximum cut family: reads rudy and Biq Mac files, generates graphs, draws the two sides."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from ...engine.constraints import Compare, Reify
from ...engine.graph import ConstraintGraph, gc_paused
from ...engine.objective import Objective
from ...engine.preferences import Soft, soft, with_soft
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import InputError, excerpt, warn
from ..family import Family
from ..parsing import numbered_lines, parse_fields, parse_fraction, parse_int

if TYPE_CHECKING:
    from ...pictures.view import View

Edges = Mapping[tuple[int, int], int]
"""Edge (u, v) with u < v, vertices counted from 1 -> weight."""

LARGEST = 1_000_000
"""Most vertices."""
HEAVIEST = 10**9
"""The largest magnitude of a weight."""
HINT = "give a line 'VERTICES EDGES', then a line 'U V WEIGHT' for each edge"


class MaxCut(Family):
    """The vertices are divided into two sides. The total weight of the edges between the sides is maximised.

    The variables v1 to vn are 0 or 1. Each edge is a soft constraint: ``!=`` where its weight is positive, ``=`` where it
    is negative. The objective is the weight of the cut.
    """

    name = "maxcut"
    summary = "maximum cut: rudy and Biq Mac files, 'VERTICES EDGES', then 'U V WEIGHT' for each edge"
    spec = "maxcut:VERTICES:DENSITY[:WEIGHTS], a random graph; WEIGHTS is 1, a range 1-10, or +-1"
    suffixes = (".mc", ".rud", ".rudy", ".maxcut")

    def recognises(self, text: str) -> bool:
        lines = [line.split() for line in text.split("\n") if line.strip() and line[0] not in "#c"]
        if len(lines) < 2 or len(lines[0]) != 2 or any(len(words) != 3 for words in islice(lines, 1, None)):
            return False
        try:
            n, m = map(int, lines[0])
            return len(lines) == m + 1 and all(0 < int(u) <= n and 0 < int(v) <= n for u, v, _ in lines[1:])
        except ValueError:
            return False

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            n, edges = parse(text)
            return [maxcut_problem(n, edges, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        parts = parse_fields(spec, 2, 3, self.spec)
        n = parse_int(parts[0], 1, 100_000, "vertices", hint=self.spec)
        density = parse_fraction(parts[1], "density")
        weights = _weights(parts[2] if len(parts) > 2 else "1", self.spec)
        most = n * (n - 1) // 2
        count = round(density * most)
        if count > 10_000_000:
            raise InputError(f"a graph of {count} edges", hint="choose fewer vertices or a smaller density")
        rng = random.Random(f"maxcut:{spec}:{seed}")
        # Exactly so many edges, as rudy generates them.
        edges = {_pair(number): rng.choice(weights) for number in sorted(rng.sample(range(most), count))}
        with gc_paused():
            return maxcut_problem(n, edges, f"maxcut:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def picture(self, view: View) -> str | None:
        from ...pictures.network import Network, draw_network

        names = [name for name in view.domains if name not in view.problem.auxiliary]
        index = {name: i for i, name in enumerate(names)}
        scopes = [each.constraint.scope for each in view.problem.graph.constraints if isinstance(each, Reify)]
        return draw_network(view, Network(names, [(index[u], index[v]) for u, v in scopes], cut=True))


def maxcut_problem(n: int, edges: Edges, path: str = "-") -> Problem:
    """The problem of the heaviest cut.

    Args:
        n: number of vertices.
        edges: (u, v) -> weight, with 1 <= u < v <= n. Edges of weight 0 are left out.
        path: of the file, or ``family:spec``.

    Example:
        >>> from mull import solve
        >>> solve(maxcut_problem(3, {(1, 2): 5, (2, 3): 4, (1, 3): 3}), "cpsat").objective
        9
    """
    names = [f"v{v}" for v in range(n + 1)]
    wishes: list[Soft] = []
    for (u, v), weight in edges.items():
        if weight:
            wishes.append(soft(Compare(names[u], "!=" if weight > 0 else "=", names[v]), abs(weight)))
    domains: dict[str, tuple[Value, ...]] = dict.fromkeys(names[1:], (0, 1))
    # The cut is the sum of all positive weights, less the violated wishes.
    total = Objective({}, sum(weight for weight in edges.values() if weight > 0), maximise=True)
    graph = with_soft(ConstraintGraph(domains, (), total), wishes)
    penalties = frozenset(islice(graph.domains, n, None))
    return Problem(graph, {}, "maxcut", Source(path), render, auxiliary=penalties)


def parse(text: str) -> tuple[int, dict[tuple[int, int], int]]:
    """The number of vertices and the edges of a rudy or Biq Mac file.

    Lines that start with ``#`` or ``c`` are comments. A missing weight is 1. Repeated edges add up; loops are ignored.

    Raises:
        InputError: the text is malformed; with the line.
    """
    (number, head), *rest = [line for line in numbered_lines(text) if line[1][0] not in ("c", "C")] or [(1, [])]
    if len(head) != 2:
        raise InputError(f"{excerpt(' '.join(head))} is not 'VERTICES EDGES'", line=number, hint=HINT)
    n = parse_int(head[0], 1, LARGEST, "vertices", HINT, number)
    stated = parse_int(head[1], 0, 10**9, "edges", HINT, number)
    edges: dict[tuple[int, int], int] = {}
    loops = repeated = 0
    for line, words in rest:
        if len(words) not in (2, 3):
            raise InputError(f"{excerpt(' '.join(words))} is not 'U V WEIGHT'", line=line, hint=HINT)
        u, v = (parse_int(word, 1, n, "vertex", HINT, line) for word in words[:2])
        weight = _weight(words[2], line) if len(words) == 3 else 1
        if u == v:
            loops += 1
            continue
        pair = (u, v) if u < v else (v, u)
        repeated += pair in edges
        edges[pair] = edges.get(pair, 0) + weight
    if loops:
        warn(f"{loops} {'loops' if loops > 1 else 'loop'} ignored (edges of a vertex with itself)")
    if repeated:
        warn(f"{repeated} edge lines repeat another edge: their weights are added")
    if len(rest) != stated:
        lost = "the file may be truncated" if len(rest) < stated else ""
        warn(f"the header says {stated} edges, the file has {len(rest)}: all of them are used", number, lost)
    return n, edges


def render(assignment: Mapping[str, Value]) -> str:
    """The vertices of each side, one line for each side."""
    sides = {0: [], 1: []}  # type: dict[Value, list[str]]
    for name, side in assignment.items():
        if name.startswith("v") and name[1:].isdigit():
            sides[side].append(name[1:])
    return "\n".join(f"{side}: {' '.join(names)}".rstrip() for side, names in sides.items())


def _weight(text: str, line: int) -> int:
    """An integer weight; ``2.0`` is one as well, as some programs write it."""
    whole, _, fraction = text.partition(".")
    return parse_int(whole if not fraction.strip("0") else text, -HEAVIEST, HEAVIEST, "weight", HINT, line)


def _weights(text: str, form: str) -> list[int]:
    """The weights that ``1``, ``1-10``, ``-5-5`` or ``+-1`` allows."""
    if text.startswith("+-"):
        size = parse_int(text[2:], 1, HEAVIEST, "weight", form)
        return [-size, size]
    dash = text.find("-", 1)
    low = parse_int(text if dash < 0 else text[:dash], -HEAVIEST, HEAVIEST, "weight", form)
    high = low if dash < 0 else parse_int(text[dash + 1 :], low, min(HEAVIEST, low + 10**6), "weight", form)
    return [weight for weight in range(low, high + 1) if weight] or [1]


def _pair(number: int) -> tuple[int, int]:
    """The pair of a number: (1, 2), (1, 3), (2, 3), (1, 4), …"""
    v = int((1 + (1 + 8 * number) ** 0.5) / 2)
    while v * (v - 1) // 2 > number:
        v -= 1
    while (v + 1) * v // 2 <= number:
        v += 1
    return number - v * (v - 1) // 2 + 1, v + 1
