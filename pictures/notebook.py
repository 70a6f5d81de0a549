"""What a notebook shows of problems, solutions and stored runs: HTML with pictures. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..engine.problem import Problem
from ..engine.solution import Solution
from ..engine.status import amount
from ..engine.store.rows import RunRow
from .canvas import clean
from .choose import picture

MOST_ROWS = 50
"""Most runs of a table; further ones are counted."""
LONGEST = 80
"""Most characters of a cell."""
COLUMNS = ("id", "created", "problem", "solver", "status", "iterations", "violations", "objective", "seconds")


def problem_svg(problem: Problem) -> str:
    """The picture of a problem without an answer.

    Args:
        problem: to be shown.
    """
    return picture(problem)


def problem_html(problem: Problem) -> str:
    """A line on the size of a problem, and its picture.

    Args:
        problem: to be shown.
    """
    graph = problem.graph
    facts = [
        f"<b>{clean(problem.name or problem.family, LONGEST)}</b>",
        amount(len(graph.domains), "variables"),
        amount(len(graph.constraints), "constraints"),
        amount(len(problem.givens), "givens"),
    ]
    return f"<div><p>{', '.join(facts)}</p>{problem_svg(problem)}</div>"


def solution_svg(solution: Solution) -> str:
    """The picture of a problem with the answer.

    Args:
        solution: whose assignment is drawn, if there is one.
    """
    return picture(solution.problem, solution.assignment)


def solution_html(solution: Solution) -> str:
    """A line on the status and the cost of an answer, what to try next, and the picture.

    Args:
        solution: to be shown.
    """
    by = f"{solution.solver} via {solution.via}" if solution.via else solution.solver
    facts = [f"<b>{clean(solution.status)}</b> by {clean(by, LONGEST)}"]
    if solution.violations > 0:
        facts.append(amount(solution.violations, "violated constraints"))
    if solution.objective is not None:
        facts.append(f"objective {solution.objective}")
    facts += [amount(solution.iterations, clean(solution.unit, LONGEST)), f"{solution.seconds:.2f} s"]
    if solution.distinct is not None and solution.distinct != 1:
        facts.append(amount(solution.distinct, "solutions"))
    advice = "" if solution.status.good else f"<p>{clean(solution.advice)}</p>"
    return f"<div><p>{', '.join(facts)}</p>{advice}{solution_svg(solution)}</div>"


def history_html(runs: Sequence[RunRow]) -> str:
    """A table of stored runs, with the number of those that are left out.

    Args:
        runs: in the order of the table.
    """
    if not runs:
        return "<p>no runs</p>"
    rows = "".join(_row(_cells(run), "td") for run in runs[:MOST_ROWS])
    more = len(runs) - MOST_ROWS
    note = f"<p>and {amount(more, 'more runs')}</p>" if more > 0 else ""
    return f"<div><table><thead>{_row(COLUMNS, 'th')}</thead><tbody>{rows}</tbody></table>{note}</div>"


def _cells(run: RunRow) -> list[object]:
    return [
        run.id,
        f"{run.created.astimezone():%Y-%m-%d %H:%M:%S}",
        run.source if run.source != "-" else run.family,
        run.solver,
        run.status,
        amount(run.iterations, run.unit),
        run.violations,
        run.objective,
        f"{run.seconds:.3f}",
    ]


def _row(cells: Iterable[object], tag: str) -> str:
    texts = ("" if cell is None else clean(cell, LONGEST) for cell in cells)
    return f"<tr>{''.join(f'<{tag}>{text}</{tag}>' for text in texts)}</tr>"
