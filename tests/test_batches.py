"""Batches of problems: rows of states, random streams, padding, and how many rows a batch has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch

import mull
from mull.engine import Budget, ConstraintGraph, Linear, Random, Task, compile_problems, solve
from mull.engine.state import clone, put_rows, select_rows
from mull.problems import load
from mull.solvers.descent import Descent
from mull.solvers.learned import Learned, LearnedState


@dataclass(frozen=True)
class _Nest:
    x: torch.Tensor
    y: tuple[torch.Tensor, dict[str, torch.Tensor]]
    n: int


def test_rows_of_states_are_selected_and_replaced() -> None:
    state = _Nest(torch.arange(4), (torch.ones(4, 2), {"z": torch.zeros(4)}), 3)
    some = select_rows(state, torch.tensor([2, 0]))
    assert some.x.tolist() == [2, 0]
    put = put_rows(state, torch.tensor([1]), select_rows(state, torch.tensor([3])))
    assert put.x.tolist() == [0, 3, 2, 3]
    copy = clone(state)
    copy.x.add_(1)
    assert state.x.tolist() == [0, 1, 2, 3]


def test_random_streams_are_uniform_and_independent() -> None:
    random = Random.for_rows(["a", "b"])
    u = random.uniform(20_000)
    assert abs(u.mean().item() - 0.5) < 0.01
    assert abs(random.normal(20_000).std().item() - 1) < 0.02
    assert torch.equal(u[:1], Random.for_rows(["a"]).uniform(20_000))
    assert abs(torch.corrcoef(u)[0, 1].item()) < 0.03
    assert math.isclose(torch.corrcoef(torch.cat((u, random.at(1).uniform(20_000))))[0, 2].item(), 0, abs_tol=0.03)


def test_a_cpu_draws_the_numbers_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU computes them with numpy. Compiled code and GPUs use the formula in tensors."""
    random, empty = Random.for_rows(range(5)).at(3), Random.for_rows([])
    shapes: tuple[tuple[int, ...], ...] = ((), (1,), (7, 3), (2, 3, 4))

    def drawn() -> list[torch.Tensor]:
        whole = [r.bits(*shape) for shape in shapes for r in (random, empty)]
        return whole + [random.uniform(*shape) for shape in shapes] + [random.normal(5, dtype=torch.float64)]

    here = drawn()
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    for one, other in zip(here, drawn(), strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_solved_problems_leave_a_batch_at_once_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Learned.step
    rows: list[int] = []

    def counted(self: Learned, instance: Any, state: LearnedState) -> Any:
        rows.append(len(state.age))
        return before(self, instance, state)

    monkeypatch.setattr(Learned, "step", counted)
    solver = mull.solver("looped", precision="float32")
    problems = [load("sudoku:9:0.35", seed=seed)[0] for seed in range(4)]
    found = solve(problems, solver, Task(Budget(batch=4)))
    assert sum(rows) == sum(each.iterations for each in found)
    alone = solve(problems[:1], solver, Task(Budget(batch=4)))
    assert (alone[0].assignment, alone[0].iterations) == (found[0].assignment, found[0].iterations)


def test_padding_does_not_change_violations_and_energies() -> None:
    """With problems of different size in one batch, violations and energies are those of each alone."""
    problems = [load(s, seed=1)[0] for s in ("sat:9:20", "sat:5:9", "sat:14:40")]
    whole = compile_problems(problems)
    for i, problem in enumerate(problems):
        alone = compile_problems([problem])
        v = alone.shape[1]
        index = torch.arange(v)[None] % 2
        padded = torch.zeros(3, whole.shape[1], dtype=torch.int64)
        padded[:, :v] = index
        row = torch.tensor([i])
        assert whole.select(row).violations(padded[row]).tolist() == alone.violations(index).tolist()
        assert torch.allclose(whole.energy(whole.uniform())[i], alone.energy(alone.uniform())[0])


def test_a_costly_constraint_gets_few_rows() -> None:
    """Rows are bounded by the numbers that one evaluation of the energy reads, not by literals alone."""
    names = ("a", "b", "c")
    wide = ConstraintGraph(dict.fromkeys(names, range(201)), [Linear(names, (3, 5, 7), "=", 1999)])
    size = Descent.batch_size
    assert size.rows(wide) == 1
    (problem,) = load("queens:8")
    assert 100 < size.rows(problem.graph) < (1 << 18) // problem.graph.literals
