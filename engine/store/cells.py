"""What ``compare`` compares, summed up by the database: a million runs of five solvers on a hundred problems are 500 cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ..status import ANSWERED, PEEL, SOLVED, Status
from .compare import Cell
from .filter import Filter
from .query import conditions
from .schema import budget, facets, problem, run, solver


def read_cells(connection: sa.Connection, where: Filter) -> list[Cell]:
    """Every solver on every problem that it ran. Trainings are no runs on a problem."""
    # Solver, status and limit are facets, so that the runs themselves are summed by two integers, from one index.
    sums = (
        sa.select(
            run.c.facets,
            run.c.problem,
            sa.func.count().label("runs"),
            sa.func.sum(run.c.seconds).label("seconds"),
            sa.func.aggregate_strings(sa.cast(run.c.iterations, sa.String), ",").label("iterations"),
        )
        .where(*conditions(where))
        .group_by(run.c.facets, run.c.problem)
        .subquery()
    )
    wanted = (
        sa.select(
            sa.func.coalesce(facets.c.via, solver.c.name).label("solver"),
            problem.c.digest.label("problem"),
            facets.c.family,
            facets.c.status,
            solver.c.unit,
            budget.c.seconds.label("limit"),
            *(sums.c[name] for name in ("runs", "seconds", "iterations")),
        )
        .select_from(sums)
        .join(facets, sums.c.facets == facets.c.id)
        .join(solver, facets.c.solver == solver.c.id)
        .outerjoin(budget, facets.c.budget == budget.c.id)
        .join(problem, sums.c.problem == problem.c.id)
        .where(facets.c.status != str(Status.TRAINED), solver.c.name != PEEL)
    )
    parts: dict[tuple[str, str], list[sa.RowMapping]] = {}
    for row in connection.execute(wanted).mappings():
        parts.setdefault((row["solver"], row["problem"]), []).append(row)
    return [_cell(solver, problem, rows) for (solver, problem), rows in parts.items()]


def _cell(solver: str, problem: str, rows: Sequence[sa.RowMapping]) -> Cell:
    runs = sum(row["runs"] for row in rows)
    found = (n for row in rows if row["status"] in SOLVED for n in map(int, row["iterations"].split(",")))
    return Cell(
        solver,
        problem,
        rows[0]["family"],
        runs,
        sum(row["runs"] for row in rows if row["status"] in ANSWERED),
        tuple(sorted(found)),
        sum(map(_penalised, rows)) / runs,
        units.pop() if len(units := {row["unit"] for row in rows}) == 1 else "mixed",
    )


def _penalised(row: sa.RowMapping) -> Any:
    """Seconds of like runs: twice the limit where nothing was answered, or twice the time spent where none is known."""
    if row["status"] in ANSWERED:
        return row["seconds"]
    return 2 * (row["seconds"] if row["limit"] is None else row["limit"] * row["runs"])
