"""Solvers with one fault each, which the conformance checks must find; and two valid ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

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
from mull.solvers.cpsat import CpSat


@dataclass(frozen=True)
class State:
    assignment: Tensor
    violations: Tensor
    random: Random
    age: Tensor


class Walk(Solver):
    """A valid solver: a random walk that rejects moves to more violations."""

    name: ClassVar[str] = "walk"
    citation: ClassVar[str] = "none"
    patience: int = Field(300, ge=1, description="steps after which a row restarts")

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
    """Its name has two words."""

    name: ClassVar[str] = "two words"


class Uncited(Walk):
    """It has no citation."""

    citation: ClassVar[str] = ""


class Undescribed(Walk):
    """An option has no description."""

    speed: float = 1.0


class Needy(Walk):
    """An option has no default."""

    speed: float = Field(description="how fast")


class Unwritten(Walk):
    """An option cannot be written as JSON."""

    speed: Any = Field(frozenset(), description="how fast")

    @property
    def options(self) -> dict[str, Any]:
        return {"speed": self.speed}


class Lenient(Walk):
    """It accepts unknown options."""

    model_config = ConfigDict(extra="ignore")


class Boundless(Walk):
    """It does not enforce the bounds of an option."""

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> AbstractSolver:
        if options.get("patience") == 0:
            return cls()
        return super().from_options(options)


class Mutable(Walk):
    """Its options can be assigned."""

    model_config = ConfigDict(frozen=False)


class Choosy(Walk):
    """It supports no graph."""

    def supports(self, graph: ConstraintGraph) -> str | None:
        return "not implemented"


class Moody(Walk):
    """It supports a graph only every second time."""

    asked: ClassVar[list[int]] = []

    def supports(self, graph: ConstraintGraph) -> str | None:
        self.asked.append(1)
        return None if len(self.asked) % 2 else "not now"


class Flat(Walk):
    """Its energy is one number for all rows."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return state, info._replace(energy=info.energy.mean())


class Floating(Walk):
    """It decodes to floats."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return super().decode(instance, state).float()


class Heedless(Walk):
    """It decodes to literals that the givens exclude."""

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return torch.zeros_like(state.assignment)


class Infinite(Walk):
    """Its energies are infinite or not a number."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return state, info._replace(energy=info.energy / 0)


class Turned(Walk):
    """A tensor of its state has no batch axis."""

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
    """Its rows exchange their assignments."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return replace(state, assignment=state.assignment.roll(1, 0)), info


class Secretive(Walk):
    """It stores part of the state on the class."""

    steps: ClassVar[list[int]] = []

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        self.steps.append(1)
        return super().step(instance, replace(state, age=state.age + len(self.steps)))


class Unpicklable(Walk):
    """Its state cannot be pickled."""

    def init(self, instance: Instance, random: Random) -> Any:
        return {"walk": super().init(instance, random), "how": lambda: None}

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        walked, info = super().step(instance, state["walk"])
        return {**state, "walk": walked}, info

    def decode(self, instance: Instance, state: Any) -> Tensor:
        return super().decode(instance, state["walk"])


class Homebound(Walk):
    """It creates tensors on the CPU, whatever the device of the instance."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        state, info = super().step(instance, state)
        return replace(state, age=state.age + torch.zeros(len(state.age), dtype=torch.int64)), info


class Fixed(Walk):
    """It never changes its assignment."""

    def supports(self, graph: ConstraintGraph) -> str | None:
        return None if len(graph.domains) == 16 else "only Sudokus"

    def init(self, instance: Instance, random: Random) -> State:
        state = super().init(instance, random)
        assignment = instance.allowed.long().argmax(-1)
        return replace(state, assignment=assignment, violations=instance.violations(assignment))

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        _, info = super().step(instance, state)
        return replace(state, age=state.age + 1), info


class Crashing(Walk):
    """Its step raises an error."""

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        raise ArithmeticError("lost the thread")


class Whole(WholeSolver):
    """A valid solver of whole problems, which finds nothing."""

    name: ClassVar[str] = "whole"
    citation: ClassVar[str] = "none"
    claims: ClassVar[Status] = Status.UNSOLVED

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for n, problem in enumerate(problems):
            first = {name: problem.givens.get(name, domain[0]) for name, domain in problem.graph.domains.items()}
            yield n, Solution(problem, self.name, self.claims, first if self.claims.solved else None)


class Boastful(Whole):
    """It claims that every problem is solved."""

    claims: ClassVar[Status] = Status.SOLVED


class Gloomy(Whole):
    """It claims that every problem is unsatisfiable."""

    claims: ClassVar[Status] = Status.UNSATISFIABLE


class Content(CpSat):
    """It claims that the first solution is optimal."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for n, solution in super().run(problems, task):
            if problems[n].graph.objective is None:
                yield n, solution
            else:
                yield n, replace(solution, assignment={"a": 3, "b": 2, "c": 1})


class Forgetful(Whole):
    """It returns no answer for the last problem."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        yield from list(super().run(problems, task))[:-1]


class Dawdling(Whole):
    """It ignores the time limit."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if not task.over:
            end = time.monotonic() + 0.8
            while time.monotonic() < end:
                pass
        yield from super().run(problems, task)


class Fickle(Walk):
    """It draws random numbers from torch's generator."""

    def init(self, instance: Instance, random: Random) -> State:
        state = super().init(instance, random)
        return replace(state, age=state.age + int(torch.randint(100, ()).item()))


class Sociable(Walk):
    """It gives up earlier in a larger batch."""

    def settled(self, instance: Instance, state: State, info: Info) -> Tensor:
        return state.age >= (self.patience if len(state.age) == 1 else 2)


class Rebudgeted(WholeSolver):
    """Runs another solver for 40 iterations, whatever the budget."""

    name: ClassVar[str] = "walk"
    inner: Walk
    always: bool

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        iterations = 40 if self.always else task.budget.iterations or 40
        budget = replace(task.budget, seconds=None if self.always else task.budget.seconds, iterations=iterations)
        return iterate(self.inner, [Trial(problem) for problem in problems], Task(budget))


class Unstoppable(Walk):
    """It ignores the budget."""

    def bind(self, problem: Problem) -> Rebudgeted:
        return Rebudgeted(inner=self, always=True)


class Deaf(Walk):
    """It ignores a cancellation."""

    def bind(self, problem: Problem) -> Rebudgeted:
        return Rebudgeted(inner=self, always=False)


class Repetitive(Whole):
    """It fails when several answers are wanted."""

    claims: ClassVar[Status] = Status.FAILED

    def samples(self, problem: Problem) -> str | None:
        return None


class Plentiful(CpSat):
    """It returns more answers than wanted."""

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if task.budget.solutions is None:
            return super().run(problems, task)
        return super().run(problems, replace(task, budget=replace(task.budget, solutions=50)))


class Slow(Walk):
    """Each step takes 100 s of a simulated clock."""

    now: ClassVar[float] = 0.0

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        Slow.now += 100
        return super().step(instance, state)


class Careless(Walk):
    """It calls ``effect`` at every start."""

    def effect(self) -> None: ...

    def init(self, instance: Instance, random: Random) -> State:
        self.effect()
        return super().init(instance, random)
