"""How a run ended. Without torch: the store and the commands that read it use it too."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How a run ended. Only complete solvers and contradictory givens say ``optimal`` or ``unsatisfiable``."""

    SOLVED = "solved"
    OPTIMAL = "optimal"
    UNSOLVED = "unsolved"
    UNSATISFIABLE = "unsatisfiable"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TRAINED = "trained"

    @property
    def good(self) -> bool:
        """Whether the question was answered: solved, or proved to have no solution."""
        return self in ANSWERED or self is Status.TRAINED

    @property
    def solved(self) -> bool:
        """Whether there is an assignment that breaks nothing."""
        return self in SOLVED

    @property
    def advice(self) -> str:
        """What the user may try next."""
        return _ADVICE[self]


SOLVED = (Status.SOLVED, Status.OPTIMAL)
"""The statuses of a run whose assignment breaks nothing."""
ANSWERED = (*SOLVED, Status.UNSATISFIABLE)
"""The statuses of a run on a problem that needs no further run."""
PEEL = "peel"
"""The solver name of a run that peeling or contradictory givens settle; ``compare`` counts it for no solver."""

_ADVICE = {
    Status.SOLVED: "every constraint holds, checked apart from the solver",
    Status.OPTIMAL: "every constraint holds and no better answer exists",
    Status.UNSOLVED: "the budget ran out before an answer was found; raise the limit that ended it",
    Status.UNSATISFIABLE: "no assignment satisfies every constraint; check the instance if you expected one",
    Status.UNSUPPORTED: "this solver cannot take this graph: choose another (solve solvers list) or --solver auto",
    Status.CANCELLED: "stopped before the budget ran out; the best assignment so far is kept",
    Status.FAILED: "the solver failed: see the detail; the other problems were carried on",
    Status.TRAINED: "the weights are ready: solve PROBLEM --solver NAME",
}
