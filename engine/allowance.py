"""The solving time that each problem of a call may use (``Budget.seconds_each``)."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from .problem import Problem


class Allowances:
    """The seconds that each problem has left. A problem's parts, and its forms with a bound, share one allowance.

    Mutable: all tasks of a call refer to the same object.

    Args:
        seconds: of each problem.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # The problem is kept beside its list of one number, so that its id is not given to another object.
        self._left: dict[int, tuple[Problem, list[float]]] = {}

    def join(self, part: Problem, whole: Problem) -> None:
        """Let a part of a problem use the allowance of the whole problem.

        Args:
            part: a component, or the same problem with a bound on its objective.
            whole: the problem of the call.
        """
        self._left[id(part)] = part, self._of(whole)

    def charge(self, problem: Problem, seconds: float) -> None:
        """Subtract solving time of a problem.

        Args:
            problem: of the call, or a part of one.
            seconds: that it used.
        """
        self._of(problem)[0] -= seconds

    def left(self, problems: Iterable[Problem]) -> float:
        """The seconds that some problems have left together."""
        return sum(max(0.0, left[0]) for left in {id(left): left for left in map(self._of, problems)}.values())

    def _of(self, problem: Problem) -> list[float]:
        return self._left.setdefault(id(problem), (problem, [self._seconds]))[1]


def left(allowances: Allowances | None, problems: Iterable[Problem]) -> float:
    """The seconds that some problems have left together; infinite without allowances.

    Args:
        allowances: of the call, or None.
        problems: of the call, or parts of them.
    """
    return inf if allowances is None else allowances.left(problems)
