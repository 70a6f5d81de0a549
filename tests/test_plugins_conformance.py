"""Every conformance check finds the faults of its kind, and passes valid solvers."""

from __future__ import annotations

import random as pythons_random
import re
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faulty_solvers import (
    Boastful,
    Boundless,
    Careless,
    Choosy,
    Content,
    Crashing,
    Dawdling,
    Deaf,
    Fickle,
    Fixed,
    Flat,
    Floating,
    Forgetful,
    Gloomy,
    Gossip,
    Heedless,
    Homebound,
    Infinite,
    Lenient,
    Moody,
    Mutable,
    Nameless,
    Needy,
    Plentiful,
    Repetitive,
    Secretive,
    Slow,
    Sociable,
    Turned,
    Uncited,
    Undescribed,
    Unpicklable,
    Unstoppable,
    Unwritten,
    Walk,
)

from mull.engine import AbstractSolver, ConstraintGraph, Solver
from mull.plugins import conformance, load
from mull.plugins.conformance import CHECKS, Check, TestContract, failure, outcome, runs, satisfiable, support

EFFECTS: dict[str, Any] = {
    "torch's random state": lambda: torch.rand(1),
    "Python's random state": lambda: pythons_random.random(),
    "numpy's random state": lambda: np.random.random(),
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's threads": lambda: torch.set_num_threads(2),
    "torch's gradient mode": lambda: torch.set_grad_enabled(False),
    "the warnings' filters": lambda: warnings.simplefilter("ignore", UserWarning),
    "nothing printed": lambda: print("hello"),
}


@pytest.fixture
def solver() -> type[Solver]:
    """The fixture of ``TestContract``, imported above: pytest runs every check on the valid solver."""
    return Walk


@pytest.mark.parametrize(
    ("name", "faulty", "text"),
    [
        ("declares_itself", Nameless, "one word"),
        ("declares_itself", Uncited, "citation"),
        ("documents_its_options", Undescribed, "speed to have a description"),
        ("documents_its_options", Needy, "speed to have a default"),
        ("documents_its_options", Unwritten, "JSON"),
        ("validates_its_options", Lenient, "unknown option"),
        ("validates_its_options", Boundless, "out of its bounds, at 0"),
        ("validates_its_options", Mutable, "is assigned"),
        ("states_what_it_supports", Choosy, "not implemented"),
        ("states_what_it_supports", Moody, "the same each time"),
        ("steps_keep_their_shapes", Flat, "one number for each row"),
        ("steps_keep_their_shapes", Floating, "int64"),
        ("steps_keep_their_shapes", Heedless, "allowed literals"),
        ("steps_keep_their_shapes", Infinite, "finite energies"),
        ("steps_keep_their_shapes", Turned, "batch axis"),
        ("rows_do_not_mix", Gossip, "a row to take the same step alone"),
        ("resumes_from_its_state", Secretive, "resumed state"),
        ("resumes_from_its_state", Unpicklable, "pickled"),
        ("moves_between_devices", Homebound, "without device="),
        ("solves_small_problems", Fixed, "to be solved"),
        ("solves_small_problems", Crashing, "ArithmeticError: lost the thread"),
        ("makes_no_false_claims", Boastful, "no violated constraint in a solution"),
        ("makes_no_false_claims", Gloomy, "not to be called unsatisfiable"),
        ("makes_no_false_claims", Content, "called optimal to have the minimum"),
        ("repeats_itself", Fickle, "two runs with one seed"),
        ("batch_invariant", Sociable, "alone as in a batch"),
        ("keeps_to_its_budget", Unstoppable, "no more iterations"),
        ("keeps_to_its_budget", Deaf, "after a cancellation"),
        ("keeps_to_its_budget", Forgetful, "every problem to be answered once"),
        ("keeps_to_its_budget", Dawdling, "to end within"),
        ("gives_several_answers", Repetitive, "no run to fail"),
        ("gives_several_answers", Plentiful, "at most the 4 answers"),
    ],
)
def test_each_check_fails_a_solver_that_violates_it(
    name: str, faulty: type[AbstractSolver], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SLACK", 0.1)
    (check,) = (c for c in CHECKS if c.__name__ == name)
    reason = failure(check, faulty)
    assert reason is not None
    assert text in reason
    assert re.fullmatch(rf"{name}: expected .+; found .+; hint: .+", reason)


@pytest.mark.parametrize(("what", "effect"), EFFECTS.items(), ids=EFFECTS)
def test_side_effects_are_found(what: str, effect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Careless, "effect", lambda self: effect())
    try:
        reason = failure(CHECKS[-1], Careless)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)
        torch.set_grad_enabled(True)
    assert reason is not None
    assert what in reason


def test_effects_on_the_process_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, folders, environment, working folder and threads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WALKED", "0")
    stop = threading.Event()
    count = iter(range(1_000_000))
    (tmp_path / "elsewhere").mkdir()
    effects: dict[str, Any] = {
        "found open log.txt": lambda: Path("log.txt").write_text("walked"),
        "found os.mkdir": lambda: Path(f"{next(count)}").mkdir(),
        "the environment": lambda: monkeypatch.setenv("WALKED", f"{next(count)}"),
        "no new thread": lambda: threading.Thread(target=stop.wait, daemon=True).start(),
        "the working directory": lambda: monkeypatch.chdir(tmp_path / "elsewhere"),
    }
    try:
        for what, effect in effects.items():
            monkeypatch.setattr(Careless, "effect", lambda self, effect=effect: effect())
            reason = failure(CHECKS[-1], Careless)
            assert reason is not None
            assert what in reason
    finally:
        stop.set()


def test_a_plugin_s_tests_need_one_fixture() -> None:
    """``TestContract`` has a test for every check, which uses the fixture ``solver``."""
    names = [name for name in vars(TestContract) if name.startswith("test_")]
    assert names == [f"test_{check.__name__}" for check in CHECKS]
    with pytest.raises(conformance.ContractViolation, match="alone"):
        TestContract().test_batch_invariant(solver=Sociable)  # type: ignore[attr-defined]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_slow_solver_passes_every_check(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Iterations limit the runs, so no result depends on the speed of the machine."""
    monkeypatch.setattr(Slow, "now", 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: Slow.now)
    assert outcome(check, Slow)[0] == "ok"


def test_an_error_of_the_solver_fails_the_check() -> None:
    class Leaving(Walk):
        """Its supports exits the program."""

        def supports(self, graph: ConstraintGraph) -> str | None:
            raise SystemExit(3)

    for check in CHECKS[3:]:
        reason = failure(check, Leaving)
        assert reason is not None
        assert "SystemExit" in reason


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
@pytest.mark.parametrize("name", ["descent", "probsat", "tabu", "meanfield", "looped"])
def test_solvers_move_to_the_accelerator(name: str) -> None:
    (check,) = (c for c in CHECKS if c.__name__ == "moves_between_devices")
    assert failure(check, load(name)) is None


def test_support_lists_the_constraint_kinds() -> None:
    kinds = {c.kind for problem in satisfiable() for c in problem.graph.constraints}
    assert set(support(Walk)) == {*kinds, "an objective", "several answers"}
    assert set(support(Choosy).values()) == {"not implemented", None}


def test_checks_of_steps_are_skipped_for_a_solver_without_steps() -> None:
    skipped = {check.__name__ for check in CHECKS[:8] if outcome(check, load("cpsat"))[0] == "skipped"}
    stepwise = {"steps_keep_their_shapes", "rows_do_not_mix", "resumes_from_its_state", "moves_between_devices"}
    assert skipped == stepwise
    assert failure(CHECKS[4], load("cpsat")) is None
