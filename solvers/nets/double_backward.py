"""Compiled layers that may be differentiated twice, for nets whose step is itself a gradient (``ebt``).

``torch.compile`` has no derivative of a derivative. Here a layer's value, its derivative and the derivative of that are
functions of their own, each traced down to plain operations, through autograd and its formulas, and compiled by itself. They
keep nothing but their inputs, and compute the rest again: a net applied many times needs little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_flatten, tree_unflatten

from .messages import UNROLLED, unrolling

CASES = 64
"""Shapes and structures that are compiled; beyond them layers run as they are."""
OPTIONS = {"unroll_reductions_threshold": UNROLLED + 1}
"""Sums over few members in one pass over the result, as ``messages`` has them, in the derivatives of its derivatives too."""

Function = Callable[..., Sequence[Tensor | None]]


class CompiledFunction:
    """A function of tensors, compiled at its first call for the shapes it sees then; so are its derivatives.

    Args:
        function: of tensors, to a sequence of tensors, or None for a gradient that is always zero.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.there: list[bool] = []
        """Which results are not None; known once compiled."""
        self._compiled: Callable[..., Sequence[Tensor]] | None = None
        self._derivatives: dict[tuple[bool, ...], CompiledFunction] = {}

    def __call__(self, *inputs: Tensor) -> list[Tensor | None]:
        found = iter(_call(self, *inputs))
        return [next(found) if there else None for there in self.there]

    def run(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The results that are there. No gradient goes through; casts are in the code, whatever autocast says now."""
        inputs = [t.detach().contiguous() for t in inputs]  # code is for one layout
        with torch.no_grad(), torch.autocast(inputs[0].device.type, enabled=False):
            if self._compiled is None:
                with unrolling():
                    graph = make_fx(self._present, tracing_mode="fake")(*inputs)
                self._compiled = torch._inductor.compile(graph, [*inputs], options=OPTIONS)
            return tuple(self._compiled(*inputs))

    def _present(self, *inputs: Tensor) -> list[Tensor]:
        results = self.function(*inputs)
        self.there = [t is not None for t in results]
        return [t for t in results if t is not None]

    def derivative(self, wanted: tuple[bool, ...]) -> CompiledFunction:
        """Of gradients of the results, then the inputs: the gradients of the inputs that are wanted."""

        def back(*arguments: Tensor) -> Sequence[Tensor | None]:
            again = torch.is_grad_enabled()  # traced within a derivative of this one
            first = len(arguments) - len(wanted)
            gradients, inputs = arguments[:first], list(arguments[first:])
            for k, want in enumerate(wanted):
                if want and not inputs[k].requires_grad:
                    inputs[k] = inputs[k].detach().requires_grad_()
            with torch.enable_grad():
                results = [t for t in self.function(*inputs) if t is not None]
            pairs = [(t, g) for t, g in zip(results, gradients, strict=True) if t.requires_grad]
            of = [t for t, want in zip(inputs, wanted, strict=True) if want]
            ends, starts = zip(*pairs, strict=True)
            return torch.autograd.grad(ends, of, starts, create_graph=again, allow_unused=True)

        if wanted not in self._derivatives:
            self._derivatives[wanted] = CompiledFunction(back)
        return self._derivatives[wanted]


class _Call(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, code: CompiledFunction, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.code = code
        ctx.save_for_backward(*inputs)
        return code.run(inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        wanted = ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():  # a slope, to be differentiated: the state's alone, the engine does not say
            wanted = (wanted[0], *(False for _ in wanted[1:]))
        found = iter(ctx.code.derivative(wanted)(*gradients, *ctx.saved_tensors))
        return None, *(next(found) if want else None for want in wanted)


_call: Callable[..., tuple[Tensor, ...]] = _Call.apply


def compile_double_backward(layers: Sequence[nn.Module]) -> None:
    """Compile layers of one kind, called as ``layer(z, view)``, in place; they share their code.

    With ``create_graph`` a gradient reaches z only; gradients of parameters are those of a backward pass without it. The layers
    are not to be copied afterwards: a copy would compute with these ones' parameters.
    """
    plain = deepcopy(layers[0])
    cases: dict[Any, CompiledFunction] = {}
    for layer in layers:
        layer.forward = _compiled(plain, cases, layer)


def _compiled(
    plain: nn.Module, cases: dict[Any, CompiledFunction], layer: nn.Module
) -> Callable[[Tensor, Any], Tensor]:
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def forward(z: Tensor, view: Any) -> Tensor:
        leaves, structure = tree_flatten(view)
        at = [k for k, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        inputs = (z, *parameters, *(leaves[k] for k in at))
        rest = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        device = z.device.type
        cast = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        key = (structure, *rest, cast, *((t.shape, t.dtype, t.device) for t in inputs))
        if key not in cases:
            if len(cases) == CASES:
                plainly: Tensor = type(layer).forward(layer, z, view)
                return plainly

            def function(z: Tensor, *others: Tensor) -> list[Tensor]:
                weights = dict(zip(names, others, strict=False))
                filled = list(rest)
                for k, leaf in zip(at, others[len(names) :], strict=True):
                    filled[k] = leaf
                # Of attention one kernel has second derivatives.
                with torch.autocast(device, cast, enabled=cast is not None), sdpa_kernel(SDPBackend.MATH):
                    return [functional_call(plain, weights, (z, tree_unflatten(filled, structure)))]

            cases[key] = CompiledFunction(function)
        (out,) = cases[key](*inputs)
        assert out is not None
        return out

    return forward
