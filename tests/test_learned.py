"""Learned solvers: shipped weights, equal answers in any batch, and their messages."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import conftest
import mull
from conftest import learned_solver, task, train_small
from mull.engine import Budget, Problem, Solution, Status, Task, compile_problems, solve
from mull.engine.random import Random
from mull.engine.rows import BatchSize
from mull.engine.training import Recipe, Trainer, TrainingProgress
from mull.engine.weights import HOME, Card, CheckpointError, cards, find, load_tensors
from mull.plugins import PluginError
from mull.plugins.conformance import CHECKS, Check
from mull.problems import families, load, squares
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers import kinds, learned, weights
from mull.solvers.completion import completed
from mull.solvers.kinds import build
from mull.solvers.learned import Learned

SHIPPED = ("hrm-sudoku", "looped-sudoku")


boards = partial(conftest.boards, spec="sudoku:9:0.35")


def same_run(one: Solution, other: Solution) -> bool:
    return (one.status, one.assignment, one.iterations) == (other.status, other.assignment, other.iterations)


# The weights that ship --------------------------------------------------------------------------------------------------


def test_shipped_weights_are_found() -> None:
    assert {card.name for card in cards()} >= set(SHIPPED)


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.name)
def test_shipped_weights_match_their_cards(card: Card) -> None:
    net = build(card)
    net.load_state_dict(load_tensors(card))  # after the hash was compared
    assert card.parameters == sum(p.numel() for p in net.parameters())
    assert all(p.isfinite().all() for p in net.parameters())
    assert card.families
    assert card.data
    assert card.steps > 0
    assert 2 * card.parameters <= card.path.stat().st_size < 2.1 * card.parameters + 100_000  # 16-bit


@pytest.mark.parametrize(
    ("name", "spec"), [("looped", "sudoku:9:0.35"), ("hrm", "sudoku:9:0.5"), ("looped", "sudoku:4:0.6")]
)
def test_shipped_weights_solve_their_problems(name: str, spec: str) -> None:
    solutions = solve(boards(4, spec=spec), mull.solver(name), task())
    assert [s.status for s in solutions] == [Status.SOLVED] * 4
    for s in solutions:
        assert s.assignment is not None
        assert not s.problem.broken(s.assignment)
        assert s.iterations > 0
        assert s.trace is not None
        assert s.checkpoint == find(f"{name}-sudoku").sha256


@pytest.mark.parametrize("name", ["looped", "trm", "hrm", "gram", "ebt"])
def test_nearly_complete_boards_are_solved(name: str) -> None:
    """Weights trained on hard boards alone never filled a single blank cell."""
    rng = random.Random(3)
    lines = []
    for blanks in (0, 1, 2, 4, 8, 16, 30):
        cells = [str(value) for row in squares.random_sudoku(3, rng) for value in row]
        for i in rng.sample(range(81), blanks):
            cells[i] = "."
        lines.append("".join(cells))
    problems = families()["sudoku"].read("\n".join(lines), "nearly done")
    solutions = solve(problems, mull.solver(name), Task(Budget(None, iterations=60)))
    assert [s.status for s in solutions] == [Status.SOLVED] * len(problems)


def test_a_harder_board_takes_more_iterations() -> None:
    """More difficult problems take more iterations: the claim of the project."""
    easy, hard = (
        sum(s.iterations for s in solve(boards(4, spec=spec), mull.solver("looped"), task()))
        for spec in ("sudoku:9:0.6", "sudoku:9:0.3")
    )
    assert easy < hard


def test_auto_answers_with_a_learned_solver() -> None:
    (solution,) = solve(boards(1), mull.solver("auto", first=0), task())
    assert (solution.status, solution.solver, solution.via) == (Status.SOLVED, "looped", "auto")
    (solution,) = solve(boards(1), mull.solver("auto"), task())
    assert (solution.status, solution.solver, solution.via) == (Status.SOLVED, "cpsat", "auto")


# The loop's promises ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_seed_gives_the_same_answer_in_any_batch() -> None:
    solver = mull.solver("looped", precision="float32")
    problems = boards(4, spec="sudoku:9:0.3")
    together = solve(problems, solver, task(restarts=1))
    again = solve(problems, solver, task(restarts=1))
    assert all(map(same_run, together, again))
    for problem, one in zip(problems, together, strict=True):
        (alone,) = solve([problem], solver, task(restarts=1))
        assert same_run(alone, one)
    other = solve(problems, solver, Task(Budget(seconds=60, restarts=1), seed=2))
    assert [s.energy for s in other] == [s.energy for s in together]
    traces = [(s.trace.energy.tolist() if s.trace else None) for run in (other, together) for s in run]
    assert traces[:4] != traces[4:]


def test_propagation_fixes_variables_before_the_first_step() -> None:
    problems = boards(3)
    first = problems[0].graph.names[:2]
    wrong = Problem(problems[0].graph, dict.fromkeys(first, 1), problems[0].family)  # two ones in a row: refuted
    solver, plain = (mull.solver("looped", weights="looped-sudoku", propagate=on) for on in ("true", "false"))
    assert isinstance(solver, Learned)
    instance = compile_problems([*problems, wrong])
    state = solver.init(instance, Random.for_rows(range(4)))
    fixed = state.allowed.sum(2) == 1
    assert (fixed.sum(1) > (instance.allowed.sum(2) == 1).sum(1))[:3].all()
    assert torch.equal(state.allowed[3], instance.allowed[3])
    assert torch.equal(state.allowed | fixed[..., None], instance.allowed | fixed[..., None])  # others are as before
    text = "530070000600195000098000060800060003400803001700020006060000280000419005000080079"
    easy = families()["sudoku"].read(text, "easy")  # fixed without a guess
    (answer,), (other,) = (solve(easy, each, task()) for each in (solver, plain))
    assert answer.status is other.status is Status.SOLVED
    assert answer.iterations < other.iterations


def test_propagation_completes_the_values_that_the_net_is_sure_of() -> None:
    text = ".................1.....2.3......3.2...1.4......5....6..3......4.7..8...962...7..."
    answer = "953168742862734951417952836746893125281645397395271468138529674574386219629417583"
    problems = families()["sudoku"].read(text, "board") * 2
    instance = compile_problems(problems)
    right = torch.tensor([int(sign) - 1 for sign in answer])
    sure = torch.stack([right, (right + 1) % 9])  # the second row is sure of wrong values
    chances = torch.full(instance.shape, 0.02)
    first = torch.arange(81) < 60
    chances[:, first] = torch.where(torch.arange(9) == sure[:, first, None], 0.97, 0.02)
    chances = chances.masked_fill(~instance.allowed, 0).log()
    assert completed(instance, instance.allowed, chances)[0].tolist() == right.tolist()
    assert completed(instance, instance.allowed, chances)[1].tolist() == chances[1].argmax(-1).tolist()


def test_segments_and_restarts_bound_the_work() -> None:
    (problem,) = load("sudoku:9:0.3", seed=1)
    hopeless = Problem(problem.graph)  # an empty board: solved or not, within its depth
    solver = mull.solver("looped", segments="2")
    steps_per_segment = build(find("looped-sudoku")).steps_per_segment
    for restarts in (1, 3):
        (solution,) = solve([hopeless], solver, task(seconds=None, restarts=restarts, batch=1))
        assert solution.status in (Status.SOLVED, Status.UNSOLVED)
        assert solution.iterations <= restarts * 2 * steps_per_segment
        if solution.status is Status.UNSOLVED:
            assert solution.iterations == restarts * 2 * steps_per_segment


def test_restarts_run_side_by_side() -> None:
    """Copies of a board start from different noise; the first solution is the answer."""
    problems = boards(2, spec="sudoku:9:0.3")
    alone = solve(problems, mull.solver("looped", precision="float32"), task(restarts=1))
    many = solve(problems, mull.solver("looped", precision="float32"), task(restarts=4, batch=8))
    assert all(s.status is Status.SOLVED for s in many)
    assert all(m.iterations <= a.iterations for m, a in zip(many, alone, strict=True) if a.status is Status.SOLVED)


def test_rows_settle_by_residual_depth_or_halting_probability() -> None:
    instance = compile_problems(boards(2))
    random = Random.for_rows([0, 1])
    solver = learned_solver("looped", segments="1", halt="0.5").bind(boards(1)[0])
    assert isinstance(solver, Learned)
    state = solver.init(instance, random)
    state, info = solver.step(instance, state)
    assert not solver.settled(instance, state, info).any()
    from dataclasses import replace

    still = info._replace(residual=torch.tensor([0.0, 1.0]))
    assert solver.settled(instance, state, still).tolist() == [True, False]
    sure = replace(state, halt=torch.tensor([0.4, 0.6]))
    assert solver.settled(instance, sure, info).tolist() == [False, True]
    old = replace(state, age=torch.tensor([6, 5]))
    assert solver.settled(instance, old, info).tolist() == [True, False]


def test_each_problem_is_bound_to_its_own_weights() -> None:
    """Supported and unsupported problems share a call; the unsupported ones have a hint."""
    problems = [load(spec, seed=1)[0] for spec in ("sudoku:9:0.5", "sat:8:20", "sudoku:4:0.4")]
    solutions = solve(problems, mull.solver("looped"), task())
    assert [s.status for s in solutions] == [Status.SOLVED, Status.UNSUPPORTED, Status.SOLVED]
    assert "no trained weights of looped" in solutions[1].detail
    assert "solve train looped --data" in solutions[1].detail
    (solution,) = solve(problems[:1], mull.solver("trm"), task())
    if not any(card.solver == "trm" for card in cards()):
        assert solution.status is Status.UNSUPPORTED
        assert "solve train trm --data" in solution.detail


def test_out_of_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned.Learned, "batch_size", BatchSize(4 * 729))
    rows: list[int] = []
    step = learned.Learned.step

    def tight(self: Learned, instance: Any, state: Any) -> Any:
        rows.append(instance.shape[0])
        if instance.shape[0] > 2:
            raise torch.OutOfMemoryError("on purpose")
        return step(self, instance, state)

    monkeypatch.setattr(learned.Learned, "step", tight)
    said: list[str] = []
    solutions = solve(boards(4), mull.solver("looped"), Task(Budget(seconds=60), on_notice=said.append))
    assert [s.status for s in solutions] == [Status.SOLVED] * 4, solutions[0].detail
    assert said == ["out of memory: going on with 2 rows side by side"]
    assert rows[0] == 4
    assert max(rows[1:]) <= 2


def test_one_row_that_does_not_fit_into_the_memory_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def tight(self: Learned, instance: Any, state: Any) -> Any:
        raise torch.OutOfMemoryError("on purpose")

    monkeypatch.setattr(learned.Learned, "step", tight)
    (solution,) = solve(boards(1), mull.solver("looped"), task())
    assert solution.status is Status.FAILED
    assert "on purpose" in solution.detail


# Conformance ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_few_iterations")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.slow
def test_looped_conforms(check: Check) -> None:
    check(type(mull.solver("looped")))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small weights of hrm and trm: shipped ones cannot read the graphs of the checks."""
    options = {"backbone": "lattice", "hidden": "32", "inner": "64", "low": "2", "random_start": "true"}
    solvers = {f"{name}-small": learned_solver(name, **options) for name in ("hrm", "trm")}
    recipe = Recipe(batch=16, lr=2e-2, warmup=10, optimizer="muon", ema=0.9, block=1, validation=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sudoku, "SHARE_CHUNK", {4: 128})
        return train_small(tmp_path_factory.mktemp("trained"), solvers, "sudoku:4:0.4", recipe, steps=40)


