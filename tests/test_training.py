"""The trainer: it learns, resumes to the step, starts from weights, and refuses other checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from conftest import learned_solver
from mull.engine import compile_problems
from mull.engine.compile import compile_examples
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.examples import Examples
from mull.engine.training import Recipe, Trainer, TrainingProgress
from mull.engine.training import trainer as training
from mull.engine.training.learner import is_right
from mull.engine.training.progress import Session
from mull.engine.weights import HOME, CheckpointError
from mull.problems import latin, load
from mull.problems.coloring import stream as coloring
from mull.problems.latin import stream as latin_squares
from mull.problems.queens import stream as queens
from mull.problems.sat import stream as sat
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers.kinds import check_weights
from mull.solvers.learned import Learned
from mull.solvers.nets.reasoner import Reasoner
from mull.solvers.train import train as train_solver
from mull.solvers.weights import continued

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_boards_once")]

TINY = {"hidden": "32", "inner": "64", "steps": "3", "layers": "1"}
RECIPE = {
    "batch": 16,
    "lr": 2e-2,
    "warmup": 10,
    "optimizer": "muon",
    "ema": 0.9,
    "block": 1,
    "validation": 32,
    "eval_segments": 8,
}
OFTEN = 1e-9
"""Minutes between checkpoints: one every ``rows.LOG_EVERY`` steps."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME, str(tmp_path / "weights"))
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 128, 9: 16})
    for module in (coloring, latin_squares, queens, sat):
        monkeypatch.setattr(module, "CHUNK", 128)


def looped(**options: str) -> Learned:
    return learned_solver("looped", **{**TINY, **options})


def pairs(*names: str, seed: int = 0) -> list[Any]:
    return [(stream(name, seed=seed), stream(name, "validation", seed=seed)) for name in names]


def net(names: tuple[str, ...], seed: int = 0) -> Reasoner:
    """An untrained net for streams."""
    graphs = [graph for name in names for graph in stream(name).chunk(0).graphs]
    torch.manual_seed(seed)
    return looped().reasoner(looped().shape(roles=tuple(sorted({role for graph in graphs for role in graph.roles}))))


def trainer(*names: str, seed: int = 0, recipe: dict[str, Any] | None = None, **more: Any) -> Trainer:
    return Trainer(net(names, seed), pairs(*names), Recipe(**{**RECIPE, **(recipe or {})}), seed=seed, **more)


def weights(of: Trainer) -> list[Tensor]:
    return [p.detach().clone() for p in of.parameters]


def test_a_training_learns() -> None:
    reports: list[TrainingProgress] = []
    mine = trainer("sudoku:4:0.4", on_progress=reports.append)
    mine.run(steps=60)
    assert mine.accuracy["sudoku:4:0.4"] >= 0.9
    assert [p.step for p in reports] == [20, 40, 60]
    assert reports[-1].loss < reports[0].loss / 2
    assert reports[-1].solved > reports[0].solved
    assert reports[-1].share <= 1


def test_a_mixture_learns_each_stream() -> None:
    mine = trainer("sudoku:4:0.5", "latin:4:0.5")
    mine.run(steps=60)
    assert set(mine.accuracy) == {"sudoku:4:0.5", "latin:4:0.5"}
    assert min(mine.accuracy.values()) >= 0.8


def test_a_stream_that_is_given_again_gets_more_steps_and_one_set_of_blocks() -> None:
    mine = trainer("sudoku:4:0.5", "latin:4:0.5", "sudoku:4:0.5", "sudoku:4:0.5")
    assert [check.name for check, _ in mine.streams] == ["sudoku:4:0.5", "latin:4:0.5"]
    assert sorted(mine.turns) == [0, 0, 0, 1]
    mine.run(steps=4)
    assert mine.step == 4


def test_literals_limit_the_rows_of_large_problems(tmp_path: Path) -> None:
    limit = {"literals": 64 * 8, "batch": 64, "validation": 4, "eval_segments": 1}
    mine = trainer("sudoku:4:0.5", "sudoku:9:0.5", recipe=limit, path=tmp_path / "x.safetensors")
    sizes: list[int] = []
    mine.net.register_forward_pre_hook(lambda _, arguments: sizes.append(len(arguments[0][0])))
    mine.run(steps=2)
    assert sizes[:2] == [8, 1]  # 64 and 729 literals
    with pytest.raises(CheckpointError):
        trainer("sudoku:4:0.5", "sudoku:9:0.5", recipe={**limit, "literals": 0}, path=tmp_path / "x.safetensors")


def test_a_training_without_known_solutions_solves_more() -> None:
    """Solved rows are replaced, so the mean loss stays high; the share of solved rows grows."""
    reports: list[TrainingProgress] = []
    assert stream("coloring:10:0.2:3").chunk(0).targets.shape[1] == 0
    trainer("coloring:10:0.2:3", recipe={"lr": 5e-3}, on_progress=reports.append).run(steps=80)
    assert reports[-1].solved > 0.4 > 2 * reports[0].solved


