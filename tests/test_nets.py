"""The nets: symmetries, padding, published gradients, positions and masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from conftest import learned_solver
from mull.engine import Instance, Problem, compile_problems
from mull.engine.registry import PluginError
from mull.engine.solver import OptionError
from mull.problems import load
from mull.solvers.hrm import HrmNet
from mull.solvers.looped import LoopedNet
from mull.solvers.nets import backbones
from mull.solvers.nets.fused import fits, residual_swiglu
from mull.solvers.nets.lattice import Lattice
from mull.solvers.nets.layers import SwiGLU, norm
from mull.solvers.nets.places import attention_mask, positions
from mull.solvers.nets.reasoner import Latent, Reasoner
from mull.solvers.nets.shape import NetShape
from mull.solvers.nets.tokens import TokensView
from mull.solvers.trm import TrmNet


def roles_of(instance: Instance) -> tuple[str, ...]:
    return tuple(sorted({role for graph in instance.graphs for role in graph.roles}))


def randomise(net: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """The net with all parameters random: branches that start at zero would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) * p.shape[-1] ** -0.5)
    return net


def lattice(instance: Instance, dtype: torch.dtype = torch.float64) -> LoopedNet:
    shape = NetShape(hidden=12, inner=16, layers=2, roles=roles_of(instance))
    net = LoopedNet(shape, 3, 1.0, True)
    randomise(net.to(dtype))
    return net


def answer(net: Reasoner, instance: Instance, z: Latent) -> Tensor:
    """Logits after a segment."""
    with torch.no_grad():
        _, said = net(z, net.backbone.view(instance))
    logits: Tensor = said.logits
    return logits


# Symmetries of the lattice ----------------------------------------------------------------------------------------------


def test_permuted_values_permute_logits() -> None:
    instance = compile_problems(load("sudoku:4:0.4", seed=1))
    net = lattice(instance)
    b, v, d = instance.shape
    z = torch.randn(b, v, d, 12, dtype=torch.float64)
    order = torch.tensor([2, 0, 3, 1])
    plain = answer(net, instance, (z.flatten(1, 2),))
    moved = Instance(instance.graphs, instance.template, instance.allowed[:, :, order], instance.factors)
    permuted = answer(net, moved, (z[:, :, order].flatten(1, 2),))
    assert torch.allclose(permuted, plain[:, :, order], atol=1e-9)
    assert not torch.allclose(plain, permuted, atol=1e-3)


@pytest.mark.parametrize(
    "swap",
    [
        lambda r, c: ({0: 1, 1: 0}.get(r, r), c),  # two rows of a band
        lambda r, c: (r, (c + 2) % 4),  # the stacks
        lambda r, c: (c, r),  # transposed
    ],
    ids=["rows", "stacks", "transposed"],
)
def test_symmetries_of_the_grid_permute_logits(swap: Any) -> None:
    instance = compile_problems(load("sudoku:4:0.4", seed=1))
    graph = instance.graphs[0]
    net = lattice(instance)
    b, v, d = instance.shape
    z = torch.randn(b, v, d, 12, dtype=torch.float64)
    cells = [tuple(map(int, name[1:].split("c"))) for name in graph.names]
    first = min(r for r, _ in cells)
    place = {cell: n for n, cell in enumerate(cells)}
    moved = [place[tuple(k + first for k in swap(r - first, c - first))] for r, c in cells]
    order = torch.tensor(moved)
    plain = answer(net, instance, (z.flatten(1, 2),))
    other = Instance(instance.graphs, instance.template, instance.allowed[:, order], instance.factors)
    permuted = answer(net, other, (z[:, order].flatten(1, 2),))
    assert torch.allclose(permuted, plain[:, order], atol=1e-9)
    assert not torch.allclose(plain, permuted, atol=1e-3)


@pytest.mark.parametrize(
    "specs", [("sudoku:4:0.4", "sudoku:9:0.4"), ("sat:6:12", "sat:9:30"), ("maze:5x5", "maze:7x9")]
)
def test_other_rows_and_padding_do_not_change_logits(specs: tuple[str, str]) -> None:
    small, large = (load(spec, seed=1)[0] for spec in specs)
    both, alone = compile_problems([small, large]), compile_problems([small])
    net = lattice(both)
    _, v, d = both.shape
    _, own, values = alone.shape
    z = torch.randn(2, v, d, 12, dtype=torch.float64)
    together = answer(net, both, (z.flatten(1, 2),))
    apart = answer(net, alone, (z[:1, :own, :values].flatten(1, 2),))
    exists = compile_problems([Problem(small.graph)]).allowed
    assert torch.allclose(together[:1, :own, :values][exists], apart[exists], atol=1e-9)


