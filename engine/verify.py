"""The engine's own check of a solver's answers."""

from __future__ import annotations

from dataclasses import replace

from .errors import GraphError
from .solution import Solution
from .status import Status


def verified(solution: Solution) -> Solution:
    """The solution after a check in plain Python, independent of the solver and of tensors.

    Args:
        solution: as the solver claims it.

    Returns:
        The solution with its figures as checked. It is *failed* if an assignment violates a constraint, or is missing.
    """
    problem = solution.problem
    if solution.assignment is None:
        if not solution.status.solved:
            return solution
        return replace(solution, status=Status.FAILED, detail="the solver claims a solution without an assignment")
    if not solution.status.solved:
        return solution
    for assignment in solution.solutions or (solution.assignment,):
        try:
            broken = problem.broken(assignment)
        except GraphError as error:
            detail = f"the solver claims an invalid assignment: {error}"
            failed = replace(solution, status=Status.FAILED, detail=detail, violations=-1)
            return replace(failed, assignment=None, solutions=solution.solutions and ())
        if broken:
            detail = f"the solver claims a solution that violates {broken[0].describe()}"
            failed = replace(solution, status=Status.FAILED, detail=detail, violations=len(broken))
            return replace(failed, assignment=assignment, solutions=solution.solutions and ())
    return replace(solution, violations=0, energy=0.0, objective=problem.objective(solution.assignment))


def certain(solution: Solution) -> Solution:
    """The solution; *failed* if it is *unsatisfiable* and the family was guessed from the form of the file.

    Args:
        solution: of any problem. A file of the same form may belong to another family, where it has a solution.
    """
    problem = solution.problem
    if solution.status is not Status.UNSATISFIABLE or len(problem.guessed) < 2:
        return solution
    others = ", ".join(name for name in problem.guessed if name != problem.family)
    detail = (
        f"no solution as {problem.family}; this family was guessed, and the file may also be {others}: name its family"
    )
    return replace(solution, status=Status.FAILED, detail=detail)
