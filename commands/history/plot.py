"""``solve history plot``: figures of runs, in files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mull.engine.errors import MullError
from mull.engine.status import amount

from .. import completion
from ..common import TextType, store_option
from ..output import format_of, open_output
from .figures import SUFFIXES, Drawing, cactus_figure, run_figure, save, solved_figure, target_figure
from .filters import filter_options, no_runs, open_existing

if TYPE_CHECKING:
    from mull.engine.store import Filter


class Cost(NamedTuple):
    """Iterations and seconds of one run, infinite if it ended without an answer; all that is kept of a million runs."""

    seed: int
    iterations: float
    seconds: float


Costs = dict[str, dict[str, list[Cost]]]
"""Solver -> digest of the problem -> the costs of its runs."""


class FigurePath(TextType):
    """A file whose suffix states the format; an unknown suffix is refused before the store is read."""

    name = "file"

    def parse(self, text: str) -> Path:
        """The path of the file.

        Raises:
            MullError: the suffix is unknown.
        """
        format_of(Path(text), SUFFIXES)
        return Path(text)


to_option = click.option(
    "--to",
    "path",
    type=FigurePath(),
    shell_complete=completion.files,
    metavar="FILE",
    help="File: .png, .svg, .pdf or .html (default: the figure's name with .svg).",
)
open_option = click.option("--open", "opened", is_flag=True, help="Open the file in the default program for its type.")


@click.group("plot")
def history_plot() -> None:
    """Draw a figure of runs: PNG, SVG, PDF or one HTML file."""


@history_plot.command("run")
@click.argument("run_id", metavar="ID", shell_complete=completion.ids)
@to_option
@open_option
@store_option
def plot_run(run_id: str, path: Path | None, opened: bool, url: str | None) -> None:
    """Plot energy and violations of one run by iteration.

    ID is the id of a run, its first or last characters, or `last` for the newest run.
    """
    with open_existing(url) as store:
        row = store.run(run_id)
    if row.trace is None or not len(row.trace.iteration):
        raise MullError(
            f"run {row.id} by {row.solver} has no trace", "step-wise solvers record one, for example descent"
        )
    title = f"{row.source} by {row.solver}: {row.status}, {row.iterations} iterations"
    options = " ".join(f"{key}={value}" for key, value in row.options.items() if value is not None)
    note = f"Run {row.id}, seed {row.seed}, {row.created:%Y-%m-%d %H:%M}; options {options or 'none'}."
    draw = run_figure(row.trace, row.family == "training")
    _save(draw, title, note, path or Path(f"run-{row.id[-6:]}.svg"), opened)


@history_plot.command("cactus")
@filter_options
@to_option
@open_option
@store_option
def plot_cactus(where: Filter, path: Path | None, opened: bool, url: str | None) -> None:
    """Plot problems solved against the limit per problem.

    One axis shows seconds, the other iterations. If some problems were run by all solvers, only these count. A solver
    with several runs on a problem counts with their median.
    """
    costs, unit = _costs_by_solver(where, url)
    costs, note = _on_common_problems(costs)
    seconds = {s: [_median(c.seconds for c in runs) for runs in found.values()] for s, found in costs.items()}
    iterations = {s: [_median(c.iterations for c in runs) for runs in found.values()] for s, found in costs.items()}
    draw = cactus_figure(seconds, iterations, unit)
    _save(draw, "Problems solved", note, path or Path("cactus.svg"), opened)


@history_plot.command("solved")
@filter_options
@to_option
@open_option
@store_option
def plot_solved(where: Filter, path: Path | None, opened: bool, url: str | None) -> None:
    """Plot the share of runs solved by iteration."""
    costs, unit = _costs_by_solver(where, url)
    iterations = {s: [c.iterations for runs in found.values() for c in runs] for s, found in costs.items()}
    draw = solved_figure(iterations, unit)
    _save(draw, "Solved by iteration", _note(costs), path or Path("solved.svg"), opened)


@history_plot.command("target")
@click.option(
    "--by",
    type=click.Choice(["iterations", "seconds"]),
    default="iterations",
    show_default=True,
    help="Unit of the time to an answer.",
)
@filter_options
@to_option
@open_option
@store_option
def plot_target(by: str, where: Filter, path: Path | None, opened: bool, url: str | None) -> None:
    """Plot the time to an answer over many seeds of one problem.

    The curve is the run-length distribution of Hoos and Stützle (1998): the probability of an answer within a number of
    iterations or seconds. The dashed curve restarts every run at the cutoff that is best for the recorded runs.
    """
    costs, unit = _costs_by_solver(where, url)
    problems = {problem for found in costs.values() for problem in found}
    if len(problems) > 1:
        raise MullError(f"the runs are on {len(problems)} problems; this figure needs one", "select it with --problem")
    with open_existing(url) as store:
        source = store.runs(1, store.resolved(where))[0].source
    by_seed = {solver: [getattr(cost, by) for cost in _latest_per_seed(found)] for solver, found in costs.items()}
    what = by if by == "seconds" else f"iterations ({unit})"
    title = f"{source}: {by} to an answer"
    _save(target_figure(by_seed, what), title, _note(costs), path or Path("target.svg"), opened)


def _costs_by_solver(where: Filter, url: str | None) -> tuple[Costs, str]:
    """The costs of the selected runs, and the unit of their iterations.

    Trainings are left out, and so are problems that peeling solved, because no solver ran on them.
    """
    from mull.engine.status import ANSWERED, PEEL

    costs: Costs = defaultdict(lambda: defaultdict(list))
    units: set[str] = set()
    with open_existing(url) as store:
        for row in store.each(store.resolved(where)):
            if row.family != "training" and row.solver != PEEL:
                units.add(row.unit or "steps")
                answered = row.status in ANSWERED
                cost = Cost(row.seed, row.iterations if answered else inf, row.seconds if answered else inf)
                costs[row.via or row.solver][row.problem].append(cost)
    if not costs:
        raise no_runs(where)
    return dict(sorted(costs.items())), " and ".join(sorted(units))


def _on_common_problems(costs: Costs) -> tuple[Costs, str]:
    """The runs on problems that all solvers ran, with a note; all runs if there is no such problem."""
    problems = {problem for found in costs.values() for problem in found}
    common = set.intersection(*(set(found) for found in costs.values()))
    if common == problems:
        return costs, _note(costs)
    if not common:
        ran = ", ".join(f"{solver} {len(found)}" for solver, found in costs.items())
        return costs, f"{_note(costs)} No problem was run by all solvers; each curve shows its own problems ({ran})."
    kept = {s: {problem: runs for problem, runs in found.items() if problem in common} for s, found in costs.items()}
    return kept, f"{_note(kept)} Only the {len(common)} of {len(problems)} problems that all solvers ran."


def _median(costs: Iterable[float]) -> float:
    """The lower median: the mean of two middle costs would be infinite if one of them is."""
    ordered = sorted(costs)
    return ordered[(len(ordered) - 1) // 2]


def _latest_per_seed(found: Mapping[str, Iterable[Cost]]) -> list[Cost]:
    """The latest run of each seed: a repeated run is one sample of the distribution, not two."""
    # The store yields the oldest run first, so that a later run of a seed replaces an earlier one.
    return list({cost.seed: cost for runs in found.values() for cost in runs}.values())


def _note(costs: Costs) -> str:
    problems = {problem for found in costs.values() for problem in found}
    count = sum(len(runs) for found in costs.values() for runs in found.values())
    return f"{amount(count, 'runs')} on {amount(len(problems), 'problems')}."


def _save(draw: Drawing, title: str, note: str, path: Path, opened: bool) -> None:
    with open_output(path) as file:
        save(draw, title, note, format_of(path, SUFFIXES), file)
    click.echo(f"wrote {path}", err=True)
    if opened and click.launch(str(path)):
        raise MullError(f"no program found to open {path}", "open the file in a browser")
