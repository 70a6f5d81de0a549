"""Training of learned solvers: one trainer for all recursions and backbones."""

from __future__ import annotations

from ..memory import out_of_memory
from .learner import Learner
from .processes import leave
from .progress import TrainingProgress
from .recipe import Recipe
from .trainer import Trainer

__all__ = ["Learner", "Recipe", "Trainer", "TrainingProgress", "leave", "out_of_memory"]
