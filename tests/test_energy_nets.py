"""The nets of EBT and IRED: derivatives, symmetries, steps, training."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from functools import partial
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

import conftest
from conftest import target
from mull.engine import Instance, compile_problems
from mull.engine.random import Random
from mull.engine.training import Recipe, Trainer, TrainingProgress
from mull.engine.training.loss import Target
from mull.problems import load
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers.ebt import Ebt, EbtNet
from mull.solvers.ired import Ired
from mull.solvers.nets.double_backward import compile_double_backward
from mull.solvers.nets.energy import EnergyNet, corrupt

SPECS = {"sudoku": ("sudoku:4:0.4",), "two mazes": ("maze:5x5", "maze:7x9")}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 128})


def instances(name: str = "sudoku") -> Instance:
    return compile_problems([problem for spec in SPECS[name] for problem in load(spec, seed=1)])


boards = partial(conftest.boards, spec="sudoku:4:0.4", first=100)


def net(instance: Instance, backbone: str = "lattice", seed: int = 0, landscapes: int = 0, **options: Any) -> Any:
    """A net with all weights random, in float64: branches that start at zero would hide mistakes. With ``landscapes`` it is IRED."""
    sizes = {"backbone": backbone, "hidden": 16, "inner": 16, "layers": 1}
    solver = Ired(**sizes, landscapes=landscapes) if landscapes else Ebt(**{**sizes, "alpha": 1.0, **options})
    roles = tuple(sorted({role for graph in instance.graphs for role in graph.roles}))
    made = solver.reasoner(solver.shape(roles=roles, variables=instance.shape[1], values=instance.shape[2], heads=2))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in made.named_parameters():
            if name != "log_alpha":
                p.copy_(torch.randn(p.shape, generator=generator) * p.shape[-1] ** -0.5)
    return made.double()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def look(made: EnergyNet, instance: Instance) -> Any:
    view = made.backbone.view(instance)
    return view._replace(cos=view.cos.double(), sin=view.sin.double()) if hasattr(view, "cos") else view


@pytest.mark.parametrize("landscapes", [0, 3])
@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_the_loss_has_the_gradient_of_finite_differences(backbone: str, landscapes: int) -> None:
    """A segment's loss against finite differences: through ∂E/∂y, for every backbone."""
    problems = boards(2)
    instance = compile_problems(problems)
    made = net(instance, backbone, landscapes=landscapes, noise=0.5)
    view, answer = look(made, instance), target(problems, instance)
    z = made.start(made.backbone.embed(view), view, lambda k, *shape: noise(2, *shape))

    def loss() -> Tensor:
        torch.manual_seed(3)
        mean: Tensor = made(z, view, answer)[1].loss.mean()
        return mean

    loss().backward()
    for name in ("answers", "stacks", "backbone"):
        for p in getattr(made, name).parameters():
            assert p.grad is not None
            assert p.grad.isfinite().all()
            along = p.grad / p.grad.norm().clamp(min=1e-12)
            with torch.no_grad():
                p += 1e-4 * along
                more = loss()
                p -= 2e-4 * along
                less = loss()
                p += 1e-4 * along
            assert ((more - less) / 2e-4).item() == pytest.approx(p.grad.norm().item(), rel=0.05, abs=1e-3), name


# Compiled ---------------------------------------------------------------------------------------------------------------

compiler = pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")


def learned(made: EbtNet, view: Any, answer: Target, z: Sequence[Tensor]) -> tuple[Tensor, dict[str, Tensor | None]]:
    """A segment's loss and its gradients."""
    torch.manual_seed(3)
    loss = made(tuple(z), view, answer)[1].loss.mean()
    made.zero_grad()
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in made.named_parameters()}


