"""Runs an experiment part by part: a part is one method with one seed. Finished parts are kept, so a run resumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..engine.problem import Problem
from ..engine.recording import Recorder
from ..engine.solution import Solution
from ..engine.solver import AbstractSolver
from ..engine.solving import solve
from ..engine.status import Status
from ..engine.task import Task
from ..engine.weights import write_file
from ..plugins import load
from .experiment import Experiment, Method, Results


@dataclass(frozen=True)
class Place:
    """Where and how an experiment runs.

    Args:
        folder: of finished parts, weights and checkpoints.
        device: ``cpu`` or ``cuda``.
        version: of mull; parts of another version are measured again.
        store: records every run; None stores nothing.
        notice: called with messages for the user.
        cancelled: returns True to stop; the part in progress is resumed by the next call.
    """

    folder: Path
    device: str
    version: str
    store: Recorder | None
    notice: Callable[[str], None]
    cancelled: Callable[[], bool]


def measure(experiment: Experiment, full: bool, place: Place) -> Results | None:
    """Measure all parts that are not finished yet.

    Args:
        experiment: the declaration.
        full: whether the version for a GPU runs.
        place: where it runs.

    Returns:
        The outcomes of all parts; None if the run was cancelled.

    Raises:
        ValueError: two methods have the same label.
    """
    place.notice(f"{experiment.name}: making the problems")
    methods, sets = experiment.methods(full), experiment.problems(full)
    if len({method.label for method in methods}) < len(methods):
        raise ValueError(f"experiment {experiment.name}: two methods have the same label")
    outcomes: dict[tuple[str, str, int], list[bool]] = {}
    parameters: dict[str, int] = {}
    best: dict[str, list[int | None]] = {}
    for seed in experiment.seeds:
        for number, method in enumerate(methods):
            if place.cancelled():
                return None
            path = place.folder / f"part-{number}-{seed}.json"
            identity = _identity(method, sets, place)
            part = _finished(path, identity, sets)
            if part is None:
                place.notice(f"{experiment.name}: {method.label}, seed {seed}")
                part = _measured(method, sets, seed, place, best)
                if part is None:
                    return None
                write_file(path, json.dumps({"of": identity, **part}).encode())
            for name, solved in part["solved"].items():
                outcomes[method.label, name, seed] = solved
            if part["parameters"]:
                parameters[method.label] = part["parameters"]
    return Results(outcomes, parameters)


def _identity(method: Method, sets: Mapping[str, Sequence[Problem]], place: Place) -> dict[str, Any]:
    """The data that must be equal for a finished part to count."""
    digests = {name: [problem.digest for problem in problems] for name, problems in sets.items()}
    given = {"method": asdict(method), "problems": digests, "version": place.version, "device": place.device}
    plain: dict[str, Any] = json.loads(json.dumps(given, default=str))
    return plain


def _finished(path: Path, identity: Mapping[str, Any], sets: Mapping[str, Sequence[Problem]]) -> dict[str, Any] | None:
    """The part in a file; None if there is none, or it is damaged or of another declaration."""
    try:
        part: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(part, dict) or part.get("of") != identity:
        return None
    solved: Any = part.get("solved")
    whole = isinstance(solved, dict) and isinstance(part.get("parameters"), int) and [*solved] == [*sets]
    return part if whole and all(_outcomes(solved[name], len(sets[name])) for name in sets) else None


def _outcomes(given: Any, count: int) -> bool:
    """Whether a value is a list of truth values, one for each problem."""
    return isinstance(given, list) and len(given) == count and all(isinstance(each, bool) for each in given)


def _measured(
    method: Method,
    sets: Mapping[str, Sequence[Problem]],
    seed: int,
    place: Place,
    best: dict[str, list[int | None]],
) -> dict[str, Any] | None:
    """Train if needed, and solve each set. None if the run was cancelled."""
    options = {key: str(value) for key, value in method.options.items()}
    parameters = 0
    if method.training is not None:
        trained = _trained(method, options, seed, place)
        if trained is None:
            return None
        path, parameters = trained
        options = {"weights": str(path)}
    options |= {key: str(value) for key, value in method.solving.items()}
    solver = load(method.solver).from_options(options)
    solved: dict[str, list[bool]] = {}
    for label, problems in sets.items():
        found = _solve(solver, problems, method, seed, place)
        if place.cancelled() or any(s.status is Status.CANCELLED for s in found):
            return None
        if label not in best:
            best[label] = _optima(problems)
        pairs = zip(found, best[label], strict=True)
        solved[label] = [s.status.solved and (cost is None or s.objective == cost) for s, cost in pairs]
    return {"solved": solved, "parameters": parameters}


def _solve(
    solver: AbstractSolver, problems: Sequence[Problem], method: Method, seed: int, place: Place
) -> list[Solution]:
    task = Task(method.budget, seed=seed, device=place.device, cancelled=place.cancelled, on_notice=place.notice)
    return solve(problems, solver, task, store=place.store)


def _optima(problems: Sequence[Problem]) -> list[int | None]:
    """The optimal objective of each problem; None for a problem without one. Only optimal answers count as solved."""
    if all(problem.graph.objective is None for problem in problems):
        return [None] * len(problems)
    return [solution.objective for solution in solve(problems, load("cpsat")())]


def _trained(method: Method, options: Mapping[str, str], seed: int, place: Place) -> tuple[Path, int] | None:
    """Train a net, or resume its training: the file of its weights and the number of its parameters."""
    from ..engine.training import Recipe
    from ..problems.streams import stream
    from ..solvers.learned import Learned
    from ..solvers.train import train

    training = method.training
    solver = load(method.solver).from_options(dict(options))
    assert training is not None
    assert isinstance(solver, Learned), f"{method.solver} cannot be trained"
    # Methods that differ only when solving share a name, and so the weights.
    identity = json.dumps([method.solver, options, asdict(training), place.version], default=str)
    name = f"{method.solver}-{sha256(identity.encode()).hexdigest()[:12]}-{seed}"
    result = train(
        solver,
        [(stream(data, seed=seed), stream(data, "validation", seed=seed)) for data in training.data],
        Recipe(**{**solver.recipe(), **training.recipe}),
        name=name,
        folder=place.folder,
        version=place.version,
        steps=training.steps,
        seed=seed,
        device=place.device,
        compiled=place.device.startswith("cuda"),
        on_notice=place.notice,
        cancelled=place.cancelled,
    )
    if place.store is not None:
        place.store.write([result.solution()])
    assert result.card.path is not None
    return (Path(result.card.path), result.card.parameters) if result.finished else None
