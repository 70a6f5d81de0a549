"""``solve history plot``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .. import completion
from ..common import Failure, store_option
from .figures import ENDINGS, cactus, course, solved, target, write
from .filters import filter_options, no_runs, open_existing
from .output import format_of, open_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mull.engine.store import Filter


class Taken(NamedTuple):
    """What one run took, infinite where it ended without an answer. Of a million runs no more is kept in memory."""

    seed: int
    iterations: float
    seconds: float


Runs = dict[str, dict[str, list[Taken]]]
"""Solver -> problem -> its runs."""


class Picture(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4
    """A file whose ending says what to draw; refused before a long look through the store."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        format_of(Path(value), ENDINGS)
        return Path(value)


to_option = click.option(
    "--to",
    "path",
    type=Picture(),
    shell_complete=completion.files,
    metavar="FILE",
    help="A .png, .svg, .pdf or .html file (default: the figure's name, .svg).",
)
open_option = click.option("--open", "opened", is_flag=True, help="Open the file in the program that shows such files.")


@click.group("plot")
def history_plot() -> None:
    """Draw figures into files: PNG, SVG, PDF, or HTML that stands alone."""


@history_plot.command("run")
@click.argument("run_id", metavar="ID", shell_complete=completion.ids)
@to_option
@open_option
@store_option
def plot_run(run_id: str, path: Path | None, opened: bool, url: str | None) -> None:
    """One run: energy and violations by iteration."""
    with open_existing(url) as store:
        row = store.run(run_id)
    if row.trace is None or not len(row.trace.iteration):
        raise Failure(f"run {row.id} by {row.solver} has no trace", "solvers that go by steps leave one, e.g. descent")
    title = f"{row.source} by {row.solver}: {row.status}, {row.iterations} iterations"
    options = " ".join(f"{key}={value}" for key, value in row.options.items() if value is not None)
    note = f"Run {row.id}, seed {row.seed}, {row.created:%Y-%m-%d %H:%M}; options {options or 'none'}."
    draw = course(row.trace, row.family == "training")
    _save(draw, title, note, path or Path(f"run-{row.id[-6:]}.svg"), opened)


@history_plot.command("cactus")
@filter_options
@to_option
@open_option
@store_option
def plot_cactus(where: Filter, path: Path | None, opened: bool, url: str | None) -> None:
    """Solvers: problems solved against seconds and iterations a problem.

    Only problems that all of the solvers ran count, where there are any. Of several runs of a solver on a problem the
    median counts.
    """
    runs, unit = _by_solver(where, url)
    runs, note = _shared(runs)
    seconds = {s: [_median(t.seconds for t in mine) for mine in found.values()] for s, found in runs.items()}
    iterations = {s: [_median(t.iterations for t in mine) for mine in found.values()] for s, found in runs.items()}
    draw = cactus(seconds, iterations, unit)
    _save(draw, "Problems solved", note, path or Path("cactus.svg"), opened)


@history_plot.command("solved")
@filter_options
@to_option
@open_option
@store_option
def plot_solved(where: Filter, path: Path | None, opened: bool, url: str | None) -> None:
    """Solvers: share of runs solved by iteration."""
    runs, unit = _by_solver(where, url)
    costs = {s: [t.iterations for mine in found.values() for t in mine] for s, found in runs.items()}
    _save(solved(costs, unit), "Solved by iteration", _counted(runs), path or Path("solved.svg"), opened)


@history_plot.command("target")
@click.option("--by", type=click.Choice(["iterations", "seconds"]), default="iterations", show_default=True)
@filter_options
@to_option
@open_option
@store_option
def plot_target(by: str, where: Filter, path: Path | None, opened: bool, url: str | None) -> None:
    """One problem, many seeds: time to an answer.

    The chance of an answer by then, without and with restarts: the run-length distribution of Hoos and Stützle (1998). Dashed:
    starting anew at the cutoff that would have been best.
    """
    runs, unit = _by_solver(where, url)
    problems = {problem for found in runs.values() for problem in found}
    if len(problems) > 1:
        raise Failure(f"these are runs on {len(problems)} problems, not on one", "name it with --problem")
    with open_existing(url) as store:
        source = store.runs(1, store.resolved(where))[0].source
    costs = {solver: [getattr(taken, by) for taken in _seeds_apart(found)] for solver, found in runs.items()}
    what = by if by == "seconds" else f"iterations ({unit})"
    title = f"{source}: {by} to an answer"
    _save(target(costs, what), title, _counted(runs), path or Path("target.svg"), opened)


def _by_solver(where: Filter, url: str | None) -> tuple[Runs, str]:
    """The runs that pass, by who was asked and on what, and what their iterations count.

    Trainings are no runs on a problem, and what peeling settled is credited to no solver.
    """
    from mull.engine.status import ANSWERED, PEEL

    runs: Runs = defaultdict(lambda: defaultdict(list))
    units: set[str] = set()
    with open_existing(url) as store:
        for row in store.each(store.resolved(where)):
            if row.family != "training" and row.solver != PEEL:
                units.add(row.unit or "steps")
                answered = row.status in ANSWERED
                taken = Taken(row.seed, row.iterations if answered else inf, row.seconds if answered else inf)
                runs[row.via or row.solver][row.problem].append(taken)
    if not runs:
        raise no_runs(where)
    return dict(sorted(runs.items())), " and ".join(sorted(units))


def _shared(runs: Runs) -> tuple[Runs, str]:
    """The runs on problems that all of the solvers ran, and a line that says which these are; all where there are none."""
    problems = {problem for found in runs.values() for problem in found}
    common = set.intersection(*(set(found) for found in runs.values()))
    if common == problems:
        return runs, _counted(runs)
    if not common:
        ran = ", ".join(f"{solver} {len(found)}" for solver, found in runs.items())
        return runs, f"{_counted(runs)} No problem was run by all solvers: each is drawn on its own ({ran})."
    kept = {s: {problem: mine for problem, mine in found.items() if problem in common} for s, found in runs.items()}
    note = f"{_counted(kept)} Only the {len(common)} of {len(problems)} problems that all solvers ran."
    return kept, note


def _median(costs: Iterable[float]) -> float:
    """The lower one of an even number: between the two it would be halfway to infinity."""
    ordered = sorted(costs)
    return ordered[(len(ordered) - 1) // 2]


def _seeds_apart(found: Mapping[str, Iterable[Taken]]) -> list[Taken]:
    """The latest run of each seed: a run that was repeated is one draw from the distribution, not two."""
    return list({taken.seed: taken for mine in found.values() for taken in mine}.values())


def _counted(runs: Runs) -> str:
    problems = {problem for found in runs.values() for problem in found}
    count = sum(len(mine) for found in runs.values() for mine in found.values())
    runs_of = "1 run" if count == 1 else f"{count} runs"
    return f"{runs_of} on {'1 problem' if len(problems) == 1 else f'{len(problems)} problems'}."


def _save(draw: Callable[[Figure], None], title: str, note: str, path: Path, opened: bool) -> None:
    with open_output(path) as file:
        write(draw, title, note, format_of(path, ENDINGS), file)
    click.echo(f"drawn: {path}", err=True)
    if opened and click.launch(str(path)):
        raise Failure(f"no program was found that opens {path}", "open it in a browser")
