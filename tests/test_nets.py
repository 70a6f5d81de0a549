"""The nets: exact gradients and symmetries, padding that changes nothing, recursions that learn as published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

import mull
from conftest import learned_solver
from mull.engine import Instance, Problem, compile_problems
from mull.engine.registry import PluginError
from mull.engine.role_tensors import RoleTensors, stack_roles
from mull.engine.solver import OptionError
from mull.engine.training.loss import cross_entropy, log_stablemax, violation_loss
from mull.problems import load
from mull.solvers.hrm import HrmNet
from mull.solvers.looped import LoopedNet
from mull.solvers.nets import backbones
from mull.solvers.nets.fused import fits, residual_swiglu
from mull.solvers.nets.lattice import Lattice
from mull.solvers.nets.layers import SwiGLU, norm
from mull.solvers.nets.messages import pool, pool_axis, scatter
from mull.solvers.nets.reasoner import Latent, Reasoner
from mull.solvers.nets.shape import NetShape
from mull.solvers.nets.tokens import TokensView, attention_mask, positions
from mull.solvers.trm import TrmNet

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


def awake(net: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """The net with all parameters random: branches that begin silent would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) * p.shape[-1] ** -0.5)
    return net


def lattice(instance: Instance, dtype: torch.dtype = torch.float64) -> LoopedNet:
    shape = NetShape(hidden=12, inner=16, layers=2, roles=roles_of(instance))
    net = LoopedNet(shape, 3, 1.0, True)
    awake(net.to(dtype))
    return net


def answer(net: Reasoner, instance: Instance, z: Latent) -> Tensor:
    """Logits after a segment."""
    with torch.no_grad():
        _, said = net(z, net.backbone.view(instance))
    logits: Tensor = said.logits
    return logits


# Messages ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SPECS)
def test_gradients_of_messages(name: str, weighted: bool) -> None:
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
        assert torch.autograd.gradcheck(lambda x, r=r, w=weight: pool(x, r, w), (x,), fast_mode=True)
        assert torch.autograd.gradcheck(lambda m, r=r, w=weight: scatter(m, r, w), (message,), fast_mode=True)
    each = random(b, v, d, 2).requires_grad_()
    for there in (None, instance.allowed):
        assert torch.autograd.gradcheck(lambda x, there=there: pool_axis(x, there), (each,), fast_mode=True)


@pytest.mark.parametrize("name", SPECS)
def test_messages_are_what_they_say(name: str) -> None:
    """Against a loop over literals and groups in plain Python."""
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
                heard = sums.get(literal, [])
                wanted = sum(heard) / max(len(heard), 1) ** 0.5
                assert got[row, literal].item() == pytest.approx(wanted, abs=1e-5)


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
def test_company_and_padding_change_nothing(specs: tuple[str, str]) -> None:
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


def test_bounds_are_heard() -> None:
    """Graphs that differ in the bounds of a count alone are told apart."""
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
@pytest.mark.parametrize("solver", ["looped", "trm", "hrm"])
def test_every_recursion_runs_on_every_backbone(solver: str, backbone: str) -> None:
    instance = compile_problems([load("sudoku:4:0.4", seed=s)[0] for s in range(3)])
    net = reasoner(solver, backbone, instance)
    awake(net)
    before = states(net, instance)
    view = net.backbone.view(instance)
    after, said = net(before, view)
    assert said.logits.shape == instance.shape
    assert said.halt.shape == (3, 1)
    assert [t.shape for t in after] == [t.shape for t in before]
    assert len(after) == (1 if solver == "looped" else 2)
    (said.logits.square().mean() + said.halt.square().mean()).backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name
        assert p.grad.abs().sum() > 0, name
    with torch.no_grad():  # a segment is its steps, whatever is learned in it
        z = before
        for _ in range(net.steps_per_segment):
            z = net.step(z, net.backbone.embed(view), view)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(z, after, strict=True))


@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_an_untrained_stack_leaves_states_as_they_are(backbone: str) -> None:
    """Branches are silent at first: but for what a lattice's groups say, and norms, nothing happens."""
    instance = compile_problems(load("sudoku:4:0.4", seed=1))
    net = reasoner("looped", backbone, instance)
    if backbone == "lattice":  # its messages are not silent; without them
        for layer in net.stacks[0].layers:  # type: ignore[union-attr]
            for linear in (layer.variable, *layer.maps.values()):
                torch.nn.init.zeros_(linear.weight)
    (z,) = states(net, instance)
    view = net.backbone.view(instance)
    with torch.no_grad():
        assert torch.allclose(net.stacks[0](view, z, torch.zeros_like(z)), norm(z), atol=1e-4)


def test_starts_are_random_or_fixed_as_asked() -> None:
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
    awake(net.double())
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
    awake(net)
    (z,) = states(net, instance)
    view = net.backbone.view(instance)
    x = net.backbone.embed(view)
    (damped,) = net.step((z,), x, view)
    net.damping = 1.0
    (whole,) = net.step((z,), x, view)
    assert torch.allclose(damped, 0.75 * z + 0.25 * whole, atol=1e-5)


