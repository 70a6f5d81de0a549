"""The energy-based solvers: second derivatives, symmetries, descent, a judge that learns, IRED's landscapes."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradgradcheck

import conftest
import mull
from conftest import learned_solver, train_small
from mull.engine import Instance, Problem, Status, Task, compile_problems, solve
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.random import Random
from mull.engine.role_tensors import RoleTensors, stack_roles
from mull.engine.solver import OptionError
from mull.engine.task import Budget
from mull.engine.training import Recipe, Trainer, TrainingProgress
from mull.engine.training.loss import Target
from mull.engine.weights import HOME, CheckpointError, find
from mull.plugins.conformance import CHECKS, Check
from mull.problems import load
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers.ebt import Ebt, EbtNet
from mull.solvers.ired import Ired, IredNet
from mull.solvers.kinds import check_weights
from mull.solvers.learned import Learned
from mull.solvers.nets.energy import EnergyNet, corrupt
from mull.solvers.nets.messages import pool, pool_axis, scatter

SPECS = {"sudoku": ("sudoku:4:0.4",), "two mazes": ("maze:5x5", "maze:7x9"), "two formulas": ("sat:6:12", "sat:9:30")}
TINY = {"backbone": "lattice", "hidden": "32", "inner": "64"}
RECIPE = Recipe(batch=32, lr=1e-2, warmup=10, ema=0.9, block=1, validation=0)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 128})


def instances(name: str = "sudoku") -> Instance:
    return compile_problems([problem for spec in SPECS[name] for problem in load(spec, seed=1)])


boards = partial(conftest.boards, spec="sudoku:4:0.4", first=100)


def net(instance: Instance, backbone: str = "lattice", seed: int = 0, landscapes: int = 0, **options: Any) -> Any:
    """A net with all weights random, in float64: branches that begin silent would hide mistakes. With landscapes, of IRED."""
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


def target(problems: Sequence[Problem], instance: Instance) -> Target:
    solutions = solve(problems, mull.solver("cpsat"))
    index = [
        [p.graph.domains[name].index(s.assignment[name]) for name in p.graph.names]  # type: ignore[index]
        for p, s in zip(problems, solutions, strict=True)
    ]
    width = instance.shape[1]
    return Target(torch.tensor([row + [0] * (width - len(row)) for row in index]), instance.allowed, instance.free)


# Second derivatives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SPECS)
def test_second_derivatives_of_messages(name: str, weighted: bool) -> None:
    instance = instances(name)
    b, v, d = instance.shape
    roles = stack_roles([g.roles for g in instance.graphs], v, d, sorted({r for g in instance.graphs for r in g.roles}))
    x, each = noise(b, v * d, 2).requires_grad_(), noise(b, v, d, 2).requires_grad_()
    for stack in roles.values():
        r: RoleTensors = stack.rows(instance.template)
        r = r._replace(scale=r.scale.double())
        weight = noise(*r.members.shape) if weighted else None
        message = noise(b, r.members.shape[1], 2).requires_grad_()
        # Between curved functions, or there is no second derivative to be wrong.
        assert gradgradcheck(lambda x, r=r, w=weight: pool(x.sin(), r, w), (x,), fast_mode=True)
        assert gradgradcheck(lambda m, r=r, w=weight: scatter(m.sin(), r, w).sin(), (message,), fast_mode=True)
    for there in (None, instance.allowed):
        assert gradgradcheck(lambda x, there=there: pool_axis(x.sin(), there), (each,), fast_mode=True)


@pytest.mark.parametrize("landscapes", [0, 3])
@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_what_is_learned_has_the_right_gradient(backbone: str, landscapes: int) -> None:
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


@compiler
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.filterwarnings("default")  # of the compiler, about what it would like better
@pytest.mark.parametrize("name", ["sudoku", "two mazes"])
@pytest.mark.slow
def test_compiled_nets_learn_what_others_learn(name: str) -> None:
    """Loss, gradients (none where there was none) and validation's states; mazes differ in size, so rows have their own groups."""
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
    told = trained(80, device="cuda", compiled=True)[2]
    assert all(math.isfinite(p.loss) for p in told)
    assert told[-1].loss < 0.5 * told[0].loss


# The energy -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("landscapes", [0, 3])
def test_the_energy_knows_no_names(landscapes: int) -> None:
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
def test_company_and_padding_change_no_energy(landscapes: int) -> None:
    small, large = (load(spec, seed=1)[0] for spec in SPECS["two mazes"])
    both, alone = compile_problems([small, large]), compile_problems([small])
    made = net(both, landscapes=landscapes)
    _, v, _ = alone.shape
    answer = both.allowed.double().argmax(-1)
    together = made.energies(look(made, both), answer)
    assert torch.allclose(together[:1], made.energies(look(made, alone), answer[:1, :v]), atol=1e-5)


