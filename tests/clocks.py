"""A clock that tests advance, and a solver whose steps take a second of it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mull.solvers.descent import Descent


class Clock:
    """A clock that advances only when a test advances it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(Descent):
    """Descent with steps of one second."""

    clock: Any = Field(exclude=True)

    def step(self, instance: Any, state: Any) -> Any:
        self.clock.now += 1.0
        return super().step(instance, state)
