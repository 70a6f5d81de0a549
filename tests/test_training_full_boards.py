"""Training on boards without blanks: nothing is open, and nothing divides by zero."""

from __future__ import annotations

import random

import pytest
import torch

from conftest import learned_solver
from mull.engine.examples import Examples
from mull.engine.training import Recipe, Trainer
from mull.problems.sudoku.stream import PartlyFilled, partly_filled, to_examples

pytestmark = pytest.mark.slow


class Full(PartlyFilled):
    """Full 4x4 boards."""

    def check(self) -> None:
        """A full board is refused by name; here training on it must not divide by zero."""

    def chunk(self, k: int) -> Examples:
        rng = random.Random(k)
        return to_examples([(*partly_filled(4, 1.0, rng), 0.0) for _ in range(16)])


@pytest.mark.parametrize("name", ["looped", "trm", "hrm", "gram", "ebt"])
def test_training_on_full_boards_keeps_weights_finite(name: str) -> None:
    solver = learned_solver(name, hidden="96", inner="96")
    train, check = (Full("sudoku:4:1.0", split, 0) for split in ("train", "validation"))
    torch.manual_seed(0)
    roles = tuple(train.chunk(0).graphs[0].roles)
    net = solver.reasoner(solver.shape(roles=roles, values=4, variables=16))
    settings = {"batch": 8, "block": 1, "validation": 8, "warmup": 2}
    trainer = Trainer(net, [(train, check)], Recipe(**{**solver.recipe(), **settings}))
    trainer.run(steps=4)
    assert all(bool(p.isfinite().all()) for p in net.parameters())
    assert list(trainer.accuracy.values()) == [1.0]
