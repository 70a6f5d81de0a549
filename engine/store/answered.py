"""The stored runs that answered problems, so that a call does not solve these again."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa

from ..status import ANSWERED
from .schema import budget, problem, run, run_context, solver
from .write import KEYS_PER_QUERY


class Answer(NamedTuple):
    """What made an answer.

    Args:
        solver: that answered, with its ``options`` and ``checkpoint`` (SHA-256 of the trained weights, or None).
        via: the portfolio that called the solver, or None.
        via_options: of the portfolio, where they differ from its defaults; empty for runs older than schema 0006.
        solutions: number of samples that the call requested, or None for one answer.
    """

    solver: str
    options: dict[str, Any]
    checkpoint: str | None
    via: str | None
    via_options: dict[str, Any]
    solutions: int | None


def answers(connection: sa.Connection, digests: Collection[str], name: str, seed: int) -> dict[str, list[Answer]]:
    """The answers of calls of a solver, by itself or by solvers that it called.

    Args:
        connection: to the store.
        digests: of the problems.
        name: of the solver.
        seed: of the runs.

    Returns:
        Digest -> the distinct answers of runs that ended solved, optimal or unsatisfiable. Problems without such a run
        are left out.
    """
    columns = [solver.c.name, solver.c.options, solver.c.checkpoint, run_context.c.via, run_context.c.via_options]
    wanted = (
        sa.select(problem.c.digest, *columns, budget.c.solutions)
        .select_from(run)
        .join(problem, run.c.problem == problem.c.id)
        .join(run_context, run.c.facets == run_context.c.id)
        .join(solver, run_context.c.solver == solver.c.id)
        .outerjoin(budget, run_context.c.budget == budget.c.id)
        .where(run.c.seed == seed, run_context.c.status.in_([str(status) for status in ANSWERED]))
        .where(sa.func.coalesce(run_context.c.via, solver.c.name) == name)
    )
    found: dict[str, list[Answer]] = {}
    keys = sorted(set(digests))
    for start in range(0, len(keys), KEYS_PER_QUERY):
        some = problem.c.digest.in_(keys[start : start + KEYS_PER_QUERY])
        for digest, *made_by, via_options, solutions in connection.execute(wanted.where(some)):
            name, options, checkpoint, via = made_by
            made = Answer(name, options, checkpoint, via, json.loads(via_options or "{}"), solutions)
            known = found.setdefault(digest, [])
            if made not in known:
                known.append(made)
    return found
