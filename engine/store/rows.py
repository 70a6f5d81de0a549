"""A run as the store returns it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..samples import Sampled
from .ids import milliseconds

if TYPE_CHECKING:
    from ..trace import Trace


@dataclass(frozen=True)
class RunRow(Sampled):
    """A stored run.

    Args:
        id: a ULID; ids sort by time.
        problem, family, size, source: digest, family and number of variables of the problem, and where it was read.
        solver, version, options: the solver's name, version and options.
        checkpoint: SHA-256 of the trained weights; None for a solver that does not learn.
        via: the portfolio that called the solver, or None.
        via_options: those of its options that differ from the defaults; empty for runs older than schema 0006.
        seed, device, host: as used by the run.
        versions: package -> version, of Python and the libraries.
        budget: the fields of ``engine.task.Budget``; None for runs older than schema 0003.
        status: how the run ended, a value of ``engine.status.Status``.
        iterations, unit: number of iterations, and what they count: steps, conflicts.
        violations, energy: of the best assignment; None without one.
        objective: value of the problem's objective, or None.
        seconds: solving time of the solver on this problem.
        wall: seconds from the start of the call to the answer. In runs older than schema 0004, ``seconds`` is the same.
        detail: a further sentence on the result, or the empty string.
        samples, hits: number of samples drawn, and of solved ones. None if one answer was wanted.
        distinct: number of distinct solutions found. None if one answer was wanted.
        total: number of all solutions, if an exact solver enumerated them. ``Store.run`` takes it from any run on the
        problem.
        bench: name of the bench that the run belongs to, or None.
        improvements: (seconds, objective) of each improving answer, if the call followed them.
        flops: floating-point operations of trained nets; None without a net whose operations can be counted.
        joules: energy that the machine used in ``seconds``; None where it has no readable counter.
        trace: None unless ``Store.run`` or ``Store.each(traces=True)`` read it.
        assignment, solutions: the best assignment, and all distinct solutions; None unless ``Store.run`` read them.
        payload: the problem as JSON; None unless ``Store.run`` read it.
    """

    id: str
    problem: str
    family: str
    size: int
    source: str
    solver: str
    version: str
    options: dict[str, Any]
    checkpoint: str | None
    via: str | None
    seed: int
    device: str
    host: str
    versions: dict[str, str]
    budget: dict[str, Any] | None
    status: str
    iterations: int
    unit: str
    violations: int | None
    energy: float | None
    objective: int | None
    seconds: float
    wall: float
    detail: str
    samples: int | None
    hits: int | None
    distinct: int | None
    total: int | None
    bench: str | None = None
    improvements: tuple[tuple[float, int], ...] = ()
    via_options: dict[str, Any] = field(default_factory=dict)
    flops: float | None = None
    joules: float | None = None
    trace: Trace | None = None
    assignment: dict[str, Any] | None = None
    solutions: tuple[dict[str, Any], ...] | None = None
    payload: dict[str, Any] | None = None

    @property
    def created(self) -> datetime:
        """The local time at which the run ended."""
        return datetime.fromtimestamp(milliseconds(self.id) / 1000)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields except the payload."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "payload"}
        data |= {"accuracy": self.accuracy, "coverage": self.coverage}
        data["created"] = self.created.isoformat(timespec="milliseconds")
        if self.trace is not None:
            data["trace"] = self.trace.to_json()
        return data
