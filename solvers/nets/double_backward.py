"""Compiled layers with second derivatives, for nets whose step is itself a gradient (``ebt``).

``torch.compile`` supports no second derivatives. Here the value of a layer, its derivative and the derivative of that are
separate functions. Each is traced to plain operations, through autograd and its formulas, and compiled. They save only their
inputs and recompute the rest, so a net that is applied many times needs little memory.
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
"""Most combinations of shapes and structures that are compiled; layers run uncompiled for further ones."""
OPTIONS = {"unroll_reductions_threshold": UNROLLED + 1}
"""Unroll sums over few members, as in ``messages``, in the derivatives as well."""

Function = Callable[..., Sequence[Tensor | None]]


class CompiledFunction:
    """A function of tensors that is compiled at its first call, for the shapes of that call, and so are its derivatives.

    Args:
        function: maps tensors to a sequence of tensors; None stands for a gradient that is always zero.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.mask: list[bool] = []
        """Which results are not None; set when the function is compiled."""
        self._compiled: Callable[..., Sequence[Tensor]] | None = None
        self._derivatives: dict[tuple[bool, ...], CompiledFunction] = {}

    def __call__(self, *inputs: Tensor) -> list[Tensor | None]:
        found = iter(_call(self, *inputs))
        return [next(found) if present else None for present in self.mask]

    def run(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The results that are not None, without gradient. Casts are part of the code, so autocast is off."""
        inputs = [t.detach().contiguous() for t in inputs]  # the code is compiled for this layout
        with torch.no_grad(), torch.autocast(inputs[0].device.type, enabled=False):
            if self._compiled is None:
                with unrolling():
                    graph = make_fx(self._present, tracing_mode="fake")(*inputs)
                self._compiled = torch._inductor.compile(graph, [*inputs], options=OPTIONS)
            return tuple(self._compiled(*inputs))

    def _present(self, *inputs: Tensor) -> list[Tensor]:
        results = self.function(*inputs)
        self.mask = [t is not None for t in results]
        return [t for t in results if t is not None]

    def derivative(self, wanted: tuple[bool, ...]) -> CompiledFunction:
        """The function that maps gradients of the results, then inputs, to gradients of the inputs.

        Args:
            wanted: for each input, whether its gradient is computed.
        """

        def back(*arguments: Tensor) -> Sequence[Tensor | None]:
            again = torch.is_grad_enabled()  # true while a derivative of this one is traced
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
        if (
            torch.is_grad_enabled()
        ):  # create_graph: only the state's gradient is used, and autograd does not report that
            wanted = (wanted[0], *(False for _ in wanted[1:]))
        found = iter(ctx.code.derivative(wanted)(*gradients, *ctx.saved_tensors))
        return None, *(next(found) if want else None for want in wanted)


_call: Callable[..., tuple[Tensor, ...]] = _Call.apply


def compile_double_backward(layers: Sequence[nn.Module]) -> None:
    """Compile layers of one class, called as ``layer(z, view)``, in place. They share their compiled code.

    With ``create_graph`` only z gets a gradient; parameters get theirs from a backward pass without it. Do not copy the layers
    afterwards: a copy would compute with the parameters of the original.
    """
    plain = deepcopy(layers[0])  # the traced layer: its own forward is replaced below
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
        # Leaves that are no tensors (sizes, None) are constants of the code, so they are part of its key.
        rest = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        device = z.device.type
        cast = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        key = (structure, *rest, cast, *((t.shape, t.dtype, t.device) for t in inputs))
        if key not in cases:
            if len(cases) == CASES:
                uncompiled: Tensor = type(layer).forward(layer, z, view)
                return uncompiled

            def function(z: Tensor, *others: Tensor) -> list[Tensor]:
                weights = dict(zip(names, others, strict=False))
                filled = list(rest)
                for k, leaf in zip(at, others[len(names) :], strict=True):
                    filled[k] = leaf
                # Only this attention kernel has second derivatives.
                with torch.autocast(device, cast, enabled=cast is not None), sdpa_kernel(SDPBackend.MATH):
                    return [functional_call(plain, weights, (z, tree_unflatten(filled, structure)))]

            cases[key] = CompiledFunction(function)
        (out,) = cases[key](*inputs)
        assert out is not None
        return out

    return forward
