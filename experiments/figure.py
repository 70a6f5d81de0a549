"""The figure of an experiment's page, drawn by matplotlib into an empty figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..pictures.style import MARKERS, legend_outside
from .experiment import Columns, Curve, Plot, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def drawing(results: Results, plot: Plot | None) -> Callable[[Figure], None]:
    """A function that draws the results: curves, or bars without a plot.

    Args:
        results: of all parts.
        plot: the curves.
    """

    def draw(figure: Figure) -> None:
        if plot is None:
            _bars(figure, results)
            return
        panels = figure.subplots(1, len(plot.panels), squeeze=False, sharey=True)[0]
        names = [[curve.name for curve in curves] for curves in plot.panels.values()]
        for axes, (title, curves) in zip(panels, plot.panels.items(), strict=True):
            for curve, marker in zip(curves, MARKERS * len(curves), strict=False):
                _curve(axes, results, curve, marker)
            if plot.logarithmic:
                axes.set_xscale("log", base=2)
                widest = max(curves, key=lambda curve: len(curve.points))  # the points of all curves may overlap
                ticks = sorted({x for x, _, _ in widest.points})
                axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
            axes.set(title=title, xlabel=plot.axes.get(title, plot.axis), ylim=(-3, 103))
            if axes is panels[-1] or names.count(names[0]) < len(names):  # one legend for equal panels
                legend_outside(axes)
        panels[0].set_ylabel("share in %")

    return draw


def _curve(axes: Axes, results: Results, curve: Curve, marker: str) -> None:
    x, means, below, above = [], [], [], []
    for at, method, column in curve.points:
        low, mean, high = (100 * value for value in _interval(results, method, column))
        x.append(at)
        means.append(mean)
        below.append(mean - low)
        above.append(high - mean)
    axes.errorbar(x, means, yerr=[below, above], label=curve.name, marker=marker, markersize=4, linewidth=1, capsize=2)


def _bars(figure: Figure, results: Results) -> None:
    axes = figure.subplots()
    methods, columns = results.methods, results.columns
    height = 0.8 / len(columns)
    for k, column in enumerate(columns):
        found = [[100 * value for value in _interval(results, method, column)] for method in methods]
        places = [row + k * height for row in range(len(methods))]
        errors = [[mean - low for low, mean, _ in found], [high - mean for _, mean, high in found]]
        axes.barh(places, [mean for _, mean, _ in found], height * 0.9, xerr=errors, label=column, capsize=2)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(methods))], methods)
    axes.invert_yaxis()
    axes.set(xlabel="share in %", xlim=(0, 103))
    legend_outside(axes)


def _interval(results: Results, method: str, column: Columns) -> tuple[float, float, float]:
    low, high = results.interval(method, column)
    return low, results.accuracy(method, column), high