class Bend(nn.Module):
    """A small layer. Its view has a tensor, a number and None."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(noise(3, 3, seed=seed))

    def forward(self, z: Tensor, view: tuple[Tensor, int, None]) -> Tensor:
        slope, power, _ = view
        return z + torch.tanh(z @ self.weight * slope) ** power


@compiler
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.filterwarnings("default")  # of the compiler, about what it would like better
@pytest.mark.slow
def test_machine_code_has_the_same_loss_and_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the gradient of two small layers. A whole net compiles 39 C++ files, which takes 75 CPU seconds."""
    from torch._inductor import cpu_vec_isa  # takes seconds

    # The search for vector instructions and the compilation of headers take three times as long as the three files.
    monkeypatch.setattr(cpu_vec_isa, "valid_vec_isa_list", list)
    monkeypatch.setattr(torch._inductor.config, "cpp_cache_precompile_headers", False)
    z, view = noise(4, 3, seed=5), (noise(4, 1, seed=6), 3, None)

    def learn(layers: list[Bend]) -> list[Tensor]:
        start = z.clone().requires_grad_()
        energy = layers[1](layers[0](start, view), view).square().sum()
        loss = (start - torch.autograd.grad(energy, start, create_graph=True)[0]).square().sum()
        return [energy, loss, *torch.autograd.grad(loss, [start, *(layer.weight for layer in layers)])]

    wanted = learn([Bend(1), Bend(2)])
    layers = [Bend(1), Bend(2)]
    with mock.patch.object(torch._inductor, "compile", wraps=torch._inductor.compile) as compiled:
        compile_double_backward(layers)
        for _ in range(2):
            assert all(map(torch.allclose, learn(layers), wanted))
    assert (
        compiled.call_count == 4
    )  # value, derivative of z, of all, and the derivative of the first; once for both layers


