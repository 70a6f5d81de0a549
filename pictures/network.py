"""Constraint graphs drawn as networks, with positions by springs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..engine.problem import Problem
from .canvas import Canvas
from .style import CATEGORIES
from .view import View

LARGEST = 160
"""Most nodes, variables and constraints together, that a picture of a graph has."""
MOST_VERTICES, MOST_EDGES = 400, 6000
"""Most vertices and edges of a graph whose vertices are variables."""
ROUNDS = 120
"""Rounds of the springs."""
MARGIN = 30.0


def graph_svg(problem: Problem) -> str:
    """The constraint graph of a problem: variables as circles, constraints as squares in the colour of their kind.

    A circle's size states the variable's degree, the number of its constraints. A constraint on two variables is drawn
    as an edge. Below the graph are the kinds with their numbers. A graph of more than ``LARGEST`` nodes is drawn as the
    distribution of the degrees.

    Args:
        problem: whose graph is drawn.

    Returns:
        An SVG document.
    """
    view = View(problem)
    if len(problem.graph.domains) + len(problem.graph.constraints) <= LARGEST:
        return draw_graph(view, degrees=True).svg()
    return _distribution(view)


def draw_graph(view: View, *, degrees: bool = False) -> Canvas:
    """The graph of a small problem, with values and beliefs in the circles.

    Args:
        view: the problem with its values.
        degrees: size the circles by degree, and write names in place of values.
    """
    names = [name for name in view.domains if name not in view.problem.auxiliary or degrees]
    constraints = view.problem.graph.constraints
    index = {name: i for i, name in enumerate(names)}
    scopes = [[index[name] for name in dict.fromkeys(each.scope) if name in index] for each in constraints]
    kinds = Counter(each.kind for each in constraints)
    colour = {kind: f"c{i % len(CATEGORIES)}" for i, (kind, _) in enumerate(kinds.most_common())}
    hubs = [c for c, scope in enumerate(scopes) if len(scope) != 2]
    node = {c: len(names) + k for k, c in enumerate(hubs)}
    edges = [(scope[0], scope[1]) for scope in scopes if len(scope) == 2]
    edges += [(v, node[c]) for c in hubs for v in scopes[c]]
    count = len(names) + len(hubs)
    side = max(240.0, min(760.0, 75 * count**0.5 + 100))
    at = layout(count, edges) * (side - 2 * MARGIN) + MARGIN
    what = f"constraint graph of {len(names)} variables and {len(constraints)} constraints"
    canvas = Canvas(side, side + _legend_height(kinds), view.title, view.description(what))
    for a, b in edges:
        canvas.line((at[a][0], at[a][1]), (at[b][0], at[b][1]), "edge", opacity=0.6)
    for c in hubs:
        x, y = at[node[c]]
        tip = f"{constraints[c].kind} on {', '.join(constraints[c].scope[:8])}"
        canvas.rect(x - 5, y - 5, 10, 10, colour[constraints[c].kind], tip=tip)
    degree = Counter(v for scope in scopes for v in scope)
    most = max(degree.values(), default=1)
    for i, name in enumerate(names):
        _circle(canvas, view, name, at[i], 9 + 8 * (degree[i] / most) ** 0.5 if degrees else 13.0, degree[i], degrees)
    _legend(canvas, side, kinds, colour)
    return canvas


def _circle(
    canvas: Canvas, view: View, name: str, at: Sequence[float], radius: float, degree: int, degrees: bool
) -> None:
    x, y = at
    value = view.values.get(name)
    tip = f"{name}{'' if value is None else f' = {value}'}, degree {degree}"
    canvas.circle(x, y, radius, "node", tip=tip)
    chances = None if degrees else view.chances(name)
    if chances:
        value = max(chances, key=chances.__getitem__)
        canvas.circle(x, y, radius, "shade", opacity=0.6 * chances[value])
    if degrees or value is None:
        canvas.text(x, y, name, "note", size=8, longest=6)
    else:
        canvas.text(x, y, value, view.look(name), size=11, longest=5)
        canvas.text(x, y + radius + 6, name, "note", size=7, longest=12)
    if name in view.wrong:
        canvas.miss(x - radius - 2, y - radius - 2, 2 * radius + 4, 2 * radius + 4)


class Network(NamedTuple):
    """A graph whose vertices are variables.

    Args:
        names: the variables.
        edges: pairs of positions in ``names``.
        cut: draw the edges between different values thick, as of a cut, in place of marking equal ones.
    """

    names: Sequence[str]
    edges: Sequence[tuple[int, int]]
    cut: bool = False


def draw_network(view: View, network: Network) -> str | None:
    """A graph whose vertices have the colours of their values, with the number of the value.

    Args:
        view: the problem with its values.
        network: vertices and edges.

    Returns:
        An SVG document; None for more than ``MOST_VERTICES`` or ``MOST_EDGES``.
    """
    names, edges = network.names, network.edges
    if len(names) > MOST_VERTICES or len(edges) > MOST_EDGES:
        return None
    side = max(240.0, min(760.0, 60 * len(names) ** 0.5 + 120))
    radius = max(4.0, min(13.0, 0.22 * side / max(1, len(names)) ** 0.5))
    at = layout(len(names), edges) * (side - 2 * MARGIN) + MARGIN
    what = f"graph of {len(names)} vertices and {len(edges)} edges"
    canvas = Canvas(side, side, view.title, view.description(what))
    values = [view.values.get(name) for name in names]
    for a, b in edges:
        ends = (float(at[a][0]), float(at[a][1])), (float(at[b][0]), float(at[b][1]))
        same = values[a] is not None and values[a] == values[b]
        known = values[a] is not None and values[b] is not None
        if network.cut:
            canvas.line(*ends, "frame" if known and not same else "cell")
        else:
            canvas.line(*ends, "miss" if same else "edge", opacity=1 if same else 0.5)
    for name, value, (x, y) in zip(names, values, at.tolist(), strict=True):
        chances = view.chances(name)
        share, place = 1.0, 0
        if chances:
            value = max(chances, key=chances.__getitem__)
            share = chances[value]
        canvas.circle(x, y, radius, "node", tip=name if value is None else f"{name} = {value}")
        if value is not None:
            place = view.domains[name].index(value) % len(CATEGORIES) if value in view.domains[name] else 0
            canvas.circle(x, y, radius, f"c{place}", opacity=share)
        if radius >= 7:
            size = round(0.85 * radius, 1)
            shown, look = (name, "note") if value is None else (value, f"on{place}" if share > 0.5 else "label")
            canvas.text(x, y, shown, look, size=size, longest=4)
        if name in view.wrong and not network.cut:
            canvas.rect(x - radius - 3, y - radius - 3, 2 * radius + 6, 2 * radius + 6, "miss")
    return canvas.svg()


def layout(count: int, edges: Sequence[tuple[int, int]]) -> np.ndarray:
    """Positions of nodes by forces (Fruchterman and Reingold 1991), the same for the same graph.

    Args:
        count: number of nodes.
        edges: pairs of nodes.

    Returns:
        [count, 2] float64, from 0 to 1.
    """
    return _settled(count, tuple((int(a), int(b)) for a, b in edges))


@lru_cache(maxsize=16)  # a film draws the same graph up to 66 times
def _settled(count: int, edges: tuple[tuple[int, int], ...]) -> np.ndarray:
    angle = 2 * np.pi * np.arange(count) / max(count, 1)
    at = np.stack([np.cos(angle), np.sin(angle)], 1) * (0.4 + 0.1 * np.cos(7 * angle)[:, None])
    if count < 2:
        return np.full((count, 2), 0.5)
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    ideal = 1.0 / np.sqrt(count)
    for heat in np.linspace(0.12, 0.004, ROUNDS):
        length = (at**2).sum(1)
        square = np.maximum(length[:, None] + length - 2 * (at @ at.T), 0) + 1e-6
        push = ideal**2 / square
        # The sum of push * (at[i] - at[j]) over j, by a product of matrices, without an array of pairs.
        force = at * push.sum(1, keepdims=True) - push @ at - 0.3 * at * ideal
        along = at[pairs[:, 0]] - at[pairs[:, 1]]
        pull = along * (np.sqrt((along**2).sum(1, keepdims=True)) / ideal)
        np.add.at(force, pairs[:, 0], -pull)
        np.add.at(force, pairs[:, 1], pull)
        strength = np.sqrt((force**2).sum(1, keepdims=True)) + 1e-9
        at = at + force / strength * np.minimum(strength, heat)
    low, high = at.min(0), at.max(0)
    placed: np.ndarray = (at - low) / np.maximum(high - low, 1e-9)
    return placed


def _legend_height(kinds: Counter[str]) -> float:
    return 18.0 * len(kinds) + 8 if kinds else 0.0


def _legend(canvas: Canvas, top: float, kinds: Counter[str], colour: dict[str, str]) -> None:
    for i, (kind, number) in enumerate(kinds.most_common()):
        y = top + 9 + 18 * i
        canvas.rect(10, y - 5, 10, 10, colour[kind])
        canvas.text(28, y, f"{number} {kind}", "label", size=11, anchor="start")


def _distribution(view: View) -> str:
    """The number of variables by degree, as bars, and the kinds of constraints."""
    graph = view.problem.graph
    _, variable = graph.scopes
    degrees = np.bincount(variable, minlength=len(graph.domains))
    arrays = graph.arrays
    if arrays is not None:
        kinds = Counter({str(arrays.kind.kind): len(graph.constraints)})
    else:
        kinds = Counter(each.kind for each in graph.constraints)
    most = int(degrees.max(initial=0))
    wide = max(1, -(-(most + 1) // 32))
    bars = np.bincount(degrees // wide)
    width, height = 480.0, 220.0
    what = f"degrees of {len(graph.domains)} variables in {len(graph.constraints)} constraints"
    canvas = Canvas(width, height + 40 + _legend_height(kinds), view.title, view.description(what))
    step = (width - 70) / len(bars)
    for i, bar in enumerate(bars.tolist()):
        tall = (height - 50) * bar / max(1, int(bars.max(initial=1)))
        span = f"{i * wide}" if wide == 1 else f"{i * wide}-{i * wide + wide - 1}"
        canvas.rect(50 + i * step, height - tall, step * 0.85, tall, "shade", tip=f"degree {span}: {bar} variables")
        if len(bars) <= 16 or i % 4 == 0:
            canvas.text(50 + (i + 0.4) * step, height + 10, span, "note", size=9)
    canvas.text(44, 46, int(bars.max(initial=0)), "note", size=9, anchor="end")
    canvas.text(10, 14, what, "label", size=12, anchor="start", longest=80)
    canvas.text(width / 2, height + 28, "degree (constraints of a variable)", "note", size=10)
    _legend(
        canvas, height + 40, kinds, {kind: f"c{i % len(CATEGORIES)}" for i, (kind, _) in enumerate(kinds.most_common())}
    )
    return canvas.svg()
