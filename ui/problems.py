"""The page of a problem: its picture, its constraint graph, degrees and kinds, and the runs on it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Route

from .pages import drawing, page, site, table_csv

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mull.engine import Problem
    from mull.engine.store import RunRow

RUNS = 20
"""Runs that the page lists."""


def _load(request: Request) -> tuple[Problem, list[RunRow]]:
    from mull.commands.replay import recorded_problem
    from mull.engine.store import Filter

    digest = request.path_params["digest"]
    if re.fullmatch("[0-9a-f]{64}", digest) is None:
        raise HTTPException(404, "a problem is named by the 64 hexadecimal digits of its digest")
    store = site(request).store
    rows = [row for row in store.runs(RUNS, Filter(problem=digest)) if row.family != "training"]
    if not rows:
        raise HTTPException(404, f"no run on the problem {digest[:12]}")
    return recorded_problem(store.run(rows[0].id)), rows


def kinds(problem: Problem) -> list[tuple[str, int, int, int]]:
    """The kinds of a problem's constraints, most frequent first: name, number, smallest and largest scope."""
    scopes: dict[str, list[int]] = {}
    for constraint in problem.graph.constraints:
        scopes.setdefault(type(constraint).__name__, []).append(len(constraint.scope))
    return [
        (name, len(sizes), min(sizes), max(sizes)) for name, sizes in sorted(scopes.items(), key=lambda x: -len(x[1]))
    ]


def degrees(problem: Problem) -> list[tuple[int, int]]:
    """(degree, number of variables with it), ascending. A variable's degree is the number of its constraints."""
    counted = Counter(dict.fromkeys(problem.graph.domains, 0))
    for constraint in problem.graph.constraints:
        counted.update(set(constraint.scope))
    return sorted(Counter(counted.values()).items())


def problem(request: Request) -> Response:
    """The structure of a problem and its newest runs."""
    stated, rows = _load(request)
    domains = stated.graph.domains
    sizes = [len(domain) for domain in domains.values()]
    facts = {
        "family": rows[0].family,
        "source": rows[0].source,
        "digest": rows[0].problem,
        "variables": f"{len(domains):,}",
        "givens": f"{len(stated.givens):,}",
        "values of a variable": f"{min(sizes, default=0):,} to {max(sizes, default=0):,}",
        "constraints": f"{len(stated.graph.constraints):,}",
        "objective": "minimised" if stated.minimises else "none",
    }
    return page(
        request, "problem.html", facts=facts, kinds=kinds(stated), degrees=degrees(stated), rows=rows,
        digest=rows[0].problem, source=rows[0].source,
    )  # fmt: skip


def picture_of(request: Request) -> Response:
    """The problem with its givens, as its family draws it."""
    from mull.pictures import picture

    stated, rows = _load(request)
    return drawing(request, picture(stated), f"problem-{rows[0].problem[:8]}")


def graph_of(request: Request) -> Response:
    """The constraint graph."""
    from mull.pictures import graph_svg

    stated, rows = _load(request)
    return drawing(request, graph_svg(stated), f"graph-{rows[0].problem[:8]}")


def table_of(request: Request) -> Response:
    """The degrees or the kinds as CSV.

    Raises:
        HTTPException: no such table.
    """
    stated, _ = _load(request)
    table = request.path_params["table"]
    if table == "kinds":
        return table_csv("kinds", ("kind", "constraints", "smallest scope", "largest scope"), kinds(stated))
    if table != "degrees":
        raise HTTPException(404, "no such table")
    return table_csv("degrees", ("degree", "variables"), degrees(stated))


ROUTES = [
    Route("/problems/{digest:str}/picture.svg", picture_of),
    Route("/problems/{digest:str}/picture.png", picture_of),
    Route("/problems/{digest:str}/graph.svg", graph_of),
    Route("/problems/{digest:str}/graph.png", graph_of),
    Route("/problems/{digest:str}/{table:str}.csv", table_of),
    Route("/problems/{digest:str}", problem),
]
