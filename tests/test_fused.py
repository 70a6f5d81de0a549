"""Tests of the fused kernels of the nets: on a GPU, or interpreted on a CPU where Triton is installed (TRITON_INTERPRET=1)."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mull.solvers.nets import fused, gated, mixing
from mull.solvers.nets.layers import norm
from mull.solvers.nets.recorded import Recorded, in_slices
from mull.solvers.nets.shape import NetShape
from mull.solvers.nets.tokens import MixerLayer
from mull.solvers.trm import TrmNet

GPU = torch.cuda.is_available()
DEVICE, DTYPE = ("cuda", torch.bfloat16) if GPU else ("cpu", torch.float16)  # the interpreter has no bfloat16
CLOSE = 1e-2

kernels = pytest.mark.skipif(
    find_spec("triton") is None or not (GPU or os.environ.get("TRITON_INTERPRET")),
    reason="no accelerator and no interpreter",
)


def drawn(*shape: int, scale: float = 1.0) -> Tensor:
    return (scale * torch.randn(*shape, device=DEVICE)).to(DTYPE)


def difference(a: Tensor, b: Tensor) -> float:
    share: float = ((a.float() - b.float()).norm() / b.float().norm()).item()
    return share


def agree(run: Callable[..., Tensor], plain: Callable[..., Tensor], *given: Tensor) -> None:
    """The result and all gradients of a kernel are those of PyTorch's operations in float32."""
    mine = [t.clone().requires_grad_() for t in given]
    exact = [t.float().requires_grad_() for t in given]
    out, reference = run(*mine), plain(*exact)
    assert difference(out.detach(), reference.detach()) < CLOSE
    gradient = torch.randn_like(reference)
    out.backward(gradient.to(out.dtype))
    reference.backward(gradient)
    for a, b in zip(mine, exact, strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert difference(a.grad, b.grad) < CLOSE


def swiglu(x: Tensor, up: Tensor, down: Tensor) -> Tensor:
    gate, other = (x @ up.t()).chunk(2, -1)
    return (F.silu(gate) * other) @ down.t()


def mix(z: Tensor, up: Tensor, down: Tensor) -> Tensor:
    gate, other = torch.einsum("si,bsh->bih", up, z).chunk(2, 1)
    return z + torch.einsum("si,bih->bsh", down, F.silu(gate) * other)


@pytest.mark.gpu
@kernels
@pytest.mark.parametrize("tokens", [81, 97])
def test_the_mixing_kernel_equals_the_plain_one(tokens: int) -> None:
    torch.manual_seed(0)
    z, up, down = drawn(2, tokens, 128), drawn(tokens, 128, scale=0.1), drawn(tokens, 64, scale=0.1)
    agree(mixing.mixed, mix, z, up, down)
    assert difference(mixing.mixed_norm(z, up, down), norm(mix(z.float(), up.float(), down.float()))) < CLOSE


@pytest.mark.gpu
@kernels
def test_the_gated_kernel_equals_the_plain_one() -> None:
    torch.manual_seed(0)
    x, up = drawn(150, 128), drawn(512, 128, scale=0.1)
    gate, other = (x.float() @ up.float().t()).chunk(2, -1)
    assert difference(gated.gated(x, up), F.silu(gate) * other) < CLOSE
    assert difference(gated.gated(norm(x), up, eight=True), F.silu(gate) * other) < 0.2


@pytest.mark.gpu
@kernels
@pytest.mark.parametrize("rows", [1, 100])
def test_the_kernels_of_a_lattice_layer_equal_the_plain_ones(rows: int) -> None:
    torch.manual_seed(0)
    z, received, gate = drawn(rows, 128), drawn(rows, 128), drawn(128, 128, scale=0.1)
    up, down = drawn(256, 128, scale=0.1), drawn(128, 128, scale=0.1)
    agree(fused.trained_residual_swiglu, lambda x, up, down: norm(x + swiglu(x, up, down)), z, up, down)
    x, messages, wide, narrow = z.float(), received.float(), up.float(), down.float()
    x = norm(x + messages * (x @ gate.float().t()).sigmoid())
    got = fused.gated_residual_swiglu(z, received, gate, up, down)
    assert difference(got, norm(x + swiglu(x, wide, narrow))) < CLOSE


def test_no_kernel_takes_numbers_of_a_cpu_that_is_not_interpreting() -> None:
    z = torch.zeros(2, 81, 128, dtype=torch.bfloat16)
    with torch.no_grad():
        assert not mixing.fits(z, 64)
        assert not gated.fits(z, z.new_zeros(512, 128))
        assert not fused.fits(z, z.new_zeros(256, 128), z.new_zeros(128, 128))
    assert not fused.trainable(z, z.new_zeros(128, 128))


# Steps without gradient -------------------------------------------------------------------------------------------------


def trm() -> TrmNet:
    torch.manual_seed(0)
    net = TrmNet(NetShape(backbone="mixer", hidden=32, inner=32, variables=16, values=4, layers=1), 3, 2, False)
    for layer in net.modules():  # as after some training: new layers leave a state as it is
        if isinstance(layer, MixerLayer):
            nn.init.normal_(layer.mix_down, std=0.1)
            nn.init.normal_(layer.swiglu.down.weight, std=0.1)
    return net


@pytest.mark.parametrize("rows", [3, 8, 20])
def test_slices_change_neither_a_segment_nor_its_gradient(rows: int) -> None:
    net = trm()
    z, x = tuple(torch.randn(2, 8, 16, 32)), torch.randn(8, 16, 32)
    gradients = []
    for net.slice_rows in (0, rows):
        high, low = net.segment(z, x, None)
        (high.square().mean() + low.mean()).backward()
        gradients.append([high.detach(), *(p.grad.clone() for p in net.parameters() if p.grad is not None)])
        net.zero_grad()
    assert len(gradients[0]) > 4
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_slices_are_put_together_in_their_order() -> None:
    z, x = (torch.arange(10.0).view(5, 2, 1),), torch.ones(5, 2, 1)
    calls: list[int] = []

    def steps(z: tuple[Tensor, ...], x: Tensor) -> tuple[Tensor, ...]:
        calls.append(len(x))
        return (z[0] + x,)

    (got,) = in_slices(steps, 2, z, x)
    assert got.equal(z[0] + 1)
    assert calls == [2, 2, 1]


@pytest.mark.gpu
@pytest.mark.skipif(not GPU, reason="no accelerator")
def test_recorded_steps_read_their_inputs_and_the_present_weights() -> None:
    weight = torch.ones(4, device="cuda")
    recorded = Recorded()

    def steps(z: tuple[Tensor, ...], x: Tensor) -> tuple[Tensor, ...]:
        return (z[0] * weight + x,)

    for factor in (1.0, 3.0):
        weight.fill_(factor)
        z, x = torch.randn(2, 5, 3, 4, device="cuda")
        (got,) = recorded(steps, (z,), x)
        torch.testing.assert_close(got, z * factor + x)
