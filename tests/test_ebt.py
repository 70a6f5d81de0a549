"""The solvers ebt and ired: options, weights, conformance, former names."""

from __future__ import annotations

import json
import math
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch

import conftest
import mull
from conftest import learned_solver, target, train_small
from mull.engine import Status, Task, compile_problems, solve
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.random import Random
from mull.engine.solver import OptionError
from mull.engine.task import Budget
from mull.engine.training import Recipe, Trainer, TrainingProgress
from mull.engine.weights import HOME, CheckpointError, find, load_tensors
from mull.plugins.conformance import CHECKS, Check
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers.ebt import Ebt
from mull.solvers.ired import Ired
from mull.solvers.kinds import build, check_weights
from mull.solvers.nets.energy import EnergyNet, corrupt

TINY = {"backbone": "lattice", "hidden": "32", "inner": "64"}
RECIPE = Recipe(batch=16, lr=2e-2, warmup=10, ema=0.9, block=1, validation=0)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 128})


boards = partial(conftest.boards, spec="sudoku:4:0.4", first=100)


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
def progress() -> dict[str, list[TrainingProgress]]:
    """The progress of the training in ``trained``, by the name of the weights."""
    return {}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, progress: dict[str, list[TrainingProgress]]) -> Path:
    """A folder with small weights: of EBT, and of IRED."""
    folder = tmp_path_factory.mktemp("trained")
    ebt, ired = Ebt(**TINY, layers="1"), Ired(**TINY, landscapes="5")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sudoku, "SHARE_CHUNK", {4: 128})
        train_small(folder, {"ebt-small": ebt}, "sudoku:4:0.5", RECIPE, steps=60, progress=progress)
        return train_small(folder, {"ired-small": ired}, "sudoku:4:0.5", RECIPE, steps=60, progress=progress)


@pytest.mark.parametrize("name", ["ebt-small", "ired-small"])
def test_training_learns_to_answer_and_to_judge(
    name: str, trained: Path, progress: dict[str, list[TrainingProgress]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME, str(trained))
    first, *_, last = progress[name]
    assert all(math.isfinite(p.loss) for p in progress[name])
    assert last.loss < 0.6 * first.loss
    assert last.solved > first.solved or name == "ired-small"
    made = build(find(name))
    assert isinstance(made, EnergyNet)
    made.load_state_dict(load_tensors(find(name)))
    problems = boards(32, spec="sudoku:4:0.5")
    instance = compile_problems(problems)
    answer = target(problems, instance)
    view = made.backbone.view(instance)
    with torch.no_grad():
        lower = made.energies(view, answer.answer) < made.energies(view, corrupt(answer))
    assert lower.float().mean() > 0.85


@pytest.mark.usefixtures("_few_iterations")
@pytest.mark.parametrize("name", ["ebt", "ired"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, name: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    check(type(mull.solver(name)))


@pytest.mark.parametrize(
    "options",
    [{}, {"monotone": "true"}, {"monotone": "true", "inference_noise": "0.5"}, {"precision": "bfloat16"}],
    ids=str,
)
def test_trained_weights_solve(options: dict[str, str], trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New boards; inference options apply to weights that were trained without them."""
    monkeypatch.setenv(HOME, str(trained))
    problems = boards(8, spec="sudoku:4:0.6")
    solver = mull.solver("ebt", **{"weights": "ebt-small", **options})
    solutions = solve(problems, solver, Task(Budget(seconds=20), seed=1))
    assert sum(s.status is Status.SOLVED for s in solutions) >= 6


def test_ired_solves_what_it_was_trained_on(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    solutions = solve(boards(8, spec="sudoku:4:0.6"), mull.solver("ired"), Task(Budget(seconds=20), seed=1))
    assert sum(s.status is Status.SOLVED for s in solutions) >= 6


def test_weights_of_another_solver_or_option_are_refused(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    with pytest.raises(CheckpointError, match="landscapes=5, not 3"):
        check_weights(Ired(weights="ired-small", landscapes=3))
    with pytest.raises(CheckpointError, match="weights of ired, not of ebt"):
        check_weights(Ebt(weights="ired-small"))
    check_weights(Ebt(weights="ebt-small", monotone=True))


OLD = {"steps": 3, "alpha": 10.0, "noise": 0.3, "contrast": 0.5, "loops": 1, "inner_steps": 5}
"""Options as cards and stored runs have them from when IRED was an option of ebt."""


@pytest.mark.parametrize(("name", "landscapes"), [("ebt-small", 0), ("ired-small", 5)])
def test_cards_from_when_ired_was_an_option_load(
    name: str, landscapes: int, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.loads((trained / f"{name}.json").read_text())
    old = {**card, "solver": "ebt", "options": {"preset": "small", **OLD, "landscapes": landscapes}}
    (tmp_path / f"{name}.json").write_text(json.dumps(old))
    shutil.copy(trained / f"{name}.safetensors", tmp_path)
    monkeypatch.setenv(HOME, str(tmp_path))
    found = find(name)
    assert (found.solver, found.options) == (card["solver"], card["options"])
    check_weights(learned_solver(found.solver, weights=name))


def test_former_options_of_ebt_work_and_warn() -> None:
    with pytest.warns(MullDeprecationWarning, match="use contrastive_weight"):
        assert isinstance(mull.solver("ebt", **OLD, landscapes=0), Ebt)
    with (
        pytest.warns(MullDeprecationWarning, match="--solver ired"),
        pytest.warns(MullDeprecationWarning, match="use contrastive_weight"),
    ):
        solver = mull.solver("ebt", **OLD, landscapes="7")
    assert isinstance(solver, Ired)
    assert (solver.landscapes, solver.inner_steps) == (7, 5)
    with pytest.warns(MullDeprecationWarning), pytest.raises(OptionError, match="landscapes"):
        mull.solver("ebt", landscapes="-1")


def test_a_checkpoint_from_when_ired_was_an_option_resumes(tmp_path: Path) -> None:
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
def test_rows_are_independent(weights: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
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
