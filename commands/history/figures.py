"""Figures by matplotlib, which is imported only when one is drawn."""

from __future__ import annotations

import html
import textwrap
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import inf, isfinite, isnan
from typing import IO, TYPE_CHECKING, Any

from mull.engine.errors import MullError
from mull.pictures.style import MARKERS, PLOT, legend_outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mull.engine import Trace

SUFFIXES = {".png": "png", ".svg": "svg", ".pdf": "pdf", ".html": "html"}
MAX_POINTS = 1000
"""Points of one line. A million runs would otherwise give 100 MB of SVG that looks the same."""
MIN_SECONDS = 1e-4
"""Smallest time on a logarithmic axis, in seconds. Below it clocks are not accurate."""
Costs = Mapping[str, Sequence[float]]
"""Solver -> iterations or seconds of each run, infinite for a run without an answer."""

Drawing = Callable[["Figure"], None]
"""A function that draws into an empty figure."""

HTML_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body {{ font: 16px sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }}
svg {{ width: 100%; height: auto }}</style>
<h1>{title}</h1>
{svg}
<p>{note}</p>
</html>
"""


def save(draw: Drawing, title: str, note: str, kind: str, file: IO[bytes]) -> None:
    """Draw a figure into a file.

    Args:
        draw: draws into an empty figure.
        title: printed above the figure.
        note: which runs the figure shows; printed below the title, or below the figure in HTML.
        kind: ``png``, ``svg``, ``pdf`` or ``html``. An HTML page contains the drawing and loads nothing else.
        file: opened for binary writing.

    Raises:
        MullError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MullError("plots need matplotlib", "pip install matplotlib") from None
    with mpl.rc_context(PLOT):  # without pyplot, which would look for a display
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        draw(figure)
        if kind != "html":
            figure.suptitle("\n".join([title, *textwrap.wrap(note, 105)]))
            dated: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
            figure.savefig(file, format=kind, dpi=150, metadata=dated.get(kind))
        else:
            import io

            drawn = io.StringIO()
            figure.savefig(drawn, format="svg", metadata={"Date": None})
            svg = drawn.getvalue()
            page = HTML_PAGE.format(title=html.escape(title), svg=svg[svg.index("<svg") :], note=html.escape(note))
            file.write(page.encode())


def run_figure(trace: Trace, training: bool = False) -> Drawing:
    """Energy and violations of one run by iteration, on two axes, each with the best value so far.

    Args:
        trace: the trace of the run.
        training: the trace is that of a training: plot its loss and the share of unsolved examples.
    """

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        shown = (trace.energy, "loss"), (trace.residual, "share not solved")
        if not training:
            shown = (trace.energy, "energy"), (trace.violations, "violations")
        units = {"energy": "energy (violation degrees)", "violations": "violated constraints"}
        dot = "." if len(trace.iteration) < 50 else None  # a line through one point is invisible
        for axes, (values, what), colour in zip((upper, lower), shown, ("C0", "C3"), strict=True):
            axes.step(trace.iteration, values, where="post", color=colour, alpha=0.6, label=what, marker=dot)
            best = list(accumulate(map(float, values), _smaller))
            axes.step(trace.iteration, best, where="post", color="black", linewidth=0.8, label="best so far")
            axes.set_ylabel(units.get(what, what))
            axes.set_title(f"{what.capitalize()} by {'training step' if training else 'iteration'}", loc="left")
            legend_outside(axes)
        lower.set_ylim(bottom=0)
        lower.set_xlabel("training step" if training else "iteration (steps)")

    return draw


def _smaller(a: float, b: float) -> float:
    """The smaller of two numbers, of which the first may be NaN."""
    return b if isnan(a) or b < a else a


def cactus_figure(seconds: Costs, iterations: Costs, unit: str) -> Drawing:
    """Cactus plots: the number of problems solved within a limit per problem.

    Args:
        seconds: solver -> seconds of each problem; the left plot.
        iterations: solver -> iterations of each problem; the right plot.
        unit: the unit of the iterations, for example steps.
    """

    def draw(figure: Figure) -> None:
        whats = "time limit of a problem (s)", f"iteration limit of a problem ({unit})"
        panels = figure.subplots(1, 2)
        for axes, costs, what in zip(panels, (seconds, iterations), whats, strict=True):
            for i, (solver, taken) in enumerate(costs.items()):
                floor = MIN_SECONDS if costs is seconds else 0
                solved = sorted(max(t, floor) for t in taken if isfinite(t))
                label = f"{solver} ({len(solved)}/{len(taken)})"
                axes.plot(
                    range(1, len(solved) + 1), solved, marker=MARKERS[i % len(MARKERS)], markersize=3, label=label
                )
            if costs is seconds:
                axes.set_yscale("log")
            else:
                _scaled(axes.set_yscale, costs)
            axes.set_xlabel("problems solved")
            axes.set_ylabel(what)
            axes.set_title("By seconds" if costs is seconds else "By iterations", loc="left")
        legend_outside(panels[-1])  # the same lines in both

    return draw