def test_former_settings_of_a_recipe_work_and_warn() -> None:
    with (
        pytest.warns(MullDeprecationWarning, match="use grad_clip"),
        pytest.warns(MullDeprecationWarning, match="use max_segments"),
    ):
        recipe = Recipe(clip=2.0, most=5)  # type: ignore[call-arg]
    assert recipe == Recipe(grad_clip=2.0, max_segments=5)
    with pytest.raises(ValueError, match="max_segments is given twice"):
        Recipe(most=5, max_segments=6)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="min_segments=9 is more than max_segments=6"):
        Recipe(min_segments=9, max_segments=6)


# Resuming ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "names"), [("muon", ("sudoku:4:0.5", "latin:4:0.5")), ("adamw", ("sudoku:4:0.5",))]
)
def test_resumed_equals_uninterrupted(optimizer: str, names: tuple[str, ...], tmp_path: Path) -> None:
    recipe = {
        "save_minutes": OFTEN,
        "optimizer": optimizer,
        "passes": 1,
        "eval_segments": 2,
    }  # blocks are used up on the way
    whole = trainer(*names, recipe=recipe)
    whole.run(steps=40)
    path = tmp_path / "x.safetensors"
    first: Trainer = trainer(*names, recipe=recipe, path=path, cancelled=lambda: first.step >= 20)
    first.run(steps=40)
    assert first.step == 20
    said: list[str] = []
    second = trainer(*names, seed=0, recipe=recipe, path=path, on_notice=said.append)
    assert "resuming at step 20" in said[0]
    second.run(steps=40)
    assert second.step == 40
    assert all(map(torch.equal, weights(whole), weights(second)))
    assert whole.accuracy == second.accuracy
    assert whole.history == second.history


def test_a_finished_training_takes_no_more_steps(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    first = trainer("sudoku:4:0.5", path=path)
    first.run(steps=10)
    again = trainer("sudoku:4:0.5", path=path)
    again.run(steps=10)
    assert again.step == 10
    assert all(map(torch.equal, weights(first), weights(again)))
    again = trainer("sudoku:4:0.5", path=path)
    again.run(steps=15)  # a longer one resumes
    assert again.step == 15


def test_stop_after_ends_a_session(tmp_path: Path) -> None:
    session = Session(before=600, minutes=60, steps=None, stop_after=2)
    assert not session.over(600 + 119)
    assert session.over(600 + 120)  # minutes of this session, not of the training
    path = tmp_path / "x.safetensors"
    mine = trainer("sudoku:4:0.5", path=path)
    mine.run(steps=10, stop_after=1e-9)
    assert mine.step == 0
    again = trainer("sudoku:4:0.5", path=path)
    again.run(steps=10)
    assert again.step == 10


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"recipe": {"lr": 1e-3}}, "lr"),
        ({"seed": 1}, "seed"),
        ({"names": ("latin:4:0.5",)}, "streams"),
        ({"names": ("latin:4:0.5", "sudoku:4:0.5")}, "streams"),
        ({"names": ("sudoku:4:0.5", "sat:8:20")}, "shapes"),
    ],
)
def test_another_training_under_the_same_name_is_refused(changes: dict[str, Any], what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    trainer("sudoku:4:0.5", path=path).run(steps=1)
    before = path.read_bytes()
    names = changes.pop("names", ("sudoku:4:0.5",))
    with pytest.raises(CheckpointError, match=f"another training: it has another {what}") as error:
        trainer(*names, path=path, **changes)
    assert "--name" in error.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "weights"])
