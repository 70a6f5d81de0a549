"""Batches of problems: rows of states, random streams, padding, and how many rows a batch has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from mull.engine import ConstraintGraph, Linear, Random, compile_problems
from mull.engine.state import clone, put_rows, select_rows
from mull.problems import load
from mull.solvers.descent import Descent


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