def test_graphs_with_other_bounds_have_other_logits() -> None:
    from mull.engine import ConstraintGraph, Count

    names = tuple("abcd")
    graphs = [ConstraintGraph(dict.fromkeys(names, (0, 1, 2)), [Count(names, (2,), n, n)]) for n in (1, 3)]
    instance = compile_problems([Problem(graph) for graph in graphs])
    net = lattice(instance)
    z = torch.randn(1, 12, 12, dtype=torch.float64).expand(2, -1, -1).contiguous()
    one, three = answer(net, instance, (z,))
    assert not torch.allclose(one, three, atol=1e-3)


# Recursions -------------------------------------------------------------------------------------------------------------

SIZES = {"hidden": 16, "inner": 16, "layers": 1}


def reasoner(solver: str, backbone: str, instance: Instance, **options: Any) -> Reasoner:
    kind = learned_solver(solver, backbone=backbone, **options)
    _, v, d = instance.shape
    return kind.reasoner(NetShape(backbone=backbone, heads=4, variables=v, values=d, roles=roles_of(instance), **SIZES))


def states(net: Reasoner, instance: Instance) -> Latent:
    view = net.backbone.view(instance)
    x = net.backbone.embed(view).detach()
    generator = torch.Generator().manual_seed(1)
    return net.start(x, view, lambda k, *shape: torch.randn(len(x), *shape, generator=generator))


@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
@pytest.mark.parametrize("solver", ["looped", "trm", "hrm", "fixed"])
def test_every_recursion_runs_on_every_backbone(solver: str, backbone: str) -> None:
    instance = compile_problems([load("sudoku:4:0.4", seed=s)[0] for s in range(3)])
    net = reasoner(solver, backbone, instance)
    randomise(net)
    before = states(net, instance)
    view = net.backbone.view(instance)
    after, said = net(before, view)
    assert said.logits.shape == instance.shape
    assert said.halt.shape == (3, 1)
    assert [t.shape for t in after] == [t.shape for t in before]
    assert len(after) == (1 if solver in ("looped", "fixed") else 2)
    (said.logits.square().mean() + said.halt.square().mean()).backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name
        assert p.grad.abs().sum() > 0, name
    with torch.no_grad():  # a segment equals its steps
        z = before
        for _ in range(net.steps_per_segment):
            z = net.step(z, net.backbone.embed(view), view)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(z, after, strict=True))


@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_an_untrained_stack_does_not_change_states(backbone: str) -> None:
    """Residual branches start at zero: apart from the lattice's messages and the norms, states stay equal."""
    instance = compile_problems(load("sudoku:4:0.4", seed=1))
    net = reasoner("looped", backbone, instance)
    if backbone == "lattice":  # its messages do not start at zero
        for layer in net.stacks[0].layers:  # type: ignore[union-attr]
            for linear in (layer.variable, *layer.maps.values()):
                torch.nn.init.zeros_(linear.weight)
    (z,) = states(net, instance)
    view = net.backbone.view(instance)
    with torch.no_grad():
        assert torch.allclose(net.stacks[0](view, z, torch.zeros_like(z)), norm(z), atol=1e-4)


def test_starts_are_random_or_fixed() -> None:
    instance = compile_problems([load("sudoku:4:0.4", seed=s)[0] for s in range(2)])
    (noise,) = states(reasoner("looped", "lattice", instance), instance)
    assert not torch.equal(noise[0], noise[1])
    assert noise.abs().max() <= 2
    (fixed,) = states(reasoner("looped", "lattice", instance, random_start="false"), instance)
    assert torch.equal(fixed, fixed[:1, :1].expand_as(fixed))


def gradients(net: Reasoner, loss: Tensor) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(net.stacks.parameters()))
    return [g.clone() for g in found]


def one_step_by_hand(net: HrmNet, z: Latent, x: Tensor, view: TokensView) -> Latent:
    """HRM's figure 4: everything without gradient but the last update of z_L and the last of z_H."""
    upper, lower = net.stacks
    high, low = z
    with torch.no_grad():
        for cycle in range(net.steps_per_segment):
            last = cycle == net.steps_per_segment - 1
            for _ in range(net.low - last):
                low = lower(view, low, high + x)
            if not last:
                high = upper(view, high, low)
    low = lower(view, low, high + x)
    return upper(view, high, low), low


def last_cycle_by_hand(net: TrmNet, z: Latent, x: Tensor, view: TokensView) -> Latent:
    """TRM's figure 3: all cycles but the last without gradient, the last with all of it."""
    (stack,) = net.stacks
    high, low = z
    for cycle in range(net.steps_per_segment):
        with torch.set_grad_enabled(cycle == net.steps_per_segment - 1):
            for _ in range(net.low):
                low = stack(view, low, high + x)
            high = stack(view, high, low)
    return high, low


def all_steps_by_hand(net: LoopedNet, z: Latent, x: Tensor, view: TokensView) -> Latent:
    (now,) = z
    for _ in range(net.steps_per_segment):
        now = net.stacks[0](view, now, x)
    return (now,)


