"""The sizes of a net as plain data: a card stores them, and the net is built from them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NetShape(BaseModel):
    """Sizes of a backbone. Each backbone uses some of them.

    Raises:
        ValidationError: a size is unknown or outside its bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = Field("lattice", description="name of an installed backbone: lattice, tokens, mixer, or a plugin's")
    hidden: int = Field(128, ge=8, le=4096, description="numbers in the state of a literal or token (H)")
    layers: int = Field(2, ge=1, le=64, description="layers of a stack")
    inner: int = Field(384, ge=8, le=16384, description="inner width of the SwiGLU")
    heads: int = Field(8, ge=1, le=64, description="attention heads (tokens)")
    prefix: int = Field(0, ge=0, le=64, description="tokens of zeros before those of the variables (tokens, mixer)")
    masked: bool = Field(False, description="whether heads attend along constraints only (tokens)")
    roles: tuple[str, ...] = Field((), description="roles of literal groups that the net has maps for (lattice)")
    variables: int = Field(0, ge=0, description="number of variables that the net is built for (mixer)")
    values: int = Field(0, ge=0, description="number of values that the net is built for (tokens, mixer)")
