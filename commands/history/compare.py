"""``solve history compare``: solvers side by side, by their recorded runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from mull.terminal import Working

from ..common import json_option, store_option
from ..completion import solvers
from ..tables import quantity, table
from .filters import filter_options, no_runs, open_existing

if TYPE_CHECKING:
    from mull.engine.store import Comparison, Filter, SolverOnProblem, SolverSummary


COSTS = {"flops": "FLOPs", "joules": "joules"}
"""Figures that only some runs have -> title of the column."""


@click.command("compare")
@click.argument("solvers", metavar="[SOLVER...]", nargs=-1, shell_complete=solvers)
@click.option("--problems", "each", is_flag=True, help="Add a table with one line per problem.")
@filter_options
@json_option
@store_option
def history_compare(solvers: Sequence[str], each: bool, where: Filter, as_json: bool, url: str | None) -> None:
    """Compare solvers by their runs.

    Named solvers are compared on the problems that all of them ran. Without names, every solver is summarised on its own
    problems.

    Iterations: median number of iterations to a solution, with quartiles in brackets. PAR-2: mean seconds per problem,
    where an unanswered run counts as twice its time limit. FLOPs and joules: means over the runs that have them. A star
    marks the best solver, if all ran the same problems. The sign test counts, for every two solvers, the problems on
    which each has the lower PAR-2. The value p is the probability of a count at least as uneven if both solvers are
    equally good.
    """
    with open_existing(url) as store, Working("comparing"):
        comparison = store.compare(solvers or None, store.resolved(where))
        # Names are looked up only if they are printed: a store may contain a million problems.
        names = store.names({result.problem for result in comparison.by_problem}) if each or as_json else {}
    if not comparison.summaries:
        raise no_runs(where)
    if as_json:
        data = comparison.to_json()
        for result in data["by_problem"]:
            result["name"] = names.get(result["problem"])
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    best = {figure: comparison.best(figure) for figure in ("solved", "iterations", "par2")}
    costs = [name for name in COSTS if any(getattr(summary, name) is not None for summary in comparison.summaries)]
    table(
        ("solver", "problems", "solved", "iterations", "PAR-2 s", *map(COSTS.__getitem__, costs)),
        [
            (
                *_summary_row(summary, {figure for figure, who in best.items() if summary.solver in who}),
                *("-" if (cost := getattr(summary, name)) is None else quantity(cost) for name in costs),
            )
            for summary in comparison.summaries
        ],
    )
    if comparison.pairwise:
        click.echo()
        _print_sign_tests(comparison)
    if each:
        click.echo()
        _print_problems(comparison, names)
    if not comparison.shared:
        every = " ".join(summary.solver for summary in comparison.summaries)
        click.echo(
            f"the solvers ran different problems\nhint: compare them on common ones: solve history compare {every}",
            err=True,
        )


def _summary_row(s: SolverSummary, best: set[str]) -> tuple[str, ...]:
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


def _print_sign_tests(comparison: Comparison) -> None:
    rows = [
        (f"{t.first} : {t.second}", f"{t.wins} : {t.losses}", str(t.ties), f"{t.p:.3g}") for t in comparison.pairwise
    ]
    table(("sign test", "better on", "ties", "p"), rows)


def _print_problems(comparison: Comparison, names: Mapping[str, str]) -> None:
    """Print one line per problem and one column per solver: runs answered, median iterations, PAR-2."""
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    solvers = [summary.solver for summary in comparison.summaries]
    rows: dict[str, dict[str, str]] = {}
    for result in comparison.by_problem:
        # The lower median of an even number: a number of iterations that occurred.
        median = f"{result.iterations[(len(result.iterations) - 1) // 2]} it, " if result.iterations else ""
        row = rows.setdefault(result.problem, {"problem": _problem_name(result, names, shared)})
        row[result.solver] = f"{result.solved}/{result.runs}, {median}{result.par2:.3g} s"
    table(("problem", *solvers), [tuple(row.get(name, "-") for name in ("problem", *solvers)) for row in rows.values()])


def _problem_name(result: SolverOnProblem, names: Mapping[str, str], shared: Collection[str]) -> str:
    """The name of a problem as ``solve history`` lists it, with the start of its digest if other problems share it."""
    name = names[result.problem]
    return f"{name} ({result.problem[:6]})" if name in shared else name