# Tokens -----------------------------------------------------------------------------------------------------------------


def test_heads_see_rows_columns_and_boxes() -> None:
    graph = load("sudoku:4", seed=1)[0].graph
    mask = attention_mask(graph, 4, 1)
    assert mask.shape == (1, 4, 17, 17)
    assert mask[:, :, 0].all()  # the prefix sees everybody
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


def test_cells_have_places() -> None:
    graph = load("sudoku:4", seed=1)[0].graph
    places = positions(graph)
    assert places.shape == (16, 2)
    assert (places[5] - places[0]).tolist() == [1, 1]
    assert positions(load("sat:5:9", seed=1)[0].graph).tolist() == [[0], [1], [2], [3], [4]]


def test_what_backbones_refuse() -> None:
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


# Losses -----------------------------------------------------------------------------------------------------------------


def test_stablemax() -> None:
    logits = torch.tensor([[3.0, 0.0, 1.0, -2.0, -torch.inf], [-1.0, -5.0, 100.0, 1.0, -torch.inf]], requires_grad=True)
    chances = log_stablemax(logits)
    assert torch.allclose(chances.exp().sum(-1), torch.ones(2))
    assert (chances.exp()[:, -1] < 1e-30).all()
    ratio = (chances[0, 0] - chances[0, 3]).exp()
    assert ratio.item() == pytest.approx((3 + 1) * (1 + 2))
    chances[:, :4].sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_cross_entropy_takes_the_nearest_solution_and_free_variables_only() -> None:
    instance = compile_problems(load("sudoku:4:0.5", seed=1))
    _, v, d = instance.shape
    one, other = torch.zeros(1, v, dtype=torch.int64), torch.ones(1, v, dtype=torch.int64)
    logits = 30 * torch.nn.functional.one_hot(other, d).float()
    both = torch.stack((one, other), 1)
    for stable in (False, True):
        near, far = (cross_entropy(logits, t, instance.free, stable) for t in (both, one[:, None]))
        assert near < 0.1 * far
    assert cross_entropy(logits, both, instance.free, False).item() == pytest.approx(0, abs=1e-6)
    assert cross_entropy(logits, one[:, None], torch.zeros(1, v, dtype=torch.bool), False).item() == 0


@pytest.mark.parametrize("spec", ["sudoku:4:0.4", "sat:8:20", "coloring:8:0.4:4"])
def test_violation_loss_is_zero_at_solutions(spec: str) -> None:
    problem = load(spec, seed=1)[0]
    (solution,) = mull.solve([problem], mull.solver("cpsat"))
    assert solution.assignment is not None
    instance = compile_problems([problem])
    names = problem.graph.names
    index = torch.tensor([[problem.graph.domains[name].index(solution.assignment[name]) for name in names]])

    def loss(index: Tensor) -> Tensor:
        logits = 60 * torch.nn.functional.one_hot(index, instance.shape[2]).float()
        return violation_loss(logits.requires_grad_(), instance)

    assert loss(index).item() == pytest.approx(0, abs=1e-5)
    wrong = next(
        changed
        for v in range(len(names))
        for k in range(len(problem.graph.domains[names[v]]))
        if instance.violations(changed := index.index_fill(1, torch.tensor([v]), k)).item()
    )
    worse = loss(wrong)
    assert worse.item() > 0.1
    assert worse.isfinite().all()


def test_violation_loss_has_finite_gradients_where_all_is_certain() -> None:
    problems: Sequence[Problem] = load("sudoku:4", seed=1)
    instance = compile_problems(problems)
    logits = torch.zeros(instance.shape)
    logits[..., 0] = 60  # the same value everywhere
    logits.requires_grad_()
    violation_loss(logits, instance).sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
@pytest.mark.parametrize("rows", [1, 64, 1000])
def test_the_fused_layer_is_the_plain_one(rows: int) -> None:
    layer = SwiGLU(128, 384).to("cuda", torch.bfloat16)
    torch.nn.init.normal_(layer.down.weight, std=0.05)
    x = torch.randn(rows, 128, device="cuda", dtype=torch.bfloat16)
    up, down = layer.up.weight, layer.down.weight
    assert not fits(x, up, down)  # somebody may want a gradient
    with torch.no_grad():
        assert fits(x, up, down)
        assert torch.allclose(residual_swiglu(x, up, down), norm(x + layer(x)), atol=0.05)


def test_a_backbone_that_is_not_installed_is_refused() -> None:
    with pytest.raises(OptionError, match="backbone: Input should be one of lattice, mixer, tokens"):
        learned_solver("looped", backbone="sponge")
    with pytest.raises(PluginError, match="unknown backbone 'tokns'") as refused:
        backbones.backbone("tokns")
    assert refused.value.hint == "did you mean tokens?"
    assert {name: backbones.backbone(name).name for name in ("lattice", "mixer", "tokens")} == {
        "lattice": "lattice",
        "mixer": "mixer",
        "tokens": "tokens",
    }