def test_damaged_training_files_are_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    trainer("sudoku:4:0.5", path=path).run(steps=1)
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[4] ^= 0xFF
    elif damage == "weights":
        from safetensors.torch import save

        data = bytearray(save({"a": torch.zeros(3)}))
    path.write_bytes(data[: {"truncated": len(data) // 2, "empty": 0}.get(damage, len(data))])
    with pytest.raises(CheckpointError, match="cannot resume from") as error:
        trainer("sudoku:4:0.5", path=path)
    assert "move it away" in error.value.hint


# Starting from weights -------------------------------------------------------------------------------------------------


def test_a_training_from_weights_keeps_their_accuracy(tmp_path: Path) -> None:
    """New roles are added, and the card counts the steps and minutes of both trainings."""
    recipe = Recipe(**RECIPE)
    first = train_solver(looped(), pairs("sudoku:4:0.5"), recipe, name="a", folder=tmp_path, version="0", steps=60).card
    both = pairs("sudoku:4:0.5", "queens:6:1-3")
    path = str(tmp_path / "a.safetensors")
    second = train_solver(looped(), both, recipe, name="b", folder=tmp_path, version="0", steps=2, base=path).card
    assert second.base == first.sha256
    assert second.steps == 62
    assert second.device_minutes >= first.device_minutes
    assert second.families == ("queens", "sudoku")
    assert set(second.shape["roles"]) > set(first.shape["roles"])
    assert second.accuracy["sudoku:4:0.5, 8 segments"] >= first.accuracy["sudoku:4:0.5, 8 segments"] - 0.1


def test_new_roles_change_nothing_for_old_graphs(tmp_path: Path) -> None:
    result = train_solver(
        looped(), pairs("sudoku:4:0.5"), Recipe(**RECIPE), name="a", folder=tmp_path, version="0", steps=20
    )
    _, same = continued(looped(), result.card, result.card.shape["roles"])
    _, larger = continued(looped(), result.card, ["conflict"])
    assert len(list(larger.parameters())) > len(list(same.parameters()))
    instance = compile_problems(load("sudoku:4:0.5"))
    z = (torch.randn(1, 64, 32, generator=torch.Generator().manual_seed(1)),)
    with torch.no_grad():
        one, other = (net(z, net.backbone.view(instance))[1].logits for net in (same, larger))
    assert torch.equal(one, other)


def test_every_answer_without_violations_is_right() -> None:
    """Not only the known solution; without factors (an objective) the known solution alone."""
    square = torch.tensor([[(r + c) % 4 for r in range(4) for c in range(4)]])
    nothing = torch.full((1, 16), -1)
    examples = Examples((latin.template(4),), np.zeros(1, np.int64), nothing.numpy(), square[:, None].numpy())
    for answer, right in ((square, True), ((square + 1) % 4, True), (square * 0, False)):
        logits = torch.nn.functional.one_hot(answer, 4).float()
        assert is_right(compile_examples(examples), logits, square[:, None]).item() is right
        assert is_right(compile_examples(examples, factors=False), logits, square[:, None]).item() is torch.equal(
            answer, square
        )


# Errors ----------------------------------------------------------------------------------------------------------------


def test_out_of_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    said: list[str] = []
    mine = trainer("sudoku:4:0.5", path=path, on_notice=said.append)
    step = mine._step

    def tight(lane: Any, done: float) -> Tensor:
        if mine.batch > 4:
            raise torch.OutOfMemoryError("on purpose")
        return step(lane, done)

    monkeypatch.setattr(mine, "_step", tight)
    mine.run(steps=25)
    assert said == [f"out of memory: continuing with batches of {n}" for n in (8, 4)]
    assert mine.step == 25
    assert trainer("sudoku:4:0.5", path=path).batch == 4  # stored


def test_out_of_memory_with_one_row_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = trainer("sudoku:4:0.5")

    def tight(lane: Any, done: float) -> Tensor:
        raise torch.OutOfMemoryError("on purpose")

    monkeypatch.setattr(mine, "_step", tight)
    with pytest.raises(torch.OutOfMemoryError):
        mine.run(steps=5)
    assert mine.batch == 1


def test_a_loss_that_is_not_finite_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    mine = trainer("sudoku:4:0.5", path=path, recipe={"save_minutes": OFTEN})
    mine.run(steps=20)
    before = path.read_bytes()
    monkeypatch.setattr(training, "answer_loss", lambda logits, *rest: logits.sum((1, 2)) * float("nan"))
    mine = trainer("sudoku:4:0.5", path=path, recipe={"save_minutes": OFTEN})
    with pytest.raises(FloatingPointError, match="at step 40"):
        mine.run(steps=50)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("solver", "backbone"), [("trm", "mixer"), ("hrm", "tokens"), ("looped", "tokens")])
def test_every_recursion_can_be_trained(solver: str, backbone: str, tmp_path: Path) -> None:
    options = {"backbone": backbone, "hidden": "48", "inner": "64", "layers": "1"}
    kind = learned_solver(solver, **options)
    recipe = Recipe(**{**kind.recipe(), **RECIPE, "batch": 16, "lr": 2e-3})
    reports: list[TrainingProgress] = []
    result = train_solver(
        kind,
        pairs("sudoku:4:0.6"),
        recipe,
        name="x",
        folder=tmp_path,
        version="0",
        steps=40,
        on_progress=reports.append,
    )
    assert result.finished
    assert reports[-1].solved > 0  # of boards with six blanks, some
    assert result.card.shape["values"] == 4
    trained = learned_solver(solver, weights=str(result.card.path))
    check_weights(trained)


def rows_in_progress(recipe: dict[str, Any]) -> tuple[Any, Any]:
    """Four rows of a stream after their first segment, and the view that the net has of their problems."""
    of = trainer("sudoku:4", recipe={"batch": 4, "min_segments": 4, "max_segments": 4, **recipe})
    rows = of._rows(None, 0)
    of._reseed()
    rows.load(4)
    return rows, of.learner.backbone.view(rows.instance)


def test_a_right_row_is_held_for_at_most_the_stated_segments() -> None:
    rows, view = rows_in_progress({"hold": 2})
    states = rows.states(view)
    rows.holds[:] = torch.tensor([0, 1, 2, 2])
    before = rows.rows.clone()
    right = torch.tensor([True, True, True, False])
    left = []
    for _ in range(4):
        rows.carry(states, right)
        left.append((rows.rows != before).tolist())
    # A right answer at segment 1 leaves after 0, 1 or 2 more; an unsolved row reaches its limit of 4.
    assert left[0][0]
    assert [turn[1] for turn in left][:2] == [False, True]
    assert [turn[2] for turn in left][:3] == [False, False, True]
    assert [turn[3] for turn in left] == [False, False, False, True]
