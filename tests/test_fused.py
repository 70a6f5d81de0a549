"""Tests of the fused kernels of the nets: on a GPU, or interpreted on a CPU where Triton is installed (TRITON_INTERPRET=1)."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import mull
from mull.solvers.learned import Learned
from mull.solvers.nets import fused, gated, mixing
from mull.solvers.nets.layers import norm

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


@pytest.mark.gpu
@kernels
@pytest.mark.parametrize("rows", [1, 100])
def test_the_kernels_of_a_lattice_layer_equal_the_plain_ones(rows: int) -> None:
    torch.manual_seed(0)
    z, up, down = drawn(rows, 128), drawn(256, 128, scale=0.1), drawn(128, 128, scale=0.1)
    agree(fused.trained_residual_swiglu, lambda x, up, down: norm(x + swiglu(x, up, down)), z, up, down)


@pytest.mark.parametrize("name", ["looped", "trm", "ebt"])
def test_no_kernel_computes_a_gradient_that_is_differentiated_again(name: str) -> None:
    solver = mull.solver(name, backbone="mixer" if name == "trm" else "lattice", hidden="32", inner="64")
    assert isinstance(solver, Learned)
    net = solver.reasoner(solver.shape(roles=("all_different",), values=4, variables=16))
    layers = [module for module in net.modules() if hasattr(module, "fused_gradient")]
    assert layers
    assert {bool(layer.fused_gradient) for layer in layers} == {name != "ebt"}


def test_compiled_code_takes_the_kind_of_the_gpu_as_a_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))

    def double(x: Tensor) -> Tensor:
        return 2 * x if gated.large() else x

    run = torch.compile(double, backend="eager", fullgraph=True)
    assert run(torch.ones(2)).tolist() == [2, 2]


def test_no_kernel_takes_numbers_of_a_cpu_that_is_not_interpreting() -> None:
    z = torch.zeros(2, 81, 128, dtype=torch.bfloat16)
    with torch.no_grad():
        assert not mixing.fits(z, 64)
        assert not gated.fits(z, z.new_zeros(512, 128))
        assert not fused.fits(z, z.new_zeros(256, 128), z.new_zeros(128, 128))
    assert not fused.trainable(z, z.new_zeros(128, 128))
