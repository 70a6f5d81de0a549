"""The outcomes of runs. This module does not import torch, because the store and its commands import it."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The outcome of a run. Only complete solvers and contradictory givens lead to ``optimal`` or ``unsatisfiable``."""

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
        """Whether the run reached its aim: a solution, a proof that none exists, or trained weights."""
        return self in ANSWERED or self is Status.TRAINED

    @property
    def solved(self) -> bool:
        """Whether the run found a solution."""
        return self in SOLVED

    @property
    def advice(self) -> str:
        """What the user may try next."""
        return _ADVICE[self]


SOLVED = (Status.SOLVED, Status.OPTIMAL)
"""The statuses of a run that found a solution."""
ANSWERED = (*SOLVED, Status.UNSATISFIABLE)
"""The statuses of a run that settles its problem: no further run is needed."""
PEEL = "peel"
"""The solver name of a run that peeling or contradictory givens settle; ``compare`` counts it for no solver."""

_ADVICE = {
    Status.SOLVED: "every constraint holds, checked apart from the solver",
    Status.OPTIMAL: "every constraint holds and no better answer exists",
    Status.UNSOLVED: "the budget ran out before an answer was found; raise the limit that ended it",
    Status.UNSATISFIABLE: "no assignment satisfies every constraint; check the instance if you expected one",
    Status.UNSUPPORTED: "this solver does not support this graph: choose another (solve solvers list) or --solver auto",
    Status.CANCELLED: "stopped before the budget ran out; the best assignment so far is kept",
    Status.FAILED: "the solver failed: see the detail; the other problems were carried on",
    Status.TRAINED: "the weights are ready: solve PROBLEM --solver NAME",
}


def amount(count: int, nouns: str) -> str:
    """A number with its noun, for example ``1 step``, ``1,200 steps``.

    Args:
        count: the number.
        nouns: the plural of a noun, which ends in ``s``.
    """
    return f"{count:,} {nouns.removesuffix('s') if count == 1 else nouns}"
