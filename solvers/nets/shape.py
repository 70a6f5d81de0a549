"""The sizes of a net as plain data: a card stores them, and the net is built from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_serializer

LATER = ("kv_heads", "tied")
"""Fields that are younger than the first cards."""


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
    kv_heads: int | None = Field(
        None, ge=1, le=64, description="heads of keys and values, which groups of heads share (tokens; default: heads)"
    )
    tied: bool = Field(
        False, description="whether the embeddings of the values are also the output map (tokens, mixer)"
    )
    prefix: int = Field(0, ge=0, le=64, description="tokens of zeros before those of the variables (tokens, mixer)")
    masked: bool = Field(False, description="whether heads attend along constraints only (tokens)")
    roles: tuple[str, ...] = Field((), description="roles of literal groups that the net has maps for (lattice)")
    variables: int = Field(0, ge=0, description="number of variables that the net is built for (mixer)")
    values: int = Field(0, ge=0, description="number of values that the net is built for (tokens, mixer)")

    @model_serializer(mode="wrap")
    def _without_unset(self, serialise: Callable[[NetShape], dict[str, Any]]) -> dict[str, Any]:
        # Cards and checkpoints of nets that do not use the later fields stay as they were.
        data = serialise(self)
        return {key: value for key, value in data.items() if key not in LATER or value}