def solved_figure(iterations: Costs, unit: str) -> Drawing:
    """The share of runs that have solved their problem, by iteration.

    Args:
        iterations: solver -> iterations of each run.
        unit: the unit of the iterations, for example steps.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for i, (solver, taken) in enumerate(iterations.items()):
            _distribution(axes, taken, i, f"{solver} ({len(taken)} runs)", iterations)
        _finish(axes, iterations, f"iterations since the start of the run ({unit})", "share of runs solved")

    return draw


def target_figure(costs: Costs, what: str) -> Drawing:
    """Run-length distributions on one problem (Hoos and Stützle 1998).

    Solid lines show the probability of an answer, estimated from runs with different seeds. Dashed lines show it for runs
    that restart at the best cutoff of ``best_cutoff``.

    Args:
        costs: solver -> iterations or seconds of each run.
        what: the label of the axis, for example ``seconds``.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for i, (solver, taken) in enumerate(costs.items()):
            _distribution(axes, taken, i, f"{solver} ({len(taken)} runs)", costs)
            cutoff = best_cutoff(taken)
            if cutoff is not None:
                end = _largest(costs)
                starts = [cutoff * k for k in range(1 + min(MAX_POINTS, int(end / cutoff)))]
                ends = _thinned(sorted(t for t in taken if t <= cutoff), MAX_POINTS // len(starts))
                times = [start + t for start in starts for t in ends if start + t <= end]
                shares = [answered_with_restarts(taken, cutoff, t) for t in times]
                axes.step(times, shares, where="post", linestyle="--", color=f"C{i}", label=f"restarts at {cutoff:.3g}")
        _finish(axes, costs, f"{what} since the start", "probability of an answer")

    return draw


def best_cutoff(taken: Sequence[float]) -> float | None:
    """The cutoff for restarts that minimises the mean time to an answer (Luby, Sinclair and Zuckerman 1993).

    Args:
        taken: iterations or seconds of each run, infinite without an answer; the empirical distribution.

    Returns:
        One of these costs, or None if restarts do not help.
    """
    answered = sorted(t for t in taken if 0 < t < inf)
    n = len(taken)
    best, expected = None, inf
    spent = 0.0
    for k, t in enumerate(answered, 1):
        spent += t
        mean = (spent + (n - k) * t) / k  # a start costs min(T, t) on average, and n / k starts are needed
        if mean < expected * (1 - 1e-9):  # of equal means the shortest cutoff, whatever the rounding
            best, expected = t, mean
    # The longest of all costs, where every run answered, never restarts.
    return None if best is None or (best == answered[-1] and len(answered) == n) else best


def answered_with_restarts(taken: Sequence[float], cutoff: float, time: float) -> float:
    """The probability of an answer within a time if every start ends at a cutoff.

    Args:
        taken: iterations or seconds of each run, infinite without an answer.
        cutoff: when a start ends, in the same unit.
        time: the time in all, in the same unit.
    """
    ordered = sorted(taken)

    def chance(t: float) -> float:
        return bisect_right(ordered, t) / len(ordered)

    starts, rest = divmod(time, cutoff)
    if not rest and starts:  # the time ends together with the last start
        starts, rest = starts - 1, cutoff
    return 1 - (1 - chance(cutoff)) ** int(starts) * (1 - chance(rest))


def _distribution(axes: Axes, taken: Sequence[float], number: int, label: str, among: Costs) -> None:
    finite = sorted(filter(isfinite, taken))
    times = _thinned(finite, MAX_POINTS)
    shares = [bisect_right(finite, t) / len(taken) for t in times]
    end = max(_largest(among), 1e-9)
    marks: dict[str, Any] = {
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
        "markevery": max(1, len(times) // 8),
    }
    line = [0, *shares, shares[-1] if shares else 0]
    axes.step([0, *times, end], line, where="post", color=f"C{number}", label=label, **marks)


def _thinned(ordered: Sequence[float], most: int) -> Sequence[float]:
    """About ``most`` of the numbers, evenly spaced; the last one is always included."""
    return ordered[::-1][:: max(1, len(ordered) // max(1, most))][::-1]


def _finish(axes: Axes, costs: Costs, x: str, y: str) -> None:
    _scaled(axes.set_xscale, costs)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    legend_outside(axes)


def _largest(costs: Costs) -> float:
    return max((t for taken in costs.values() for t in taken if isfinite(t)), default=0)


def _scaled(set_scale: Callable[..., None], costs: Costs) -> None:
    """Set a logarithmic scale if the costs span more than a decade; it is linear near 0, because some costs are 0."""
    positive = [t for taken in costs.values() for t in taken if 0 < t < inf]
    if positive and max(positive) > 10 * min(positive):
        set_scale("symlog", linthresh=min(positive), linscale=0.3)