@pytest.mark.parametrize(
    ("solver", "by_hand"), [("hrm", one_step_by_hand), ("trm", last_cycle_by_hand), ("looped", all_steps_by_hand)]
)
@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_gradients_are_the_published_ones(solver: str, by_hand: Any, backbone: str) -> None:
    instance = compile_problems([load("sudoku:4:0.4", seed=s)[0] for s in range(2)])
    net = reasoner(solver, backbone, instance)
    randomise(net.double())
    view = net.backbone.view(instance)
    if backbone == "tokens":
        view = view._replace(cos=view.cos.double(), sin=view.sin.double())
    x = net.backbone.embed(view).detach()
    z = tuple(t.double() for t in states(net, instance))
    got, wanted = net.segment(z, x, view), by_hand(net, z, x, view)
    assert all(map(torch.allclose, got, wanted))
    mine, theirs = (gradients(net, z[0].square().sum() + z[0].sum()) for z in (got, wanted))
    assert all(map(torch.allclose, mine, theirs))
    assert all(g.abs().sum() > 0 for g in mine)


def test_damping_mixes_old_and_new() -> None:
    instance = compile_problems(load("sudoku:4:0.4", seed=1))
    net = reasoner("looped", "lattice", instance, damping="0.25")
    assert isinstance(net, LoopedNet)
    randomise(net)
    (z,) = states(net, instance)
    view = net.backbone.view(instance)
    x = net.backbone.embed(view)
    (damped,) = net.step((z,), x, view)
    net.damping = 1.0
    (whole,) = net.step((z,), x, view)
    assert torch.allclose(damped, 0.75 * z + 0.25 * whole, atol=1e-5)


# Tokens -----------------------------------------------------------------------------------------------------------------


def test_heads_attend_to_rows_columns_and_boxes() -> None:
    graph = load("sudoku:4", seed=1)[0].graph
    mask = attention_mask(graph, 4, 1)
    assert mask.shape == (1, 4, 17, 17)
    assert mask[:, :, 0].all()  # the prefix attends to all tokens
    assert mask[:, :, :, 0].all()
    cells = [divmod(n, 4) for n in range(16)]
    units: list[Callable[[int, int], object]] = [
        lambda r, c: r,
        lambda r, c: c,
        lambda r, c: (r // 2, c // 2),
    ]
    wanted = [torch.tensor([[unit(*a) == unit(*b) for b in cells] for a in cells]) for unit in units]
    heads = mask[0, :, 1:, 1:]
    assert torch.equal(heads[3], heads[0])  # classes repeat
    found = [k for head in heads[:3] for k, unit in enumerate(wanted) if torch.equal(head, unit)]
    assert sorted(found) == [0, 1, 2]


def test_positions_of_cells_are_rows_and_columns() -> None:
    graph = load("sudoku:4", seed=1)[0].graph
    places = positions(graph)
    assert places.shape == (16, 2)
    assert (places[5] - places[0]).tolist() == [1, 1]
    assert positions(load("sat:5:9", seed=1)[0].graph).tolist() == [[0], [1], [2], [3], [4]]


def test_backbones_refuse_graphs_that_they_cannot_read() -> None:
    four, nine = (load(spec, seed=1)[0].graph for spec in ("sudoku:4", "sudoku:9"))
    sat = load("sat:6:12", seed=1)[0].graph
    shape = NetShape(roles=("all_different",), values=4, variables=16)
    net = {name: reasoner("looped", name, compile_problems([Problem(four)])).backbone for name in ("lattice", "mixer")}
    assert net["lattice"].supports(shape, four) is None
    assert net["lattice"].supports(shape, nine) is None
    assert "not trained on groups" in str(Lattice.supports(shape, sat))
    assert net["mixer"].supports(shape, four) is None
    assert "4 values" in str(net["mixer"].supports(shape, nine))
    assert "16 variables" in str(net["mixer"].supports(shape, load("coloring:6:0.9:4", seed=1)[0].graph))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
@pytest.mark.parametrize("rows", [1, 64, 1000])
def test_the_fused_layer_equals_the_plain_one(rows: int) -> None:
    layer = SwiGLU(128, 384).to("cuda", torch.bfloat16)
    torch.nn.init.normal_(layer.down.weight, std=0.05)
    x = torch.randn(rows, 128, device="cuda", dtype=torch.bfloat16)
    up, down = layer.up.weight, layer.down.weight
    assert not fits(x, up, down)  # a gradient may be required
    with torch.no_grad():
        assert fits(x, up, down)
        assert torch.allclose(residual_swiglu(x, up, down), norm(x + layer(x)), atol=0.05)


def test_a_backbone_that_is_not_installed_is_refused() -> None:
    with pytest.raises(OptionError, match="backbone: Input should be one of lattice, mixer, scopes, tokens"):
        learned_solver("looped", backbone="sponge")
    with pytest.raises(PluginError, match="unknown backbone 'tokns'") as refused:
        backbones.backbone("tokns")
    assert refused.value.hint == "did you mean tokens?"
    assert {name: backbones.backbone(name).name for name in ("lattice", "mixer", "tokens")} == {
        "lattice": "lattice",
        "mixer": "mixer",
        "tokens": "tokens",
    }
