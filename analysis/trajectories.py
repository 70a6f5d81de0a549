"""Trajectories of a learned recursion on a batch: what each loop computes, recorded while the net runs eagerly.

Forward hooks on the layers of the stacks record states, so that nets need no code for it and keep their speed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import jvp
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from ..engine.compile import Instance
from ..engine.random import Random
from ..solvers.nets.lattice import LatticeView
from ..solvers.nets.messages import forward_mode, take
from ..solvers.nets.reasoner import Latent, Reasoner, StepOutput
from .measures import column_concentration, mixing_score, norms, sink_score

STEP = 1e-4
"""Relative step of central differences, in float64."""


class Loop(NamedTuple):
    """The record of a loop.

    Args:
        output: of the recursion's step.
        states: the outputs of all layers in their order, [B, S, H] each; the state alone for an energy.
    """

    output: StepOutput
    states: list[Tensor]


@contextmanager
def recording(net: Reasoner) -> Iterator[list[Tensor]]:
    """Record the outputs of the layers in a list, which the caller may clear; the hooks are removed at the end.

    Args:
        net: of a learned solver.
    """
    outputs: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, output: outputs.append(output))
        for stack in net.stacks
        for layer in stack.get_submodule("layers").children()
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def loops(
    net: Reasoner, instance: Instance, random: Random, count: int, options: Mapping[str, Any]
) -> Iterator[tuple[Latent, Loop]]:
    """The latent states before each loop, and the loop's record. Equal streams give equal trajectories.

    Args:
        net: in float32, not compiled.
        instance: B rows.
        random: one stream a row.
        count: number of loops.
        options: inference options of the solver.
    """
    with torch.no_grad(), recording(net) as outputs:
        view = net.backbone.view(instance)
        z = net.begin(view, random)
        for t in range(count):
            outputs.clear()
            age = torch.full((len(instance.allowed),), t, device=instance.device)
            made = net.solve_step(z, view, instance.allowed, random, age, **options)
            yield z, Loop(made, list(outputs) if net.recurrent_layers else [made.z[0]])
            z = made.z


def names(net: Reasoner, count: int) -> list[str]:
    """Labels of the states of one loop.

    Args:
        net: of a learned solver.
        count: number of states that a loop records.
    """
    if not net.recurrent_layers:
        return ["y"]
    layers = net.backbone.shape.layers
    stated = net.applications()
    each = layers if count % layers == 0 else 1
    return [
        f"{stated[k // each] if k // each < len(stated) else f'call {k // each + 1}'}, layer {k % each + 1}"
        if count > each
        else f"layer {k + 1}"
        for k in range(count)
    ]


class Tangent:
    """Products of vectors with the Jacobian of a loop, of all latent states of a row with respect to all of them.

    The numbers that a random loop draws are kept fixed. Products are exact by ``torch.func.jvp``, except where a step
    computes a gradient itself: such a step is differentiated by central differences in float64.

    Args:
        net: in float32, not compiled.
        instance: B rows.
        random: one stream a row.
        options: inference options of the solver.
    """

    def __init__(self, net: Reasoner, instance: Instance, random: Random, options: Mapping[str, Any]) -> None:
        self.exact = net.recurrent_layers
        self.net = net if self.exact else deepcopy(net).double()
        self.random, self.options = random, options
        with torch.no_grad():
            self.view = self.net.backbone.view(instance)
            self.x = self.net.backbone.embed(self.view)

    @property
    def method(self) -> str:
        """How products are computed."""
        return "torch.func.jvp" if self.exact else "central differences in float64"

    def product(self, z: Latent, v: Tensor, t: int) -> Tensor:
        """J v [B, N] at the states z before loop t; N counts the numbers of all states that the loop updates.

        Args:
            z: latent states [B, S, H] each.
            v: [B, N] vectors.
            t: number of the loop, from 0.
        """
        active = z if self.exact else z[:1]  # of an energy the candidate alone: the features are a function of it
        age = torch.full((len(v),), t, device=v.device)

        def step(*parts: Tensor) -> tuple[Tensor, ...]:
            rest = z[len(active) :]
            new = self.net.sample_step((*parts, *rest), self.x, self.view, self.random.at(age), **self.options)
            return new[: len(active)]

        pieces = _split(v, active)
        with torch.no_grad():
            if self.exact:
                with forward_mode(), sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
                    warnings.simplefilter(
                        "ignore", DeprecationWarning
                    )  # torch's first jvp calls its own torch.jit.script
                    return _joined(jvp(step, active, pieces)[1])
            size = STEP * norms(active[0].double()).clamp(min=1) / norms(v.double()).clamp(min=1e-30)
            move = (size[:, None] * v.double()).view(active[0].shape)
            plus, minus = (step(active[0].double() + sign * move)[0] for sign in (1, -1))
            return ((plus - minus).flatten(1) / (2 * size[:, None])).to(v.dtype)

    def start(self, z: Latent) -> Tensor:
        """Random vectors [B, N], equal in every call.

        Args:
            z: latent states [B, S, H] each.
        """
        count = sum(part[0].numel() for part in (z if self.exact else z[:1]))
        drawn = torch.randn(len(z[0]), count, generator=torch.Generator().manual_seed(0))
        return drawn.to(z[0].device)


def _split(v: Tensor, like: Latent) -> Latent:
    parts = v.split([part[0].numel() for part in like], 1)
    return tuple(p.reshape(q.shape).to(q.dtype) for p, q in zip(parts, like, strict=True))


def _joined(parts: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([part.flatten(1) for part in parts], 1)


class AttentionScores(TorchFunctionMode):
    """In this context, record concentration, sink and mixing score of each attention call.

    It follows calls of ``scaled_dot_product_attention``, so it serves any backbone that uses it.
    """

    def __init__(self) -> None:
        self.scores: list[Tensor] = []
        """[B, 3] of each call: means over the heads."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.nn.functional.scaled_dot_product_attention:
            q, k = args[:2]
            if k.shape[1] != q.shape[1]:  # grouped queries
                k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
            products = (q @ k.mT) / q.shape[-1] ** 0.5
            mask = kwargs.get("attn_mask")
            if mask is not None:
                products = products.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else products + mask
            weights = products.softmax(-1)
            parts = column_concentration(weights), sink_score(weights), mixing_score(weights)
            self.scores.append(torch.stack([part.flatten(1).mean(1) for part in parts], 1))
        return function(*args, **kwargs)


def pooling_concentration(state: Tensor, view: Any) -> Tensor | None:
    """[B] concentration of the lattice's maxima: how far one member of a group supplies the maxima of all H numbers.

    For each group, c_m is the share of the H numbers whose maximum is member m's; the result is the mean of
    1 + Σ c log c / log M over groups, as the ColSum concentration of attention.

    Args:
        state: [B, L, H] input of a layer.
        view: of the instance.

    Returns:
        None for a backbone that does not pool groups.
    """
    if not isinstance(view, LatticeView) or not view.roles:
        return None
    found: list[Tensor] = []
    for role in view.roles.values():
        read = take(state, role.members)
        if role.present is not None:
            read = read.masked_fill(~role.present[..., None], torch.finfo(read.dtype).min)
        most = read.shape[2]
        share = torch.nn.functional.one_hot(read.argmax(2), most).float().mean(2)  # [B, R, M]
        entropy = torch.special.entr(share).sum(-1) / torch.tensor(float(max(most, 2))).log()
        found.append(1 - entropy.mean(1))
    return torch.stack(found).mean(0)
