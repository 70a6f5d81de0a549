"""The family, its stream, and the learned solver with mull's conformance checks."""

from pathlib import Path

import pytest
import torch
from mull_binairo.puzzle import Binairo
from mull_binairo.solver import Gated
from mull_binairo.stream import canonical

from mull.engine import Budget, Task, solve
from mull.engine.training import Recipe
from mull.plugins.conformance import TestContract  # noqa: F401  (pytest collects its tests)
from mull.problems import InputError, load
from mull.problems.streams import stream
from mull.solvers.localsearch import LocalSearch
from mull.solvers.train import train

STREAMS = ("sudoku:4:0.5", "binairo:4:0.5")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small weights for this family, and for Sudokus, which the conformance checks need."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weights")
    recipe = Recipe(**{**Gated().recipe(), "block": 1, "validation": 0})
    for name in STREAMS:
        pair = (stream(name), stream(name, "validation"))
        train(Gated(), [pair], recipe, name=name.partition(":")[0], folder=folder, version="0", steps=80)
    return folder


@pytest.fixture
def solver(weights: Path, monkeypatch: pytest.MonkeyPatch) -> type[Gated]:
    monkeypatch.setenv("MULL_WEIGHTS", str(weights))
    return Gated


@pytest.mark.parametrize("name", STREAMS)
def test_it_solves_boards_outside_its_training_set(name: str, solver: type[Gated]) -> None:
    boards = [board for seed in range(8) for board in load(name, seed=seed)]
    solutions = solve(boards, solver(), Task(Budget(seconds=60)))
    assert sum(solution.status.solved for solution in solutions) >= 6


def test_the_family_reads_its_own_drawings() -> None:
    problem = Binairo().generate("8:0.3", seed=1)
    (solution,) = solve([problem], LocalSearch(), Task(Budget(seconds=60)))
    assert solution.status.solved
    (again,) = Binairo().read("binairo\n" + Binairo().draw(solution.assignment), "board.binairo")
    assert again.givens == solution.assignment
    assert not again.broken(again.givens)


@pytest.mark.parametrize("spec", ["5", "0", "16", "4:2", "x"])
def test_bad_sizes_are_refused(spec: str) -> None:
    with pytest.raises(InputError):
        Binairo().generate(spec, seed=0)
    with pytest.raises(InputError):
        Binairo().stream(spec)


def test_splits_share_no_board_in_any_form() -> None:
    forms = {}
    for split in ("train", "validation"):
        chunk = stream("binairo:4:0.5", split).chunk(0)
        forms[split] = {canonical([".01"[v + 1] for v in row], 4) for row in chunk.givens}
    assert not forms["train"] & forms["validation"]
