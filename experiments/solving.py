"""A part that is ready to solve: its solver is trained where the method has a training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import MullError
from ..engine.problem import Problem
from ..engine.recording import Recorder
from ..engine.solution import Solution
from ..engine.solver import AbstractSolver
from ..engine.solving import solve
from ..engine.status import Status
from ..engine.task import Task
from ..plugins import load
from .experiment import Method, Training

if TYPE_CHECKING:
    from ..engine.examples import Stream
    from .running import Place


RESUMES = "the same command resumes it"


class Cancelled(MullError):
    """The run was cancelled."""


@dataclass(frozen=True)
class ReadyPart:
    """One method with one seed; see ``experiment.Part``.

    Args:
        method: the line of the table.
        seed: of all random numbers.
        solver: with trained weights where the method has a training.
        weights: file of the trained weights, or the option ``weights``.
        parameters: of the trained net; 0 without a training.
        place: where the experiment runs.
        store: records the runs.
    """

    method: Method
    seed: int
    solver: AbstractSolver
    weights: str | None
    parameters: int
    place: Place = field(repr=False)
    store: Recorder | None = field(repr=False)

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""
        return self.place.device

    def solve(self, problems: Sequence[Problem]) -> list[Solution]:
        """Solve problems within the method's budget, and record the runs.

        Args:
            problems: one set.

        Raises:
            Cancelled: the run was cancelled.
        """
        place = self.place
        task = Task(self.method.budget, self.seed, place.device, cancelled=place.cancelled, on_notice=place.notice)
        found = solve(problems, self.solver, task, store=self.store)
        if place.cancelled() or any(solution.status is Status.CANCELLED for solution in found):
            raise Cancelled("the experiment was interrupted", RESUMES)
        return found

    def solved(self, problems: Sequence[Problem]) -> list[bool]:
        """Solve problems: whether each has a valid answer, which must be optimal where there is an objective.

        Args:
            problems: one set.

        Raises:
            Cancelled: the run was cancelled.
        """
        pairs = zip(self.solve(problems), _optima(problems, self.place.optima), strict=True)
        return [found.status.solved and (best is None or found.objective == best) for found, best in pairs]


def prepare(method: Method, seed: int, place: Place, store: Recorder | None) -> ReadyPart:
    """Make the solver of a part; train it, or resume its training, if the method has one.

    Args:
        method: the line of the table.
        seed: of all random numbers.
        place: where the experiment runs.
        store: records the training and the runs.

    Raises:
        Cancelled: the run was cancelled.
    """
    options = {key: str(value) for key, value in method.options.items()}
    parameters = 0
    if method.training is not None:
        path, parameters = _train(method.solver, options, method.training, seed, place, store)
        options = {"weights": str(path)}
    options |= {key: str(value) for key, value in method.solving.items()}
    solver = load(method.solver).from_options(options)
    return ReadyPart(method, seed, solver, options.get("weights"), parameters, place, store)


def training_name(method: Method, seed: int, version: str) -> str:
    """The name of the weights of a part. Methods that differ only when solving share it.

    Args:
        method: with a training.
        seed: of the training.
        version: of mull.
    """
    assert method.training is not None
    return _name(
        method.solver, {key: str(value) for key, value in method.options.items()}, method.training, seed, version
    )


def _name(solver: str, options: Mapping[str, str], training: Training, seed: int, version: str) -> str:
    identity = json.dumps([solver, options, asdict(training), version], default=str)
    return f"{solver}-{sha256(identity.encode()).hexdigest()[:12]}-{seed}"


def _optima(problems: Sequence[Problem], known: dict[str, int | None]) -> list[int | None]:
    """The optimal objective of each problem, kept in ``known``; None for a problem without one."""
    missing = [problem for problem in problems if problem.graph.objective is not None and problem.digest not in known]
    for problem, solution in zip(missing, solve(missing, load("cpsat")()) if missing else [], strict=True):
        known[problem.digest] = solution.objective
    return [known.get(problem.digest) for problem in problems]


def _train(
    solver: str, options: dict[str, str], training: Training, seed: int, place: Place, store: Recorder | None
) -> tuple[Path, int]:
    """The file of the trained weights, and the number of parameters.

    Raises:
        Cancelled: the run was cancelled; the same call resumes the training.
    """
    from ..engine.training import Recipe
    from ..problems.streams import stream
    from ..problems.streams.limited import Limited
    from ..solvers.learned import Learned
    from ..solvers.train import train

    def used(source: Stream) -> Stream:
        return source if training.examples is None else Limited(source, training.examples)

    base = None if training.base is None else _train(solver, options, training.base, seed, place, store)[0]
    made = load(solver).from_options(options)
    assert isinstance(made, Learned), f"{solver} cannot be trained"
    result = train(
        made,
        [(used(stream(data, seed=seed)), stream(data, "validation", seed=seed)) for data in training.data],
        Recipe(**{**made.recipe(), **training.recipe}),
        name=_name(solver, options, training, seed, place.version),
        folder=place.folder,
        version=place.version,
        steps=training.steps,
        base=None if base is None else str(base),
        seed=seed,
        device=place.device,
        compiled=place.device.startswith("cuda") and training.compiled,
        on_notice=place.notice,
        cancelled=place.cancelled,
    )
    if store is not None:
        store.write([result.solution()])
    if not result.finished:
        raise Cancelled("the experiment was interrupted", RESUMES)
    assert result.card.path is not None
    return Path(result.card.path), result.card.parameters