@pytest.mark.usefixtures("_few_iterations")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["hrm", "trm"])
def test_trained_solvers_conform(name: str, check: Check, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    check(type(mull.solver(name)))


@pytest.mark.parametrize(("name", "spec"), [("looped", "sudoku:9:0.4"), ("hrm", "sudoku:9:0.5")])
def test_rows_do_not_mix(name: str, spec: str) -> None:
    problems = boards(3, spec=spec)
    solver = learned_solver(name, precision="float32").bind(problems[0])
    assert isinstance(solver, Learned)
    instance = compile_problems(problems)
    state, _ = solver.step(instance, solver.init(instance, Random.for_rows([0, 1, 2])))
    row = torch.tensor([1])
    alone = solver.init(instance.select(row), Random.for_rows([1]))
    apart, _ = solver.step(instance.select(row), alone)
    assert torch.allclose(apart.chances, state.chances[row], atol=1e-3)


# On an accelerator ------------------------------------------------------------------------------------------------------

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")


@pytest.mark.gpu
@gpu
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.filterwarnings("default")  # of the compiler, about what it would like better
@pytest.mark.parametrize(("name", "backbone"), [("looped", "lattice"), ("trm", "mixer"), ("hrm", "tokens")])
def test_compiled_training_steps_on_the_accelerator(name: str, backbone: str) -> None:
    solver = learned_solver(name, backbone=backbone, hidden="96", inner="192")
    source = stream("sudoku:4")
    roles = tuple(source.chunk(0).graphs[0].roles)
    torch.manual_seed(0)
    net = solver.reasoner(solver.shape(roles=roles, values=4, variables=16))
    recipe = Recipe(batch=128, warmup=10, lr=3e-3, ema=0.9, optimizer="muon", block=1, validation=64)
    told: list[TrainingProgress] = []
    trainer = Trainer(
        net,
        [(source, stream("sudoku:4", "validation"))],
        recipe,
        device="cuda",
        compiled=True,
        on_progress=told.append,
    )
    trainer.run(steps=60)
    assert all(math.isfinite(p.loss) for p in told)
    assert told[-1].solved > told[0].solved


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize("name", ["looped", "hrm"])
def test_gpu_and_cpu_give_the_same_answers(name: str) -> None:
    problems = boards(32, spec="sudoku:9:0.45")
    here, there = (
        solve(problems, mull.solver(name, precision="float32"), Task(Budget(seconds=120), seed=1, device=device))
        for device in ("cpu", "cuda")
    )
    assert all(s.device == "cuda" for s in there)
    agree = sum(a.assignment == b.assignment for a, b in zip(here, there, strict=True))
    assert agree >= 28
    assert sum(s.status is Status.SOLVED for s in there) >= 30


# auto and the registry --------------------------------------------------------------------------------------------------


def test_auto_imports_only_solvers_with_weights_for_the_family() -> None:
    said: list[str] = []
    assert [kind.name for kind in kinds.trained_on({"sudoku"}, said.append)] == ["looped", "trm", "hrm"]
    assert kinds.trained_on({"sat"}, said.append) == []
    assert said == []
    code = (
        "import sys, mull; s = mull.solve(mull.load('queens:8')[0], 'auto'); assert s.solver == 'cpsat'\n"
        "assert 'mull.solvers.learned' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_auto_continues_without_a_failing_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Learned):
        name = "failing"

        def bind(self, problem: Problem) -> Any:
            raise KeyError("missing")

        def reasoner(self, shape: Any) -> Any: ...

    monkeypatch.setattr(kinds, "trained_on", lambda families, on_notice: [Failing])
    monkeypatch.setattr(weights, "trained_for", lambda solver, problem: True)
    said: list[str] = []
    (solution,) = solve(boards(1), mull.solver("auto", first=0), Task(on_notice=said.append))
    assert solution.status is Status.SOLVED
    assert said[0].startswith("failing is left out: KeyError: 'missing'")


def test_solvers_without_weights_are_not_learned() -> None:
    assert set(kinds.kinds()) == {"ebt", "fixed", "gram", "hrm", "ired", "looped", "trm"}
    with pytest.raises(PluginError, match="'descent' has no trained weights"):
        kinds.kind("descent")
    with pytest.raises(CheckpointError, match="unknown solver 'nobody'"):
        kinds.build(find("looped-sudoku").model_copy(update={"solver": "nobody"}))
