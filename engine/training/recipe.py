"""How a net is trained: plain data, kept on its card."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Recipe(BaseModel):
    """Settings of a training; the defaults are those of the small presets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(256, ge=1, le=1 << 20, description="boards side by side")
    lr: float = Field(1.5e-3, gt=0, le=1, description="learning rate after warm-up")
    warmup: int = Field(200, ge=0, description="steps of linear warm-up")
    floor: float = Field(0.05, ge=0, le=1, description="share of the learning rate that the cosine ends at")
    weight_decay: float = Field(0.1, ge=0, description="decoupled weight decay of matrices")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights, which are what is kept")
    optimizer: Literal["muon", "adamw"] = Field("muon", description="of the stacks' matrices; all else is AdamW's")
    loss: Literal["softmax", "stablemax"] = Field("softmax", description="normalisation of the cross-entropy")
    halt_weight: float = Field(0.1, ge=0, description="weight of the halting loss")
    fewest: int = Field(2, ge=1, description="segments after which an unsolved board may be replaced")
    most: int = Field(32, ge=1, description="segments after which it is; in between by chance, log-uniformly")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fewest > self.most:
            raise ValueError(f"fewest={self.fewest} is more than most={self.most}")
        return self

    block: int = Field(1 << 16, ge=1, description="examples of a stream that are shuffled together")
    passes: int = Field(4, ge=1, description="times that each block is gone through")
    validation: int = Field(256, ge=0, description="boards never trained on that each check asks (0: none)")
    depth: int = Field(16, ge=1, description="segments they are given")
    save_minutes: float = Field(2.0, gt=0, description="minutes between checkpoints")
