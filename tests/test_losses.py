"""Training losses: stablemax, cross-entropy with several solutions, expected violations."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

import mull
from mull.engine import Problem, compile_problems
from mull.engine.training.loss import cross_entropy, log_stablemax, violation_loss
from mull.problems import load


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
