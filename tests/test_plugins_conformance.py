"""Every conformance check can fail: each is held against solvers that break it on purpose, and against one that does not."""

from __future__ import annotations

import random as pythons_random
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from pydantic import ConfigDict, Field
from torch import Tensor

from mull.engine import (
    AbstractSolver,
    ConstraintGraph,
    Info,
    Instance,
    Problem,
    Random,
    Solution,
    Solver,
    Status,
    Task,
    WholeSolver,
)
from mull.engine.loop import Trial, iterate
from mull.plugins import conformance, load
from mull.plugins.conformance import CHECKS, Check, TestContract, complaint, outcome, runs, satisfiable, support
from mull.solvers.cpsat import CpSat


@dataclass(frozen=True)
class State:
    assignment: Tensor
    violations: Tensor
    random: Random
    age: Tensor


class Walk(Solver):
    """A random walk that refuses to get worse."""

    name: ClassVar[str] = "walk"
    citation: ClassVar[str] = "nobody's"
    patience: int = Field(300, ge=1, description="steps after which a row starts anew")

    def init(self, instance: Instance, random: Random) -> State:
        _, variables, values = instance.shape
        assignment = random.at(0).uniform(variables, values).masked_fill(~instance.allowed, -1).argmax(-1)
        age = torch.zeros(len(assignment), dtype=torch.int64, device=instance.device)
        return State(assignment, instance.violations(assignment), random.at(1), age)

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        _, variables, values = instance.shape
        random = state.random.at(state.age)
        which = random.at(0).uniform(variables).masked_fill(~instance.free, -1).argmax(1, keepdim=True)
        allowed = instance.allowed.gather(1, which[..., None].expand(-1, 1, values))
        value = random.at(1).uniform(1, values).masked_fill(~allowed, -1).argmax(-1)
        moved = state.assignment.scatter(1, which, value)
        violations = instance.violations(moved)
        better = violations <= state.violations
        assignment = torch.where(better[:, None], moved, state.assignment)
        violations = torch.where(better, violations, state.violations)
        residual = (assignment != state.assignment).any(1).float()
        return State(assignment, violations, state.random, state.age + 1), Info(violations.float(), residual)

    def decode(self, instance: Instance, state: State) -> Tensor:
        return state.assignment

    def settled(self, instance: Instance, state: State, info: Info) -> Tensor:
        return state.age >= self.patience


class Nameless(Walk):
    """A name that cannot be typed as one word."""

    name: ClassVar[str] = "two words"


class Uncited(Walk):
    """Nobody's method."""

    citation: ClassVar[str] = ""


class Undescribed(Walk):
    """An option that nobody explains."""

    speed: float = 1.0


class Needy(Walk):
    """An option that must be given."""

    speed: float = Field(description="how fast")


class Unwritten(Walk):
    """An option that is no JSON."""

    speed: Any = Field(frozenset(), description="how fast")

    @property
    def options(self) -> dict[str, Any]:
        return {"speed": self.speed}


class Lenient(Walk):
    """Takes any option."""

    model_config = ConfigDict(extra="ignore")


class Boundless(Walk):
    """Bounds that are not kept."""

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> AbstractSolver:
        if options.get("patience") == 0:
            return cls()
        return super().from_options(options)


class Mutable(Walk):
    """Options that change under way."""

    model_config = ConfigDict(frozen=False)


class Choosy(Walk):
    """Supports nothing."""

    def supports(self, graph: ConstraintGraph) -> str | None:
        return "I would rather not"


class Moody(Walk):
    """Supports what it did not support before."""

    asked: ClassVar[list[int]] = []

    def supports(self, graph: ConstraintGraph) -> str | None:
        self.asked.append(1)
        return None if len(self.asked) % 2 else "not now"


class Flat(Walk):
    """One energy for all rows."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return state, info._replace(energy=info.energy.mean())


class Floating(Walk):
    """Decodes to numbers that are no indices."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return super().decode(instance, state).float()


