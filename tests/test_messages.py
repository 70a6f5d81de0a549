"""Messages between literals and groups: values and derivatives of both orders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from mull.engine import Instance, Problem, compile_problems
from mull.engine.role_tensors import RoleTensors, stack_roles
from mull.problems import load
from mull.solvers.nets import messages, sums
from mull.solvers.nets.layers import EPS, SwiGLU, norm
from mull.solvers.nets.messages import pool, pool_axis, scatter

SPECS = {
    "sudoku": ("sudoku:4:0.4",),
    "two mazes": ("maze:5x5", "maze:7x9"),
    "sat": ("sat:6:12",),
    "two formulas": ("sat:6:12", "sat:9:30"),
    "queens": ("queens:5",),
    "coloring": ("coloring:6:0.5:3", "coloring:9:0.3:4"),
}


def problems(name: str) -> list[Problem]:
    return [problem for spec in SPECS[name] for problem in load(spec, seed=1)]


def roles_of(instance: Instance) -> tuple[str, ...]:
    return tuple(sorted({role for graph in instance.graphs for role in graph.roles}))


def stacked(instance: Instance) -> dict[str, RoleTensors]:
    _, v, d = instance.shape
    return {
        role: stack.rows(instance.template)
        for role, stack in stack_roles([g.roles for g in instance.graphs], v, d, roles_of(instance)).items()
    }


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SPECS)
def test_messages_have_the_derivatives_of_finite_differences(name: str, weighted: bool) -> None:
    instance = compile_problems(problems(name))
    b, v, d = instance.shape
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    for r in stacked(instance).values():
        r = r._replace(scale=r.scale.double())
        weight = random(*r.members.shape) if weighted else None
        x = random(b, v * d, 2).requires_grad_()
        message = random(b, r.members.shape[1], 2).requires_grad_()
        # Along random directions: the whole Jacobian of a maze takes minutes.
        assert gradcheck(lambda x, r=r, w=weight: pool(x, r, w), (x,), fast_mode=True)
        assert gradcheck(lambda m, r=r, w=weight: scatter(m, r, w), (message,), fast_mode=True)
        # Second derivatives need curved functions around these ones, which are linear almost everywhere.
        assert gradgradcheck(lambda x, r=r, w=weight: pool(x.sin(), r, w), (x,), fast_mode=True)
        assert gradgradcheck(lambda m, r=r, w=weight: scatter(m.sin(), r, w).sin(), (message,), fast_mode=True)
    each = random(b, v, d, 2).requires_grad_()
    for mask in (None, instance.allowed):
        assert gradcheck(lambda x, mask=mask: pool_axis(x, mask), (each,), fast_mode=True)
        assert gradgradcheck(lambda x, mask=mask: pool_axis(x.sin(), mask), (each,), fast_mode=True)


@pytest.mark.parametrize("name", SPECS)
def test_messages_equal_a_loop_in_plain_python(name: str) -> None:
    instance = compile_problems(problems(name))
    b, v, d = instance.shape
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(b, v * d, 1, generator=generator)
    for role, r in stacked(instance).items():
        message = torch.randn(b, r.members.shape[1], 1, generator=generator)
        mean, top = pool(x, r, None)
        got = scatter(message, r, None)
        for row in range(b):
            arrays = instance.graphs[int(instance.template[row])].roles.get(role)
            sums: dict[int, list[float]] = {}
            for g in range(0 if arrays is None else len(arrays.variable)):
                assert arrays is not None
                pairs = zip(arrays.variable[g].tolist(), arrays.value[g].tolist(), strict=True)
                members = [n * d + k for n, k in pairs if n >= 0]
                values = x[row, members, 0]
                assert mean[row, g].item() == pytest.approx(values.mean().item(), abs=1e-5)
                assert top[row, g].item() == values.max().item()
                for member in members:
                    sums.setdefault(member, []).append(message[row, g].item())
            for literal in range(v * d):
                received = sums.get(literal, [])
                wanted = sum(received) / max(len(received), 1) ** 0.5
                assert got[row, literal].item() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sums_over_few_groups_on_a_cpu_are_those_of_pytorch(dtype: torch.dtype) -> None:
    x = torch.randn(3, 40, 8, generator=torch.Generator().manual_seed(1)).to(dtype)
    for rows, members in ((1, 3), (3, 3), (3, 1), (1, 4)):
        index = torch.randint(0, 40, (rows, 600, members), generator=torch.Generator().manual_seed(members))
        assert torch.equal(messages._sum(x, index, None), messages.take(x, index).sum(2))


def test_a_swiglu_gives_the_same_numbers_without_a_gradient() -> None:
    torch.manual_seed(0)
    layer = SwiGLU(16, 40).bfloat16()
    torch.nn.init.normal_(layer.down.weight)
    x = torch.randn(2, 50, 16).bfloat16()
    with torch.no_grad():
        assert torch.equal(
            layer(x), layer.down(torch.nn.functional.silu(layer.up(x)[..., :40]) * layer.up(x)[..., 40:])
        )


@pytest.mark.parametrize("name", ["sudoku:4:0.4", "sudoku:6:0.4", "queens:5"])
def test_sums_as_products_are_those_of_the_groups(name: str) -> None:
    instance = compile_problems(load(name, seed=1))
    _, v, d = instance.shape
    x = torch.randn(2, v * d, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    for r in stacked(instance).values():
        product = sums.sums(r, v * d, 32, torch.bfloat16)
        assert product is not None
        with torch.no_grad():
            mean, most = pool(x, r, None)
            assert torch.allclose(product.mean(x).float(), mean.float(), atol=0.03)
            assert torch.equal(messages.top(x, r), most)
            summed = product.scatter(mean, x.clone())
            assert torch.allclose(summed.float(), (x + scatter(mean, r, None)).float(), atol=0.05)
        assert sums.sums(r, v * d, 32, torch.float32) is None
        assert sums.sums(r, v * d, 0, torch.bfloat16) is None  # more groups than pay
    each = sums.values(v, d, torch.bfloat16).mean(x)
    assert torch.allclose(each.float(), x.view(2, v, d, 32).float().mean(2), atol=0.03)


def test_norms_without_a_gradient_are_those_of_pytorch() -> None:
    x = torch.randn(4, 8, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    x[0] = 0
    with torch.no_grad():
        assert torch.allclose(norm(x).float(), torch.nn.functional.rms_norm(x.float(), (32,), eps=EPS), atol=0.03)
