"""``solve history compare``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from mull.terminal import table

from ..common import json_option, store_option
from ..completion import solvers
from .filters import filter_options, no_runs, open_existing

if TYPE_CHECKING:
    from mull.engine.store import Cell, Comparison, Filter, Standing


@click.command("compare")
@click.argument("solvers", metavar="[SOLVER...]", nargs=-1, shell_complete=solvers)
@click.option("--problems", "each", is_flag=True, help="Problem by problem, too.")
@filter_options
@json_option
@store_option
def history_compare(solvers: Sequence[str], each: bool, where: Filter, as_json: bool, url: str | None) -> None:
    """Compare solvers by their runs.

    Those named, on the problems that all of them ran; by default all, each on its own.

    Iterations are those to a solution: median, and quartiles in brackets. PAR-2 is the mean of the seconds, where what was
    not answered counts twice its time limit. A star marks the best, where all ran the same problems. The sign test asks of
    every two solvers on how many problems each had the lower PAR-2, and how likely that were if they were equals.
    """
    with open_existing(url) as store:
        comparison = store.compare(solvers or None, store.resolved(where))
        names = store.names({cell.problem for cell in comparison.cells}) if each or as_json else {}
    if not comparison.standings:
        raise no_runs(where)
    if as_json:
        data = comparison.to_json()
        for cell in data["cells"]:
            cell["name"] = names.get(cell["problem"])
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    best = {figure: comparison.best(figure) for figure in ("solved", "iterations", "par2")}
    table(
        ("solver", "problems", "solved", "iterations", "PAR-2 s"),
        [
            _standing(standing, {figure for figure, who in best.items() if standing.solver in who})
            for standing in comparison.standings
        ],
    )
    if comparison.duels:
        click.echo()
        _duels(comparison)
    if each:
        click.echo()
        _cells_by_problem(comparison, names)
    if not comparison.shared:
        every = " ".join(standing.solver for standing in comparison.standings)
        click.echo(
            f"the solvers ran different problems\nhint: on those that all ran: solve history compare {every}", err=True
        )


def _standing(s: Standing, best: set[str]) -> tuple[str, ...]:
    def starred(text: str, figure: str) -> str:
        return f"{text} *" if figure in best else text

    iterations = "-"
    if s.iterations is not None:
        lower, median, upper = s.iterations
        iterations = f"{median:g} [{lower:g}, {upper:g}]"
    return (
        s.solver,
        str(s.problems),
        starred(f"{s.solved}/{s.runs} ({s.solved / s.runs:.0%})", "solved"),
        starred(iterations, "iterations"),
        starred(f"{s.par2:.3g}", "par2"),
    )


def _duels(comparison: Comparison) -> None:
    rows = [(f"{d.first} : {d.second}", f"{d.wins} : {d.losses}", str(d.ties), f"{d.p:.3g}") for d in comparison.duels]
    table(("sign test", "better on", "ties", "p"), rows)


def _cells_by_problem(comparison: Comparison, names: Mapping[str, str]) -> None:
    """A line a problem, a column a solver: runs answered, median of iterations, PAR-2."""
    twice = {name for name, count in Counter(names.values()).items() if count > 1}
    solvers = [standing.solver for standing in comparison.standings]
    rows: dict[str, dict[str, str]] = {}
    for cell in comparison.cells:
        median = f"{cell.iterations[(len(cell.iterations) - 1) // 2]} it, " if cell.iterations else ""
        row = rows.setdefault(cell.problem, {"problem": _named(cell, names, twice)})
        row[cell.solver] = f"{cell.solved}/{cell.runs}, {median}{cell.par2:.3g} s"
    table(("problem", *solvers), [tuple(row.get(name, "-") for name in ("problem", *solvers)) for row in rows.values()])


def _named(cell: Cell, names: Mapping[str, str], twice: Collection[str]) -> str:
    """A problem as `solve history` lists it, with the start of its digest where another has the same name."""
    name = names[cell.problem]
    return f"{name} ({cell.problem[:6]})" if name in twice else name