class Heedless(Walk):
    """Decodes to literals that the givens exclude."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return torch.zeros_like(state.assignment)


class Infinite(Walk):
    """Energies that are no numbers."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return state, info._replace(energy=info.energy / 0)


class Turned(Walk):
    """A state whose batch axis is not the first."""

    def init(self, instance: Instance, random: Random) -> Any:
        return super().init(instance, random), torch.zeros(7)

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        walked, info = super().step(instance, state[0])
        return (walked, state[1]), info

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return super().decode(instance, state[0])

    def settled(self, instance: Instance, state: Any, info: Info) -> Tensor:
        return super().settled(instance, state[0], info)


class Gossip(Walk):
    """Rows that look at their neighbours."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return replace(state, assignment=state.assignment.roll(1, 0)), info


class Secretive(Walk):
    """Keeps part of its state to itself."""

    steps: ClassVar[list[int]] = []

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        self.steps.append(1)
        return super().step(instance, replace(state, age=state.age + len(self.steps)))


class Unpicklable(Walk):
    """A state that cannot be put away."""

    def init(self, instance: Instance, random: Random) -> Any:
        return {"walk": super().init(instance, random), "how": lambda: None}

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        walked, info = super().step(instance, state["walk"])
        return {**state, "walk": walked}, info

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return super().decode(instance, state["walk"])


class Homebound(Walk):
    """Makes tensors on the processor, wherever the instance is."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return replace(state, age=state.age + torch.zeros(len(state.age), dtype=torch.int64)), info


class Fixed(Walk):
    """Never moves."""

    def supports(self, graph: ConstraintGraph) -> str | None:
        return None if len(graph.domains) == 16 else "Sudokus alone"

    def init(self, instance: Instance, random: Random) -> State:
        state = super().init(instance, random)
        assignment = instance.allowed.long().argmax(-1)
        return replace(state, assignment=assignment, violations=instance.violations(assignment))

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        _, info = super().step(instance, state)
        return replace(state, age=state.age + 1), info


class Crashing(Walk):
    """Raises where it is needed most."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        raise ArithmeticError("lost the thread")


class Whole(WholeSolver):
    """An honest solver of whole problems, to be made worse."""

    name: ClassVar[str] = "whole"
    citation: ClassVar[str] = "nobody's"
    claims: ClassVar[Status] = Status.UNSOLVED

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for n, problem in enumerate(problems):
            first = {name: problem.givens.get(name, domain[0]) for name, domain in problem.graph.domains.items()}
            yield n, Solution(problem, self.name, self.claims, first if self.claims.solved else None)


class Boastful(Whole):
    """Calls everything solved."""

    claims: ClassVar[Status] = Status.SOLVED


class Gloomy(Whole):
    """Calls everything unsatisfiable."""

    claims: ClassVar[Status] = Status.UNSATISFIABLE


class Content(CpSat):
    """Calls the first that it finds the best."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for n, solution in super().run(problems, task):
            if problems[n].graph.objective is None:
                yield n, solution
            else:
                yield n, replace(solution, assignment={"a": 3, "b": 2, "c": 1})


class Forgetful(Whole):
    """Leaves out the last problem."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        yield from list(super().run(problems, task))[:-1]


class Dawdling(Whole):
    """Does not look at the clock."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if not task.over:
            end = time.monotonic() + 0.8
            while time.monotonic() < end:
                pass
        yield from super().run(problems, task)


class Fickle(Walk):
    """Random numbers of its own."""

    def init(self, instance: Instance, random: Random) -> State:
        state = super().init(instance, random)
        return replace(state, age=state.age + int(torch.randint(100, ()).item()))


class Sociable(Walk):
    """The more company, the quicker it gives up."""

    def settled(self, instance: Instance, state: State, info: Info) -> Tensor:
        return state.age >= (self.patience if len(state.age) == 1 else 2)


