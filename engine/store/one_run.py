"""All stored data of one run."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from ..values import domain_from_json
from .codec import unpack_assignments, unpack_json, unpack_trace
from .rows import RunRow
from .schema import problem, run, solution, template, trace


def load_run(connection: sa.Connection, row: RunRow) -> RunRow:
    """Add the trace, the solutions and the problem to a run of a list.

    Args:
        connection: to the store.
        row: the run, as a list has it.

    Returns:
        The run with ``trace``, ``assignment``, ``solutions``, ``total`` and ``payload``.
    """
    of_problem = problem.c.digest == row.problem
    asked = sa.select(template.c.graph, problem.c.givens).join(problem).where(of_problem)
    data = connection.execute(asked).one()
    points = connection.execute(sa.select(trace).where(trace.c.run == row.id)).first()
    answer = connection.execute(sa.select(solution).where(solution.c.run == row.id)).first()
    counted = connection.execute(sa.select(sa.func.max(run.c.total)).join(problem).where(of_problem)).scalar()
    graph = unpack_json(data.graph)
    domains = {name: domain_from_json(name, domain) for name, domain in graph["variables"].items()}
    answers = [
        assignment
        for packed in (answer and (answer.data, answer.further)) or ()
        if packed
        for assignment in unpack_assignments(packed, domains)
    ]
    return replace(
        row,
        trace=unpack_trace(points.data, points.points) if points else None,
        assignment=answers[0] if answers else None,
        solutions=None if row.distinct is None else tuple(answers[: row.distinct]),
        # With an objective, the exact solver counts only optimal solutions and samplers return any: the counts do not
        # compare.
        total=counted if row.total is None and not graph.get("objective") else row.total,
        payload={**graph, "givens": unpack_json(data.givens), "family": row.family},
    )
