"""The fixed stack: layers with their own weights, applied once. The baseline of the recursions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ..engine.compile import Instance
from ..engine.problem import Problem
from ..engine.solver import Info, OptionError
from .decimation import undecided
from .learned import Learned, LearnedState
from .nets.backbone import Stack
from .nets.backbones import backbone
from .nets.reasoner import Latent, Reasoner
from .nets.shape import NetShape
from .nets.tokens import Tokens, TokensLayer


class FixedNet(Reasoner):
    """A step: z ← F(x). No state enters the stack, so every step of a row gives the same answer.

    Args:
        shape: sizes of the backbone.
        repeats: times that each layer runs in succession.
    """

    def __init__(self, shape: NetShape, repeats: int = 1) -> None:
        super().__init__(shape, states=1, random_start=False)
        self.steps_per_segment = self.grad_steps = 1
        (stack,) = self.stacks
        assert isinstance(stack, Stack)
        stack.repeats = repeats

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """z after the pass, [B, S, H]."""
        return (self.stacks[0](view, z[0].new_zeros(()), x),)


class Fixed(Learned):
    """A plain stack of layers with their own weights: no recursion, one pass, and one loss at its end.

    It is the baseline of the recursions. On ``tokens`` it has the options of MobileLLM: SwiGLU, grouped-query attention,
    shared embeddings, and layers that run twice. The presets ``mobilellm-125m`` and ``-350m`` have its published sizes,
    with bidirectional attention.

    ``segments=1`` is one pass alone. By default, decimation fixes a variable after each pass that left a wrong answer.
    One pass has no random part, so it is not repeated.
    """

    name: ClassVar[str] = "fixed"
    auto_turn: ClassVar[int | None] = None
    citation: ClassVar[str] = (
        "Z. Liu et al.: MobileLLM: optimizing sub-billion parameter language models for on-device use cases. "
        "ICML 2024, arXiv 2402.14905."
    )
    presets: ClassVar = {
        "small": {
            "lattice": {"hidden": 128, "layers": 12, "inner": 384},
            "tokens": {"hidden": 256, "layers": 12, "inner": 768, "heads": 8, "masked": True},
            "mixer": {"hidden": 384, "layers": 12, "inner": 1024},
        },
        "mobilellm-125m": {
            "tokens": {"hidden": 576, "layers": 30, "inner": 1536, "heads": 9, "kv_heads": 3, "tied": True}
        },
        "mobilellm-350m": {
            "tokens": {"hidden": 960, "layers": 32, "inner": 2560, "heads": 15, "kv_heads": 5, "tied": True}
        },
    }

    preset: Literal["small", "mobilellm-125m", "mobilellm-350m"] = Field(  # type: ignore[assignment]
        "small", description="sizes of the net to train: small, or a published size of MobileLLM"
    )
    heads: int | None = Field(None, ge=1, le=64, description="attention heads (tokens; default: as in the preset)")
    kv_heads: int | None = Field(
        None, ge=1, le=64, description="heads of keys and values (tokens; default: as in the preset)"
    )
    tied: bool | None = Field(
        None, description="whether input and output share embeddings (tokens, mixer; default: as in the preset)"
    )
    share: Literal["none", "block"] = Field("none", description="block: each layer runs twice in succession")

    def recipe(self) -> Mapping[str, Any]:
        # A further pass over an example would be the same pass.
        return {"min_segments": 1, "max_segments": 1, "eval_segments": 1}

    def shape(self, **fitted: Any) -> NetShape:
        given = {key: getattr(self, key) for key in ("heads", "kv_heads", "tied") if getattr(self, key) is not None}
        shape = super().shape(**given, **fitted)
        kind = backbone(shape.backbone)
        attends = issubclass(kind, Tokens) and issubclass(kind.layer, TokensLayer)
        unused = {*given} & ({"heads", "kv_heads"} if not attends else set())
        if shape.tied and not issubclass(kind, Tokens):
            unused.add("tied")
        if unused:
            raise OptionError(
                f"solver fixed: the backbone {shape.backbone} has no option {min(unused)}", "use -o backbone=tokens"
            )
        keys = shape.kv_heads or shape.heads
        if attends and (shape.hidden % (2 * shape.heads) or shape.heads % keys):
            raise OptionError(
                f"solver fixed: {shape.heads} heads and {keys} heads of keys do not fit a width of {shape.hidden}",
                "hidden must be a multiple of 2 * heads, and heads a multiple of kv_heads",
            )
        return shape

    def settled(self, instance: Instance, state: LearnedState, info: Info) -> Tensor:
        # A second pass repeats the first one until decimation fixes a variable, so its residual says nothing.
        open_ = undecided(state.allowed, state.chances).any(1)
        going = open_ & ~instance.minimises if self._decimates else torch.zeros_like(open_)
        settled: Tensor = ~going | (state.halt > self.halt) | (state.age >= self.segments)
        return settled

    @property
    def _decimates(self) -> bool:
        """Whether passes after the first one can differ from it: decimation draws values at random."""
        return self.segments > 1 and (self.decimation_residual > 0 or self.undecided_share < 1)

    def samples(self, problem: Problem) -> str | None:
        return None if self._decimates else "one pass has no random part"

    def reasoner(self, shape: NetShape) -> FixedNet:
        return FixedNet(shape, 2 if self.share == "block" else 1)
