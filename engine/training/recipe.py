"""The settings of a training: plain data, stored on the card of its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..deprecation import renamed
from ..weights import RENAMED_SETTINGS


class Recipe(BaseModel):
    """Settings of a training. The defaults suit the small presets.

    Raises:
        ValidationError: a setting is unknown or outside its bounds, or ``min_segments`` exceeds ``max_segments``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(256, ge=1, le=1 << 20, description="rows of a batch: examples trained side by side")
    literals: int = Field(
        0, ge=0, description="most literals of a batch: streams of large problems get fewer rows (0: no limit)"
    )
    lr: float = Field(1.5e-3, gt=0, le=1, description="learning rate after the warm-up")
    warmup: int = Field(200, ge=0, description="steps of linear warm-up")
    final_lr: float = Field(
        0.05, ge=0, le=1, description="learning rate at the end of the cosine decay, as a share of lr"
    )
    weight_decay: float = Field(0.1, ge=0, description="decoupled weight decay of matrices")
    grad_clip: float = Field(1.0, gt=0, description="largest norm of the gradient; a larger one is scaled down")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the moving average of the weights, which is saved")
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="optimizer of the matrices in the stacks; AdamW trains all other parameters"
    )
    loss: Literal["softmax", "stablemax"] = Field("softmax", description="normalisation in the cross-entropy")
    halt_weight: float = Field(0.1, ge=0, description="weight of the halting loss")
    min_segments: int = Field(2, ge=1, description="least segments that an unsolved example stays in the batch")
    max_segments: int = Field(
        32, ge=1, description="most segments that it stays; its limit is drawn log-uniformly between the two"
    )
    hold: int = Field(
        0, ge=0, description="most segments that an example stays after it is right; the number is drawn evenly from 0"
    )
    block: int = Field(1 << 16, ge=1, description="examples of a stream that are shuffled together")
    passes: int = Field(4, ge=1, description="times that each block is used")
    validation: int = Field(256, ge=0, description="validation examples of each stream, never trained on (0: none)")
    eval_segments: int = Field(16, ge=1, description="segments of a validation run")
    save_minutes: float = Field(2.0, gt=0, description="minutes between checkpoints")

    def rows(self, batch: int, size: int) -> int:
        """The rows of a batch of problems: ``batch``, or fewer if ``literals`` limits them.

        Args:
            batch: rows that the memory allows.
            size: literals of a problem.
        """
        return max(1, min(batch, self.literals // max(size, 1))) if self.literals else batch

    def rate(self, step: int, done: float) -> float:
        """The learning rate: linear warm-up, then cosine decay to ``final_lr`` times ``lr``.

        Args:
            step: optimizer steps so far.
            done: share of the training that is done, the larger of its shares of time and steps; the decay ends at 1.
        """
        scale = self.final_lr + (1 - self.final_lr) * (1 + math.cos(math.pi * min(done, 1))) / 2
        return self.lr * scale * min(1.0, (step + 1) / max(self.warmup, 1))

    @model_validator(mode="before")
    @classmethod
    def _present_names(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not RENAMED_SETTINGS.keys() & given.keys():
            return given
        try:
            return renamed(given, RENAMED_SETTINGS, since="0.2", removed="0.3")
        except TypeError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_segments > self.max_segments:
            raise ValueError(f"min_segments={self.min_segments} is more than max_segments={self.max_segments}")
        return self
