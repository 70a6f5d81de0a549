"""Where a training stands: its limits, its clock, and what it reports."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training stands.

    Args:
        step, seconds: so far, over all sessions.
        share: of the whole, 0 to 1.
        loss: mean since the last report.
        solved: share of the boards replaced since then that were solved; ``segments`` they took on average.
        accuracy: stream -> share of its validation boards that the averaged weights solved at the last check.
        rate: steps a second.
    """

    step: int
    seconds: float
    share: float
    loss: float
    solved: float
    segments: float
    accuracy: dict[str, float]
    rate: float


@dataclass(frozen=True)
class Session:
    """One session of a training, from start or checkpoint to its end.

    Args:
        before: seconds of the training before it.
        minutes: length of the training, all sessions together; None is no limit.
        steps: the same in steps.
        stop_after: minutes after which this session ends on the way.
    """

    before: float
    minutes: float | None
    steps: int | None
    stop_after: float | None
    started: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Of the training so far."""
        return self.before + time.monotonic() - self.started

    def share(self, step: int, seconds: float) -> float:
        """How much of the training is over, 0 to 1 and beyond."""
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return max(by_time, step / self.steps if self.steps else 0.0)

    def over(self, seconds: float) -> bool:
        """Whether this session ends, the training finished or not."""
        return self.stop_after is not None and seconds - self.before >= 60 * self.stop_after


class Tally:
    """Sums over the steps since the last report, kept on the device so that no step waits for it."""

    def __init__(self, device: torch.device, step: int) -> None:
        self.sums = torch.zeros(5, device=device)
        self.step, self.since = step, time.monotonic()

    def add(self, sums: Tensor) -> None:
        """Count a step: [loss, boards replaced, of them solved, their segments, 1]."""
        self.sums += sums

    def report(self, step: int, seconds: float, share: float, accuracy: dict[str, float]) -> TrainingProgress:
        """The progress since the last report. It waits for the device.

        Raises:
            FloatingPointError: the loss is not finite.
        """
        loss, replaced, solved, segments, count = self.sums.tolist()
        self.sums.zero_()
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is not finite at step {step}")
        now = time.monotonic()
        rate = (step - self.step) / (now - self.since)
        self.step, self.since = step, now
        boards = max(replaced, 1)
        return TrainingProgress(step, seconds, share, loss / count, solved / boards, segments / boards, accuracy, rate)