@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_steps_go_down_when_told_to(backbone: str) -> None:
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


def test_a_step_of_langevin_dynamics_is_random_when_asked() -> None:
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


def test_moved_answers_are_wrong_and_allowed() -> None:
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


# Learning ---------------------------------------------------------------------------------------------------------------


def trained(
    steps: int, device: str = "cpu", compiled: bool = False, kind: type[Learned] = Ebt, **options: str
) -> tuple[Learned, EnergyNet, list[TrainingProgress]]:
    solver = kind(**{**TINY, **options})
    torch.manual_seed(0)
    made = solver.reasoner(solver.shape(roles=tuple(stream("sudoku:4:0.5").chunk(0).graphs[0].roles)))
    assert isinstance(made, EnergyNet)
    told: list[TrainingProgress] = []
    pair = (stream("sudoku:4:0.5"), stream("sudoku:4:0.5", "validation"))
    Trainer(made, [pair], RECIPE, device=device, compiled=compiled, on_progress=told.append).run(steps=steps)
    return solver, made, told


@pytest.mark.slow
def test_training_learns_to_answer_and_to_judge() -> None:
    _, made, told = trained(80)
    assert all(math.isfinite(p.loss) for p in told)
    assert told[-1].loss < 0.5 * told[0].loss
    assert told[-1].solved > told[0].solved
    problems = boards(32, spec="sudoku:4:0.5")
    instance = compile_problems(problems)
    answer = target(problems, instance)
    view = made.backbone.view(instance)
    with torch.no_grad():
        lower = made.energies(view, answer.answer) < made.energies(view, corrupt(answer))
    assert lower.float().mean() > 0.85


@pytest.mark.slow
def test_landscapes_learn_to_denoise_and_to_judge() -> None:
    _, made, told = trained(120, kind=Ired, landscapes="5")
    assert isinstance(made, IredNet)
    assert told[-1].loss < 0.5 * told[0].loss
    problems = boards(32, spec="sudoku:4:0.5")
    instance = compile_problems(problems)
    answer = target(problems, instance)
    view = made.backbone.view(instance)
    with torch.no_grad():
        lower = made.energies(view, answer.answer) < made.energies(view, corrupt(answer))
    assert lower.float().mean() > 0.85


def test_levels_of_noise() -> None:
    made = net(instances(), landscapes=10)
    level = made.alpha_bar(torch.arange(11))[:, 0, 0]
    assert level[0] == 1
    assert (level.diff() < 0).all()
    assert level[10] <= 0.01


# The solver -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"steps": "0"},
        {"alpha": "0"},
        {"noise": "-1"},
        {"contrastive_weight": "-1"},
        {"warp": "1"},
        {"monotone": "perhaps"},
    ],
    ids=str,
)
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        mull.solver("ebt", **options)


def test_presets_have_their_backbones() -> None:
    assert Ebt().shape(roles=("all_different",)).backbone == "lattice"
    assert Ebt(preset="paper").shape(values=9, variables=81).backbone == "tokens"
    assert Ebt(preset="paper").recipe()["optimizer"] == "adamw"
    with pytest.raises(OptionError, match="preset paper has the backbones"):
        Ebt(preset="paper", backbone="mixer").shape()


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small weights: of EBT, and of IRED."""
    solvers = {"ebt-small": Ebt(**TINY), "ired-small": Ired(**TINY, landscapes="5")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sudoku, "SHARE_CHUNK", {4: 128})
        return train_small(tmp_path_factory.mktemp("taught"), solvers, "sudoku:4:0.5", RECIPE, steps=120)


@pytest.mark.parametrize("name", ["ebt", "ired"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, name: str, taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(taught))
    check(type(mull.solver(name)))


@pytest.mark.parametrize(
    "options",
    [{}, {"monotone": "true"}, {"monotone": "true", "inference_noise": "0.5"}, {"precision": "bfloat16"}],
    ids=str,
)
def test_what_was_taught_solves(options: dict[str, str], taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards never seen; how to solve is asked of weights that were trained without it."""
    monkeypatch.setenv(HOME, str(taught))
    problems = boards(8, spec="sudoku:4:0.6")
    solver = mull.solver("ebt", **{"weights": "ebt-small", **options})
    solutions = solve(problems, solver, Task(Budget(seconds=20), seed=1))
    assert sum(s.status is Status.SOLVED for s in solutions) >= 6


