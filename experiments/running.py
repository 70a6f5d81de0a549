"""Runs an experiment part by part: a part is one method with one seed. Finished parts are kept, so a run resumes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from ..engine.problem import Problem
from ..engine.recording import Recorder
from .experiment import Experiment, Method, Results
from .locks import Busy, locked
from .parts import Parts
from .solving import RESUMES, Cancelled, prepare, training_name

GRACE = 20.0
"""Seconds in which an interrupted process can write the checkpoint of its training."""
ENDS = (signal.SIGINT, signal.SIGTERM)
POLL = 0.2
"""Seconds between two looks at the parts of other processes."""


@dataclass(frozen=True)
class Place:
    """Where and how an experiment runs. Several processes may use one folder: each takes parts that no other one has.

    Args:
        folder: of finished parts, weights and checkpoints.
        device: ``cpu`` or ``cuda``.
        version: of mull; parts of another version are measured again.
        store: opens the store that records every run, or a context of None to store nothing.
        notice: called with messages for the user.
        cancelled: returns True to stop; the part in progress is resumed by the next call.
        optima: digest -> optimal objective of the problems that were solved exactly, each once in a process.
    """

    folder: Path
    device: str
    version: str
    store: Callable[[], AbstractContextManager[Recorder | None]]
    notice: Callable[[str], None]
    cancelled: Callable[[], bool]
    optima: dict[str, int | None] = field(default_factory=dict, repr=False)


def measure(
    experiment: Experiment,
    full: bool,
    place: Place,
    jobs: int = 1,
    sets: Mapping[str, Sequence[Problem]] | None = None,
) -> Results | None:
    """Measure all parts that are not finished yet.

    Args:
        experiment: the declaration.
        full: whether the version for a GPU runs.
        place: where it runs.
        jobs: processes that share the parts and the cores. With more than one, the experiment's class and the functions
            of the place but ``cancelled`` must be importable.
        sets: the problems of this version, if they are made already.

    Returns:
        The outcomes of all parts; None if the run was cancelled.

    Raises:
        TypeError: the outcomes of a part are not columns of numbers.
        ValueError: there is no method, seed or problem, two methods have the same label, the outcomes of a part are not
            finite numbers, or the columns of two parts are not those of the same problems.
    """
    methods = experiment.methods(full)
    if sets is None:
        place.notice(f"{experiment.name}: making the problems")
        sets = experiment.problems(full)
    for what, there in (("method", methods), ("seed", experiment.seeds), ("set of problems", sets)):
        if not there:
            raise ValueError(f"the experiment has no {what}")
    if len({method.label for method in methods}) < len(methods):
        raise ValueError("two methods have the same label")
    parts = Parts(place.folder, methods, sets, place.version, place.device)
    work = [(number, seed) for number in range(len(methods)) for seed in experiment.seeds]
    missing = sum(parts.read(*key) is None for key in work)
    if min(jobs, missing) > 1:
        _share(experiment, full, place, min(jobs, missing), sets)
    pace = _Pace(missing)
    # With other processes, this measures only what one of them failed to measure, and so raises its exception.
    left = work
    with place.store() as store:
        while left and not place.cancelled():
            try:
                busy = [key for key in left if not _finish(experiment, parts, key, methods, sets, place, store, pace)]
            except Cancelled:
                return None
            if len(busy) == len(left):
                time.sleep(POLL)
            left = busy
    if left:
        return None
    outcomes: dict[tuple[str, str, int], list[float]] = {}
    parameters: dict[str, int] = {}
    for number, seed in work:
        part = parts.read(number, seed)
        if part is None:
            return None  # another process has removed it
        label = methods[number].label
        outcomes |= {(label, column, seed): values for column, values in part.columns.items()}
        if part.parameters:
            parameters[label] = part.parameters
    results = Results(outcomes, parameters, experiment.own_problems)
    results.check()
    return results


@dataclass
class _Pace:
    """How many of the missing parts this process has measured, and the remaining time by the speed so far."""

    missing: int
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        text = f"part {self.done + 1} of {self.missing}"
        if not self.done:
            return text
        minutes = (time.monotonic() - self.began) / self.done * (self.missing - self.done) / 60
        return f"{text}, about {max(minutes, 0.1):.1f} min left"


def _finish(
    experiment: Experiment,
    parts: Parts,
    key: tuple[int, int],
    methods: Sequence[Method],
    sets: Mapping[str, Sequence[Problem]],
    place: Place,
    store: Recorder | None,
    pace: _Pace,
) -> bool:
    """Measure a part if nobody else does. Returns whether it is finished.

    Raises:
        Cancelled: the run was cancelled.
    """
    number, seed = key
    method = methods[number]
    # Methods with the same training share its lock, so that it runs once.
    name = f"part-{number}-{seed}" if method.training is None else training_name(method, seed, place.version)
    try:
        with locked(place.folder / f"{name}.lock"):
            if place.cancelled():
                raise Cancelled("the experiment was interrupted", RESUMES)
            if parts.read(number, seed) is None:
                place.notice(f"{experiment.name}: {method.label}, seed {seed} ({pace})")
                part = prepare(method, seed, place, store)
                parts.write(number, seed, experiment.outcomes(part, sets), part.parameters)
                pace.done += 1
            return True
    except Busy:
        return False


def _share(experiment: Experiment, full: bool, place: Place, jobs: int, sets: Mapping[str, Sequence[Problem]]) -> None:
    """Measure parts in processes, each on its share of the cores, until all of them have ended."""
    own = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    processes = [
        get_context("spawn").Process(
            target=_work, args=(experiment, full, replace(place, cancelled=_never), own[k::jobs], os.getpid(), sets)
        )
        for k in range(jobs)
    ]
    with _blocked():
        for process in processes:
            process.start()
    try:
        while any(process.is_alive() for process in processes) and not place.cancelled():
            time.sleep(POLL)
    finally:
        for process in processes:
            process.terminate()  # a signal: it keeps the checkpoint of its training
        for process in processes:
            process.join(GRACE)
            process.kill()  # one that still measures: its part is measured again


@contextmanager
def _blocked() -> Iterator[None]:
    """Hold back the signals that end a process. Processes that start inside hold them back until ``_work`` handles them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its start, which the first process causes, would let the signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(
    experiment: Experiment,
    full: bool,
    place: Place,
    cores: Sequence[int],
    parent: int,
    sets: Mapping[str, Sequence[Problem]],
) -> None:
    """Measure parts until none is left, a signal arrives, or the parent has ended."""
    received: list[int] = []
    for number in ENDS:
        signal.signal(number, lambda got, _: received.append(got))
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    if cores:
        os.sched_setaffinity(0, cores)
    with suppress(Exception):  # the parent measures this part, too, and raises it
        stopped = replace(place, cancelled=lambda: bool(received) or os.getppid() != parent)
        measure(experiment, full, stopped, sets=sets)


def _never() -> bool:
    """False: the process decides itself."""
    return False