class Rebudgeted(WholeSolver):
    """Runs another solver for 40 iterations, whatever the budget says."""

    name: ClassVar[str] = "walk"
    inner: Walk
    always: bool

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        iterations = 40 if self.always else task.budget.iterations or 40
        budget = replace(task.budget, seconds=None if self.always else task.budget.seconds, iterations=iterations)
        return iterate(self.inner, [Trial(problem) for problem in problems], Task(budget))


class Unstoppable(Walk):
    """A budget of its own."""

    def bind(self, problem: Problem) -> Rebudgeted:
        return Rebudgeted(inner=self, always=True)


class Deaf(Walk):
    """Does not hear who tells it to stop."""

    def bind(self, problem: Problem) -> Rebudgeted:
        return Rebudgeted(inner=self, always=False)


class Repetitive(Whole):
    """Several answers, all the same."""

    claims: ClassVar[Status] = Status.FAILED

    def samples(self, problem: Problem) -> str | None:
        return None


class Plentiful(CpSat):
    """More answers than were asked for."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if task.budget.solutions is None:
            return super().run(problems, task)
        return super().run(problems, replace(task, budget=replace(task.budget, solutions=50)))


class Slow(Walk):
    """A step takes 100 s of a clock that nothing else moves."""

    now: ClassVar[float] = 0.0

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        Slow.now += 100
        return super().step(instance, state)


class Careless(Walk):
    """Whatever ``deed`` does, at every start."""

    def deed(self) -> None: ...

    def init(self, instance: Instance, random: Random) -> State:
        self.deed()
        return super().init(instance, random)


DEEDS: dict[str, Any] = {
    "torch's random state": lambda: torch.rand(1),
    "Python's random state": lambda: pythons_random.random(),
    "numpy's random state": lambda: np.random.random(),
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's threads": lambda: torch.set_num_threads(2),
    "torch's gradient mode": lambda: torch.set_grad_enabled(False),
    "the warnings' filters": lambda: warnings.simplefilter("ignore", UserWarning),
    "nothing is printed": lambda: print("hello"),
}


@pytest.fixture
def solver() -> type[Solver]:
    """What ``TestContract``, imported above, asks for: with it pytest holds the good solver to every check."""
    return Walk


@pytest.mark.parametrize(
    ("check", "bad", "says"),
    [
        ("declares_itself", Nameless, "one word"),
        ("declares_itself", Uncited, "citation"),
        ("documents_its_options", Undescribed, "speed has a description"),
        ("documents_its_options", Needy, "speed has a default"),
        ("documents_its_options", Unwritten, "JSON"),
        ("validates_its_options", Lenient, "unknown option"),
        ("validates_its_options", Boundless, "beyond its bounds, at 0"),
        ("validates_its_options", Mutable, "cannot be changed"),
        ("says_what_it_supports", Choosy, "I would rather not"),
        ("says_what_it_supports", Moody, "the same each time"),
        ("steps_keep_their_shapes", Flat, "one energy and residual a row"),
        ("steps_keep_their_shapes", Floating, "int64"),
        ("steps_keep_their_shapes", Heedless, "allowed literals"),
        ("steps_keep_their_shapes", Infinite, "finite"),
        ("steps_keep_their_shapes", Turned, "batch axis"),
        ("rows_do_not_mix", Gossip, "a row alone"),
        ("resumes_from_its_state", Secretive, "resumed state"),
        ("resumes_from_its_state", Unpicklable, "pickled"),
        ("moves_between_devices", Homebound, "made on its device"),
        ("solves_small_problems", Fixed, "is solved"),
        ("solves_small_problems", Crashing, "ArithmeticError: lost the thread"),
        ("never_claims_too_much", Boastful, "solved breaks no constraint"),
        ("never_claims_too_much", Gloomy, "not called unsatisfiable"),
        ("never_claims_too_much", Content, "the least there is"),
        ("repeats_itself", Fickle, "two runs"),
        ("company_changes_nothing", Sociable, "alone"),
        ("keeps_to_its_budget", Unstoppable, "no more iterations"),
        ("keeps_to_its_budget", Deaf, "told to stop"),
        ("keeps_to_its_budget", Forgetful, "every problem is answered once"),
        ("keeps_to_its_budget", Dawdling, "ends within"),
        ("gives_several_answers", Repetitive, "no run fails"),
        ("gives_several_answers", Plentiful, "no more solutions"),
    ],
)
def test_each_check_fails_who_breaks_it(
    check: str, bad: type[Solver], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SLACK", 0.1)
    (held,) = (c for c in CHECKS if c.__name__ == check)
    wrong = complaint(held, bad)
    assert wrong is not None
    assert says in wrong


@pytest.mark.parametrize(("what", "deed"), DEEDS.items(), ids=DEEDS)
def test_side_effects_are_seen(what: str, deed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Careless, "deed", lambda self: deed())
    try:
        wrong = complaint(CHECKS[-1], Careless)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)
        torch.set_grad_enabled(True)
    assert wrong is not None
    assert what in wrong


def test_effects_on_the_process_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, folders, environment, working folder, threads: what monkeypatch and this test can undo."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WALKED", "0")
    stop = threading.Event()
    count = iter(range(1_000_000))
    (tmp_path / "elsewhere").mkdir()
    deeds: dict[str, Any] = {
        "nothing is written, started or sent: open log.txt": lambda: Path("log.txt").write_text("walked"),
        "nothing is written, started or sent: os.mkdir": lambda: Path(f"{next(count)}").mkdir(),
        "the environment": lambda: monkeypatch.setenv("WALKED", f"{next(count)}"),
        "leaves no thread behind": lambda: threading.Thread(target=stop.wait, daemon=True).start(),
        "the working directory": lambda: monkeypatch.chdir(tmp_path / "elsewhere"),
    }
    try:
        for what, deed in deeds.items():
            monkeypatch.setattr(Careless, "deed", lambda self, deed=deed: deed())
            wrong = complaint(CHECKS[-1], Careless)
            assert wrong is not None
            assert what in wrong
    finally:
        stop.set()


def test_a_plugin_s_own_tests_need_one_fixture() -> None:
    """What pytest finds in ``TestContract`` is every check by name, each asking for ``solver``."""
    names = [name for name in vars(TestContract) if name.startswith("test_")]
    assert names == [f"test_{check.__name__}" for check in CHECKS]
    with pytest.raises(conformance.Broken, match="alone"):
        TestContract().test_company_changes_nothing(solver=Sociable)  # type: ignore[attr-defined]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_slow_solver_passes_every_check(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Iterations bound the runs, so that no verdict depends on the speed of the machine."""
    monkeypatch.setattr(Slow, "now", 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: Slow.now)
    assert outcome(check, Slow)[0] == "ok"


