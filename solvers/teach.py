"""The former name of ``mull.solvers.train``, for one more release."""

from __future__ import annotations

from typing import Any

from ..engine.deprecation import deprecated, renamed
from .train import TrainingResult, train


@deprecated("0.2", "0.3", use="mull.solvers.train.train")
def teach(*arguments: Any, **named: Any) -> TrainingResult:
    """Train a learned solver; ``until`` is ``stop_after`` of ``train``.

    Args:
        arguments: as those of ``train``.
        named: as those of ``train``.
    """
    return train(*arguments, **renamed(named, {"until": "stop_after"}, since="0.2", removed="0.3"))
