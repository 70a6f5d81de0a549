"""The progress of a training: its limits, its clock and its reports."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class TrainingProgress:
    """A report of a training.

    Args:
        step: optimizer steps so far, over all sessions.
        seconds: training time so far, over all sessions.
        share: share of the training that is done, 0 to 1.
        loss: mean loss since the last report.
        solved: share of the rows replaced since the last report that were solved, 0 to 1.
        segments: mean number of segments of those rows.
        accuracy: stream -> share of its validation examples that the averaged weights solved, 0 to 1.
        rate: optimizer steps a second.
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
    """One session of a training: one call, from the start or a checkpoint.

    Args:
        before: seconds of all earlier sessions.
        minutes: length of the whole training in minutes; None for no limit.
        steps: length of the whole training in optimizer steps; None for no limit.
        stop_after: length of this session in minutes; None for no limit.
        started: when the session started, in seconds of ``time.monotonic``.
    """

    before: float
    minutes: float | None
    steps: int | None
    stop_after: float | None
    started: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Seconds of the training so far, over all sessions."""
        return self.before + time.monotonic() - self.started

    def share(self, step: int, seconds: float) -> float:
        """The share of the training that is done, at least 0; 1 and more when it is finished.

        Args:
            step: optimizer steps so far.
            seconds: training time so far.
        """
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return max(by_time, step / self.steps if self.steps else 0.0)

    def over(self, seconds: float) -> bool:
        """Whether this session is over after so many seconds of the training."""
        return self.stop_after is not None and seconds - self.before >= 60 * self.stop_after


class Tally:
    """Sums over the steps since the last report. They stay on the device, so that no step waits for it.

    Args:
        device: of the training.
        step: optimizer steps before.
    """

    def __init__(self, device: torch.device, step: int) -> None:
        self.sums = torch.zeros(5, device=device)  # reading them each step would wait for the device
        self.step, self.since = step, time.monotonic()

    def add(self, sums: Tensor) -> None:
        """Add a step, [5]: loss, replaced rows, of them solved, their segments, 1."""
        self.sums += sums

    def report(self, step: int, seconds: float, share: float, accuracy: dict[str, float]) -> TrainingProgress:
        """The progress since the last report. It waits for the device.

        Args:
            step: optimizer steps so far.
            seconds: training time so far.
            share: share of the training that is done, 0 to 1.
            accuracy: of the last validation, by stream.

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
        rows = max(replaced, 1)
        return TrainingProgress(step, seconds, share, loss / count, solved / rows, segments / rows, accuracy, rate)