@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", SPECS)
@pytest.mark.slow
def test_traced_nets_have_the_same_loss_and_gradients(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss, gradients (none where there was none) and validation's states; mazes differ in size, so rows have their own groups.

    The traced derivatives run as they are, without machine code.
    """
    monkeypatch.setattr(torch._inductor, "compile", lambda graph, inputs, options: graph)
    problems = [problem for spec in SPECS[name] for problem in load(spec, seed=1)]
    instance = compile_problems(problems)
    made = net(instance, layers=2, loops=2, noise=0.5)
    view, answer = look(made, instance), target(problems, instance)
    z = made.start(made.backbone.embed(view), view, lambda k, *shape: noise(len(problems), *shape))
    loss, wanted = learned(made, view, answer, z)
    with torch.no_grad():
        walked = made(z, view)[0]
    made.compile(dynamic=False)
    for _ in range(2):
        found, gradients = learned(made, view, answer, z)
        assert torch.allclose(found, loss, rtol=1e-5)
        for key, gradient in gradients.items():
            other = wanted[key]
            assert (gradient is None) == (other is None), key
            if gradient is not None and other is not None:
                assert (gradient - other).norm() <= 1e-5 * other.norm(), key
    with torch.no_grad():
        assert all(map(torch.allclose, made(z, view)[0], walked))


@pytest.mark.gpu
@gpu
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.filterwarnings("default")
def test_compiled_training_on_the_accelerator() -> None:
    solver = Ebt(backbone="lattice", hidden=32, inner=64)
    torch.manual_seed(0)
    made = solver.reasoner(solver.shape(roles=tuple(stream("sudoku:4:0.5").chunk(0).graphs[0].roles)))
    reports: list[TrainingProgress] = []
    pair = (stream("sudoku:4:0.5"), stream("sudoku:4:0.5", "validation"))
    recipe = Recipe(batch=32, lr=1e-2, warmup=10, ema=0.9, block=1, validation=0)
    Trainer(made, [pair], recipe, device="cuda", compiled=True, on_progress=reports.append).run(steps=80)
    assert all(math.isfinite(p.loss) for p in reports)
    assert reports[-1].loss < 0.5 * reports[0].loss


# The energy -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("landscapes", [0, 3])
def test_renamed_values_and_transposed_boards_have_the_same_energy(landscapes: int) -> None:
    """Renamed values and a transposed board leave the energy of a candidate as it was, on the lattice."""
    instance = instances()
    made = net(instance, landscapes=landscapes)
    answer = noise(*instance.shape).masked_fill(~instance.allowed, -torch.inf).argmax(-1)
    plain = made.energies(look(made, instance), answer)
    order = torch.tensor([2, 0, 3, 1])
    renamed = Instance(instance.graphs, instance.template, instance.allowed[:, :, order], instance.factors)
    assert torch.allclose(made.energies(look(made, renamed), order.argsort()[answer]), plain, atol=1e-6)
    cells = [tuple(map(int, name[1:].split("c"))) for name in instance.graphs[0].names]
    flip = torch.tensor([cells.index((c, r)) for r, c in cells])
    turned = Instance(instance.graphs, instance.template, instance.allowed[:, flip], instance.factors)
    assert torch.allclose(made.energies(look(made, turned), answer[:, flip]), plain, atol=1e-6)
    swapped = answer.flip(0, 1)  # the energy does read the candidate
    assert not torch.allclose(made.energies(look(made, instance), swapped), plain, atol=1e-3)


@pytest.mark.parametrize("landscapes", [0, 3])
def test_other_rows_and_padding_do_not_change_the_energy(landscapes: int) -> None:
    small, large = (load(spec, seed=1)[0] for spec in SPECS["two mazes"])
    both, alone = compile_problems([small, large]), compile_problems([small])
    made = net(both, landscapes=landscapes)
    _, v, _ = alone.shape
    answer = both.allowed.double().argmax(-1)
    together = made.energies(look(made, both), answer)
    assert torch.allclose(together[:1], made.energies(look(made, alone), answer[:1, :v]), atol=1e-5)


@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_monotone_steps_never_raise_the_energy(backbone: str) -> None:
    instance = compile_problems(boards(8))
    made = net(instance, backbone, alpha=3.0)
    view = look(made, instance)
    x = made.backbone.embed(view).detach()
    random = Random.for_rows(range(8))
    z = made.start(x, view, lambda k, *shape: random.normal(*shape))
    energies = []
    for n in range(12):
        with torch.no_grad():
            energies.append(made.energy(made._beliefs(z[0], view), x, view)[0])
            z = made.sample_step(z, x, view, random.at(n), monotone=True)
    steps = torch.stack(energies).diff(dim=0)
    assert (steps <= 1e-6).all()
    assert (steps < -1e-6).any(1).any()


def test_inference_noise_makes_steps_random() -> None:
    instance = compile_problems(boards(2))
    made = net(instance)
    view = look(made, instance)
    x = made.backbone.embed(view).detach()
    random = Random.for_rows(range(2))
    z = made.start(x, view, lambda k, *shape: random.normal(*shape))
    quiet = [made.sample_step(z, x, view, random.at(n))[0] for n in (1, 2)]
    assert torch.equal(*quiet)
    loud = [made.sample_step(z, x, view, random.at(n), inference_noise=1.0)[0] for n in (1, 2)]
    assert not torch.allclose(loud[0], loud[1], atol=1e-2)


def test_corrupted_targets_are_wrong_and_allowed() -> None:
    problems = boards(16)
    instance = compile_problems(problems)
    answer = target(problems, instance)
    torch.manual_seed(0)
    other = corrupt(answer)
    changed = other != answer.answer
    assert changed.any(1).all()
    assert changed.sum(1).float().mean() < 4
    assert (changed <= answer.free).all()
    assert answer.allowed.gather(2, other[..., None]).all()
    assert (instance.violations(other) > 0).all()  # a Sudoku has one answer


def test_alpha_bar_falls_from_one_to_zero() -> None:
    made = net(instances(), landscapes=10)
    level = made.alpha_bar(torch.arange(11))[:, 0, 0]
    assert level[0] == 1
    assert (level.diff() < 0).all()
    assert level[10] <= 0.01


def test_a_candidate_restarts_after_its_descent() -> None:
    """After ``segments``; IRED's walk through its landscapes comes before."""
    made = net(instances())
    assert Ebt(segments=8).depth(made) == 8 * made.steps_per_segment
    walking = net(instances(), landscapes=10)
    assert Ired(segments=8).depth(walking) == 10 * walking.steps_per_segment + 8 * walking.steps_per_segment


def test_several_loops_give_another_energy_with_the_same_symmetry() -> None:
    instance = instances()
    once, thrice = net(instance), net(instance, loops=3)
    answer = noise(*instance.shape).masked_fill(~instance.allowed, -torch.inf).argmax(-1)
    view = look(once, instance)
    assert not torch.allclose(once.energies(view, answer), thrice.energies(view, answer))
    permuted = torch.arange(instance.shape[0]).flip(0)
    turned = instance.select(permuted)
    assert torch.allclose(
        thrice.energies(look(thrice, turned), answer[permuted]), thrice.energies(view, answer)[permuted]
    )
