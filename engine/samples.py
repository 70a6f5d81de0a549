"""Shares of samples and of solutions, for runs and stored runs."""

from __future__ import annotations

from typing import Protocol


class _Counts(Protocol):
    @property
    def samples(self) -> int | None: ...
    @property
    def hits(self) -> int | None: ...
    @property
    def distinct(self) -> int | None: ...
    @property
    def total(self) -> int | None: ...


class Sampled:
    """Mixin for a run with ``samples``, ``hits``, ``distinct`` and ``total``."""

    @property
    def accuracy(self: _Counts) -> float | None:
        """Share of the samples that ended solved; None without samples."""
        return self.hits / self.samples if self.hits is not None and self.samples else None

    @property
    def coverage(self: _Counts) -> float | None:
        """Share of all solutions that the run found; None if their number is unknown."""
        return self.distinct / self.total if self.distinct is not None and self.total else None