def test_checks_never_let_an_error_through() -> None:
    class Leaving(Walk):
        """Ends the program."""

        def supports(self, graph: ConstraintGraph) -> str | None:
            raise SystemExit(3)

    for check in CHECKS[3:]:
        assert complaint(check, Leaving) is not None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
@pytest.mark.parametrize("name", ["descent", "probsat", "tabu", "meanfield", "looped"])
def test_solvers_move_to_the_accelerator(name: str) -> None:
    (check,) = (c for c in CHECKS if c.__name__ == "moves_between_devices")
    assert complaint(check, load(name)) is None


def test_support_says_which_kinds() -> None:
    kinds = {c.kind for problem in satisfiable() for c in problem.graph.constraints}
    assert set(support(Walk)) == {*kinds, "an objective", "several answers"}
    assert set(support(Choosy).values()) == {"I would rather not", None}


def test_checks_of_steps_are_skipped_for_a_solver_without_steps() -> None:
    skipped = {check.__name__ for check in CHECKS[:8] if outcome(check, load("cpsat"))[0] == "skipped"}
    stepwise = {"steps_keep_their_shapes", "rows_do_not_mix", "resumes_from_its_state", "moves_between_devices"}
    assert skipped == stepwise
    assert complaint(CHECKS[4], load("cpsat")) is None
