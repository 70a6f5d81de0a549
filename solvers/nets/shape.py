"""The architecture of a net as plain data: what a checkpoint's card says, and all that is needed to build it again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NetShape(BaseModel):
    """Sizes of a backbone; which of them matter is the backbone's own business."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = Field("lattice", description="name of an installed backbone: lattice, tokens, mixer, or a plugin's")
    hidden: int = Field(128, ge=8, le=4096, description="H, numbers in a literal's or token's state")
    layers: int = Field(2, ge=1, le=64, description="layers of a stack")
    inner: int = Field(384, ge=8, le=16384, description="inner width of the SwiGLU")
    heads: int = Field(8, ge=1, le=64, description="attention heads (tokens)")
    prefix: int = Field(0, ge=0, le=64, description="tokens of zeros before the variables' own (tokens, mixer)")
    masked: bool = Field(False, description="heads attend along constraints only (tokens)")
    roles: tuple[str, ...] = Field((), description="roles of literal groups that the lattice has maps for")
    variables: int = Field(0, ge=0, description="V that the net was made for (mixer)")
    values: int = Field(0, ge=0, description="D that the net was made for (tokens, mixer)")
