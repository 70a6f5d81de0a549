"""The input of ``compare``, summed by the database.

A million runs of five solvers on a hundred problems are 500 pairs of a solver and a problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ..status import ANSWERED, PEEL, SOLVED, Status
from .compare import SolverOnProblem
from .filter import Filter
from .query import conditions
from .schema import budget, problem, run, run_context, solver

COSTS = ("flops", "joules")
"""Columns of ``run`` that only some runs have."""


def read_results(connection: sa.Connection, where: Filter) -> list[SolverOnProblem]:
    """One result for each solver and each problem that it ran. Training runs are excluded.

    Args:
        connection: to the store.
        where: which runs count.
    """
    # Solver, status and limit are columns of the context. The runs are therefore grouped by two integers, from one
    # index.
    sums = (
        sa.select(
            run.c.facets,
            run.c.problem,
            sa.func.count().label("runs"),
            sa.func.sum(run.c.seconds).label("seconds"),
            *(sa.func.sum(run.c[name]).label(name) for name in COSTS),
            *(sa.func.count(run.c[name]).label(f"with_{name}") for name in COSTS),
            sa.func.aggregate_strings(sa.cast(run.c.iterations, sa.String), ",").label("iterations"),
        )
        .where(*conditions(where))
        .group_by(run.c.facets, run.c.problem)
        .subquery()
    )
    wanted = (
        sa.select(
            sa.func.coalesce(run_context.c.via, solver.c.name).label("solver"),
            problem.c.digest.label("problem"),
            run_context.c.family,
            run_context.c.status,
            solver.c.unit,
            sa.func.coalesce(budget.c.seconds_each, budget.c.seconds).label("limit"),
            *(sums.c[name] for name in ("runs", "seconds", "iterations", *COSTS, *(f"with_{name}" for name in COSTS))),
        )
        .select_from(sums)
        .join(run_context, sums.c.facets == run_context.c.id)
        .join(solver, run_context.c.solver == solver.c.id)
        .outerjoin(budget, run_context.c.budget == budget.c.id)
        .join(problem, sums.c.problem == problem.c.id)
        .where(run_context.c.status != str(Status.TRAINED), solver.c.name != PEEL)
    )
    parts: dict[tuple[str, str], list[sa.RowMapping]] = {}
    for row in connection.execute(wanted).mappings():
        parts.setdefault((row["solver"], row["problem"]), []).append(row)
    return [_result(solver, problem, rows) for (solver, problem), rows in parts.items()]


def _result(solver: str, problem: str, rows: Sequence[sa.RowMapping]) -> SolverOnProblem:
    runs = sum(row["runs"] for row in rows)
    found = (n for row in rows if row["status"] in SOLVED for n in map(int, row["iterations"].split(",")))
    return SolverOnProblem(
        solver,
        problem,
        rows[0]["family"],
        runs,
        sum(row["runs"] for row in rows if row["status"] in ANSWERED),
        tuple(sorted(found)),
        sum(map(_penalised, rows)) / runs,
        units.pop() if len(units := {row["unit"] for row in rows}) == 1 else "mixed",
        *(_mean(rows, name) for name in COSTS),
    )


def _mean(rows: Sequence[sa.RowMapping], name: str) -> float | None:
    count = sum(row[f"with_{name}"] for row in rows)
    return sum(row[name] or 0.0 for row in rows) / count if count else None


def _penalised(row: sa.RowMapping) -> Any:
    """PAR-2 seconds of runs with one context: twice the limit if unanswered; without a limit twice the time."""
    if row["status"] in ANSWERED:
        return row["seconds"]
    return 2 * (row["seconds"] if row["limit"] is None else row["limit"] * row["runs"])
