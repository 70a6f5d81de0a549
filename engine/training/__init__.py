"""Training of learned solvers: one loop for every recursion on every backbone."""

from __future__ import annotations

from .loop import Learner, Trainer, TrainingProgress, leave, out_of_memory
from .recipe import Recipe

__all__ = ["Learner", "Recipe", "Trainer", "TrainingProgress", "leave", "out_of_memory"]
