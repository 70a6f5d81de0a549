"""The page that compares solvers: tables over all runs that pass a filter, and plots of the newest of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.routing import Route

from mull.engine.status import ANSWERED, PEEL
from mull.engine.store import StoreError

from . import charts
from .pages import chart, filters, page, site, table_csv

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mull.engine.store import Comparison, Filter, Store

MOST_RUNS = 20_000
"""Runs that the plots show: the newest."""
MOST_PROBLEMS = 200
"""Problems that the page lists; the CSV file has all."""
PLOTS = {
    "cactus": "Cactus plot: problems answered within a time limit for each",
    "time": "Time to an answer: share of runs answered within a time",
    "iterations": "Iterations to an answer: share of runs answered within a number of iterations",
}

Costs = dict[str, dict[str, list[tuple[float, float]]]]
"""Solver -> digest of the problem -> (seconds, iterations) of its runs, infinite for a run without an answer."""


def compare(request: Request) -> Response:
    """Solvers side by side: solved runs, iterations and times, sign tests, problems, and plots."""
    where, given = filters(request)
    wanted = _solvers(request)
    store = site(request).store
    try:
        compared, refused = _compared(store, where, wanted), ""
    except HTTPException as error:  # the form stays, so that the user can correct a name
        compared, refused = None, str(error.detail)
    digests = list(dict.fromkeys(result.problem for result in compared.by_problem)) if compared else []
    shown = digests[:MOST_PROBLEMS]
    return page(
        request,
        "compare.html",
        status=404 if refused else 200,
        given=given,
        wanted=" ".join(wanted),
        refused=refused or "no runs pass the filter",
        summaries=compared.summaries if compared else (),
        pairwise=compared.pairwise if compared else (),
        best={figure: compared.best(figure) for figure in ("solved", "iterations", "par2")} if compared else {},
        shared=compared.shared if compared else True,
        problems=_by_problem(compared, shown) if compared else {},
        names=store.names(shown),
        hidden=len(digests) - len(shown),
        plots=PLOTS,
        most=MOST_RUNS,
        cut=store.count(where) > MOST_RUNS,
    )


def table_of(request: Request) -> Response:
    """One of the tables as CSV.

    Raises:
        HTTPException: a solver has no runs, or no such table.
    """
    name = request.path_params["table"]
    if name not in ("solvers", "tests", "problems"):
        raise HTTPException(404, "no such table")
    where, _ = filters(request)
    store = site(request).store
    compared = _compared(store, where, _solvers(request))
    if name == "solvers":
        rows = [
            (s.solver, s.problems, s.runs, s.solved, *(s.iterations or (None,) * 3), s.unit, s.par2)
            for s in (compared.summaries if compared else ())
        ]
        head = ("solver", "problems", "runs", "answered", "lower quartile", "median", "upper quartile", "unit", "par2")
        return table_csv(name, head, rows)
    if name == "tests":
        return table_csv(
            name,
            ("first", "second", "wins", "losses", "ties", "p"),
            [(t.first, t.second, t.wins, t.losses, t.ties, t.p) for t in (compared.pairwise if compared else ())],
        )
    results = compared.by_problem if compared else ()
    names = store.names({result.problem for result in results})
    return table_csv(
        name,
        ("problem", "digest", "family", "solver", "runs", "answered", "median iterations", "par2"),
        [
            (names.get(r.problem), r.problem, r.family, r.solver, r.runs, r.solved, _median(r.iterations), r.par2)
            for r in results
        ],
    )


def plot(request: Request) -> Response:
    """One of the plots as a specification.

    Raises:
        HTTPException: no such plot, or a solver has no runs.
    """
    name = request.path_params["plot"]
    if name not in PLOTS:
        raise HTTPException(404, "no such plot")
    where, _ = filters(request)
    wanted = _solvers(request)
    found = costs(site(request).store, where, wanted)
    if missing := sorted(set(wanted) - set(found)):
        raise HTTPException(404, f"no runs of {', '.join(missing)} to compare")
    if name == "cactus":
        common = set.intersection(*(set(problems) for problems in found.values())) if found else set()
        seconds = {
            solver: [
                _median([s for s, _ in runs]) for digest, runs in problems.items() if not common or digest in common
            ]
            for solver, problems in found.items()
        }
        return chart(charts.cactus(seconds, "seconds"))
    position = 0 if name == "time" else 1
    taken = {s: [run[position] for runs in problems.values() for run in runs] for s, problems in found.items()}
    return chart(charts.distribution(taken, "seconds" if name == "time" else "iterations"))


def costs(store: Store, where: Filter, wanted: Sequence[str]) -> Costs:
    """The costs of the newest runs that pass a filter; those of trainings and of peeled problems are left out.

    Args:
        store: with the runs.
        where: which runs count.
        wanted: solvers; none for all.
    """
    found: Costs = defaultdict(lambda: defaultdict(list))
    for row in store.runs(MOST_RUNS, where):
        name = row.via or row.solver
        if row.family == "training" or row.solver == PEEL or (wanted and name not in wanted):
            continue
        answered = row.status in ANSWERED
        found[name][row.problem].append((row.seconds, row.iterations) if answered else (inf, inf))
    return dict(sorted(found.items()))


def _compared(store: Store, where: Filter, wanted: Sequence[str]) -> Comparison | None:
    """The comparison; None if no runs pass the filter.

    Raises:
        HTTPException: a named solver has no runs, or no problem was run by all of them.
    """
    try:
        compared = store.compare(wanted or None, store.resolved(where))
    except StoreError as error:
        raise HTTPException(404, str(error)) from None
    return compared if compared.summaries else None


def _solvers(request: Request) -> list[str]:
    named: str = request.query_params.get("solvers", "")
    return named.replace(",", " ").split()[:50]


def _by_problem(compared: Comparison, shown: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Digest -> solver -> its result there."""
    found: dict[str, dict[str, Any]] = {digest: {} for digest in shown}
    for result in compared.by_problem:
        if result.problem in found:
            found[result.problem][result.solver] = result
    return found


def _median(costs: Sequence[float]) -> float:
    """The lower median; infinite for no costs. A mean of two middle costs would be infinite if one of them is."""
    return sorted(costs)[(len(costs) - 1) // 2] if costs else inf


ROUTES = [
    Route("/compare", compare),
    Route("/compare/{table:str}.csv", table_of),
    Route("/compare/{plot:str}.json", plot),
]