def test_ired_solves_what_it_was_trained_on(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(taught))
    solutions = solve(boards(8, spec="sudoku:4:0.6"), mull.solver("ired"), Task(Budget(seconds=20), seed=1))
    assert sum(s.status is Status.SOLVED for s in solutions) >= 6


def test_weights_are_of_one_kind(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(taught))
    with pytest.raises(CheckpointError, match="landscapes=5, not 3"):
        check_weights(Ired(weights="ired-small", landscapes=3))
    with pytest.raises(CheckpointError, match="weights of ired, not of ebt"):
        check_weights(Ebt(weights="ired-small"))
    check_weights(Ebt(weights="ebt-small", monotone=True))


OLD = {"steps": 3, "alpha": 10.0, "noise": 0.3, "contrast": 0.5, "loops": 1, "inner_steps": 5}
"""Options as cards and stored runs have them from when IRED was an option of ebt."""


@pytest.mark.parametrize(("name", "landscapes"), [("ebt-small", 0), ("ired-small", 5)])
def test_weights_from_when_ired_was_an_option_still_load(
    name: str, landscapes: int, taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.loads((taught / f"{name}.json").read_text())
    old = {**card, "solver": "ebt", "options": {"preset": "small", **OLD, "landscapes": landscapes}}
    (tmp_path / f"{name}.json").write_text(json.dumps(old))
    shutil.copy(taught / f"{name}.safetensors", tmp_path)
    monkeypatch.setenv(HOME, str(tmp_path))
    found = find(name)
    assert (found.solver, found.options) == (card["solver"], card["options"])
    check_weights(learned_solver(found.solver, weights=name))


def test_the_former_options_of_ebt_name_ired() -> None:
    assert isinstance(mull.solver("ebt", **OLD, landscapes=0), Ebt)  # stored runs have them
    with pytest.warns(MullDeprecationWarning, match="--solver ired"):
        solver = mull.solver("ebt", **OLD, landscapes="7")
    assert isinstance(solver, Ired)
    assert (solver.landscapes, solver.inner_steps) == (7, 5)
    with pytest.warns(MullDeprecationWarning), pytest.raises(OptionError, match="landscapes"):
        mull.solver("ebt", landscapes="-1")


def test_a_training_from_when_ired_was_an_option_still_resumes(tmp_path: Path) -> None:
    pair, path = (stream("sudoku:4:0.5"), stream("sudoku:4:0.5", "validation")), tmp_path / "x.safetensors"
    solver = Ired(**TINY, landscapes=3)
    made = solver.reasoner(solver.shape(roles=tuple(pair[0].chunk(0).graphs[0].roles)))
    old = {"solver": "ebt", "options": {"preset": "small", **OLD, "landscapes": 3}}
    Trainer(made, [pair], RECIPE, path=path, kind=old).run(steps=1)
    options = {"preset": "small", "landscapes": 3, "inner_steps": 5, "contrastive_weight": 0.5, "loops": 1}
    assert Trainer(made, [pair], RECIPE, path=path, kind={"solver": "ired", "options": options}).step == 1
    with pytest.raises(CheckpointError, match="another training"):
        Trainer(made, [pair], RECIPE, path=path, kind={"solver": "ired", "options": {**options, "landscapes": 4}})


@pytest.mark.parametrize("weights", ["ebt-small", "ired-small"])
def test_rows_do_not_mix(weights: str, taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(taught))
    kind = Ired if weights == "ired-small" else Ebt
    solver = kind(weights=weights, precision="float32")
    instance = compile_problems(boards(3))
    state = solver.init(instance, Random.for_rows([0, 1, 2]))
    row = torch.tensor([1])
    alone = solver.init(instance.select(row), Random.for_rows([1]))
    for _ in range(3):
        state, _ = solver.step(instance, state)
        alone, _ = solver.step(instance.select(row), alone)
    assert torch.allclose(alone.chances, state.chances[row], atol=1e-3)


def test_a_candidate_starts_anew_when_its_descent_is_over() -> None:
    """After ``segments``; IRED's walk through its landscapes comes before."""
    made = net(instances())
    assert Ebt(segments=8).depth(made) == 8 * made.steps_per_segment
    walking = net(instances(), landscapes=10)
    assert Ired(segments=8).depth(walking) == 10 * walking.steps_per_segment + 8 * walking.steps_per_segment


def test_an_energy_of_several_loops_is_another_and_as_symmetric() -> None:
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
