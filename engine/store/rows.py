"""A run as it is read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .codec import StoredTrace
from .ids import milliseconds


@dataclass(frozen=True)
class RunRow:
    """A run as remembered.

    ``trace``, ``assignment``, ``solutions`` and ``payload`` (the problem's JSON) come only with ``Store.run`` (the trace
    also with ``Store.each(traces=True)``). ``Store.run`` also knows the ``total`` of solutions where another run on the
    problem counted them. ``seconds`` is the solving time of the solver on this problem, ``wall`` the time from the start of the
    call to the answer; for runs of before schema 0004 both are the latter. ``unit`` is what ``iterations`` counts. ``budget`` has the fields of ``engine.task.Budget``; None for runs of before schema 0003.
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
    trace: StoredTrace | None = None
    assignment: dict[str, Any] | None = None
    solutions: tuple[dict[str, Any], ...] | None = None
    payload: dict[str, Any] | None = None

    @property
    def created(self) -> datetime:
        """When the run ended; local time."""
        return datetime.fromtimestamp(milliseconds(self.id) / 1000)

    @property
    def accuracy(self) -> float | None:
        """The share of samples that ended solved; None where none were drawn."""
        return self.hits / self.samples if self.hits is not None and self.samples else None

    @property
    def coverage(self) -> float | None:
        """The share of all solutions that was found; None where it is not known how many there are."""
        return self.distinct / self.total if self.distinct is not None and self.total else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of everything but the payload."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "payload"}
        data |= {"accuracy": self.accuracy, "coverage": self.coverage}
        data["created"] = self.created.isoformat(timespec="milliseconds")
        if self.trace is not None:
            data["trace"] = {name: array.tolist() for name, array in self.trace._asdict().items()}
        return data
