"""Vega-Lite specifications of the plots: traces, cactus plots and distributions of the cost of an answer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mull.engine import Trace

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MAX_POINTS = 400
"""Points of one line."""
MIN_SECONDS = 1e-4
"""Smallest time on a logarithmic axis, in seconds. Below it clocks are not accurate."""


def trace(of: Trace, training: bool) -> dict[str, Any]:
    """Energy and violations of a run by iteration.

    Args:
        of: the trace.
        training: whether it is of a training: its loss, and the share that is not solved.
    """
    upper, lower = ("loss", "share not solved") if training else ("energy", "violations")
    second = of.residual if training else of.violations
    values = [
        {"iteration": int(i), upper: _plain(e), lower: _plain(v)}
        for i, e, v in zip(of.iteration, of.energy, second, strict=True)
    ]
    step = "training step" if training else "iteration"

    def panel(name: str, colour: int) -> dict[str, Any]:
        return {
            "height": 150,
            "width": "container",
            "mark": {"type": "line", "interpolate": "step-after", "point": len(values) < 50, "tooltip": True},
            "encoding": {
                "x": {"field": "iteration", "type": "quantitative", "title": step},
                "y": {"field": name, "type": "quantitative", "title": name},
                "color": {"value": f"line-{colour}"},
            },
        }

    return _spec({"vconcat": [panel(upper, 0), panel(lower, 5)], "data": {"values": values}})


def cactus(costs: Mapping[str, Sequence[float]], what: str) -> dict[str, Any]:
    """The number of problems that each solver answers within a limit for each problem.

    Args:
        costs: solver -> cost of each problem, infinite without an answer.
        what: the unit of the costs.
    """
    values = []
    for solver, taken in costs.items():
        solved = sorted(filter(isfinite, taken))
        step = max(1, len(solved) // MAX_POINTS)
        for n, cost in list(enumerate(solved, 1))[::-1][::step]:
            values.append({"solver": solver, "problems": n, "cost": cost})
    return _lines(
        values,
        {"field": "problems", "type": "quantitative", "title": "problems answered"},
        {"field": "cost", "type": "quantitative", "title": f"{what} allowed for each problem"} | _scale(costs),
        points=True,
    )


def distribution(costs: Mapping[str, Sequence[float]], what: str) -> dict[str, Any]:
    """The share of runs with an answer within a number of iterations or seconds (Hoos and Stützle 1998).

    Args:
        costs: solver -> cost of each run, infinite without an answer.
        what: the unit of the costs.
    """
    values = []
    largest = max((t for taken in costs.values() for t in taken if isfinite(t)), default=0)
    for solver, taken in costs.items():
        finite = sorted(filter(isfinite, taken))
        shown = finite[::-1][:: max(1, len(finite) // MAX_POINTS)][::-1]
        points = [(0.0, 0.0), *((t, bisect_right(finite, t) / len(taken)) for t in shown)]
        for cost, share in [*points, (largest, points[-1][1])]:
            values.append({"solver": solver, "cost": cost, "share": share})
    return _lines(
        values,
        {"field": "cost", "type": "quantitative", "title": f"{what} since the start of the run"} | _scale(costs),
        {"field": "share", "type": "quantitative", "title": "share of runs answered", "scale": {"domain": [0, 1]}},
    )


def _lines(values: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any], points: bool = False) -> dict[str, Any]:
    mark = {"type": "line", "interpolate": "linear" if points else "step-after", "point": points, "tooltip": True}
    legend = {"field": "solver", "type": "nominal", "title": "solver"}
    encoding = {"x": x, "y": y, "color": legend, "strokeDash": legend}
    return _spec({"height": 280, "width": "container", "mark": mark, "encoding": encoding, "data": {"values": values}})


def _spec(content: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "background": None, "autosize": {"type": "fit-x", "contains": "padding"}, **content}


def _scale(costs: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """A logarithmic scale if the costs span more than a decade; it is linear near 0, because some costs are 0."""
    positive = [t for taken in costs.values() for t in taken if 0 < t < inf]
    if not positive or max(positive) <= 10 * min(positive):
        return {}
    return {"scale": {"type": "symlog", "constant": max(min(positive), MIN_SECONDS)}}


def _plain(value: Any) -> float | None:
    """A number for JSON, which has no infinity."""
    number = float(value)
    return number if isfinite(number) else None
