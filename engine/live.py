"""The progress of runs for other processes of the user, such as the pages of ``solve ui``.

A run publishes its progress in files of one folder, and only while another process watches this folder. Without a
watcher a call of ``solve`` reads one file's time each second. A failure of the disk ends the publishing, not the run.

``ID.state`` has the latest state. The run writes it in place: a new file for each state costs ten times as much.
``ID.N.problem.json`` states problem N of the call.
"""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from .problem import Problem
    from .solution import Solution
    from .task import Progress, Task

SECONDS = 0.08
"""Average seconds between two published states of a run."""
SHARE = 0.015
"""Largest share of a run's time that publishing may take."""
WATCHED_SECONDS = 5.0
"""A folder is watched if its mark is younger than this."""
CHECK_SECONDS = 1.0
"""Seconds between two looks at the mark."""
MOST_VALUES = 5000
"""Largest number of variables whose values are published; decoding more of them would slow the run."""
MOST_BELIEFS = 20_000
"""Largest number of literals whose probabilities are published."""
MOST_CONSTRAINTS = 20_000
"""Largest number of constraints of a problem that is published."""
MARK = "watched"
STATE = ".state"
"""Suffix of the file of a state."""
_HEADER = struct.Struct("<III")
"""Bytes of the state as JSON, bytes of the beliefs, and the CRC-32 of both."""

_numbers = count()
_publishing = False  # a portfolio calls ``solve`` inside: only the outer call publishes


def folder() -> Path:
    """The folder of the published states: ``live`` in the user's state directory."""
    from platformdirs import user_state_path

    return user_state_path("mull", appauthor=False) / "live"


def watch() -> None:
    """Mark the folder as watched; a watcher calls this at least every ``WATCHED_SECONDS``."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / MARK).touch()


@dataclass(frozen=True)
class LiveRun:
    """A published state of a call of ``solve``.

    Args:
        id: the process and the number of the call in it.
        state: solver, source, problem, iteration, violations, solved, total; ``values`` in the order of the problem's
            variables, None where unknown; once the call has ended, ``ended``: ids and statuses of its runs.
        beliefs: the probabilities of all literals in 255ths, one byte each; empty where the solver has none.
        stated: file of the problem, with ``problem`` as JSON and ``minimises``; it is missing for large problems.
        checksum: of the state; another state has another one.
    """

    id: str
    state: dict[str, Any]
    beliefs: bytes
    stated: Path
    checksum: int


def published(known: Mapping[str, LiveRun] | None = None) -> Iterator[LiveRun]:
    """The published states, oldest run first. States of calls that ended some seconds ago are removed.

    Args:
        known: states of an earlier call, by id. A state that has not changed since is not read again.
    """
    place = folder()
    for path in sorted(place.glob(f"*{STATE}"), key=lambda p: p.name) if place.is_dir() else ():
        id = path.name.removesuffix(STATE)
        try:
            run = _read(path, id, (known or {}).get(id))
            ended = "ended" in run.state
            if time.time() - path.stat().st_mtime > WATCHED_SECONDS if ended else not _alive(int(id.partition("-")[0])):
                forget(id)
            yield run
        except (OSError, ValueError, KeyError):  # removed or damaged meanwhile
            continue


def _read(path: Path, id: str, known: LiveRun | None) -> LiveRun:
    """A state.

    Raises:
        ValueError: the file is damaged.
    """
    with path.open("rb") as file:
        for _ in range(3):  # the run may be writing
            file.seek(0)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                continue
            of_state, of_beliefs, checksum = _HEADER.unpack(header)
            if known is not None and known.checksum == checksum:
                return known
            data = file.read(of_state + of_beliefs)
            if zlib.crc32(data) == checksum:
                state = json.loads(data[:of_state])
                stated = path.with_name(f"{id}.{state['problem']}.problem.json")
                return LiveRun(id, state, data[of_state:], stated, checksum)
    if known is not None:
        return known
    raise ValueError(f"{path} is damaged")


def forget(id: str) -> None:
    """Remove the files of a run.

    Args:
        id: of ``LiveRun``.
    """
    for path in folder().glob(f"{id}.*"):
        path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class Publisher:
    """Publishes the progress of one call of ``solve``.

    Args:
        problems: of the call, as stated.
        name: of the solver.
        task: of the call. ``self.task`` is the same, with an ``on_progress`` that publishes too.
    """

    def __init__(self, problems: Sequence[Problem], name: str, task: Task) -> None:
        global _publishing
        self.active = self.outer = not _publishing
        self.task = task
        if not self.active:
            return
        _publishing = True
        self.place = folder()
        self.id = f"{os.getpid()}-{next(_numbers)}"
        self.problems = problems
        self.total, self.name = len(problems), name
        self.of_source = {str(problem.source): n for n, problem in enumerate(problems)} if len(problems) <= 1000 else {}
        self.written = -1  # position of the problem whose statement is written
        self.values: dict[str, Any] = {}
        self.inside: np.ndarray | None = None  # the literals in an array of beliefs
        self.file: int | None = None  # descriptor of the file of the state
        self.due = self.looked = -1e9
        self.began: float | None = None  # when the first state was wanted
        self.spent = 0.0
        self.watched = False
        self.ended: list[dict[str, str]] = []
        self.state: dict[str, Any] = {}
        inner = task.on_progress

        def progress(at: Progress) -> None:
            if inner is not None:
                inner(at)
            now = time.monotonic()
            if self._is_due(now):
                self._publish(at)
                # A state that came late does not delay the next ones: some searches pass states every 50 ms only.
                self.due = max(self.due, now - SECONDS) + SECONDS
                self.spent += time.monotonic() - now

        def wanted() -> bool:
            return self._is_due(time.monotonic()) or (task.wanted is not None and task.wanted())

        self.task = replace(task, on_progress=progress, wanted=wanted)
        if problems and self._is_watched(time.monotonic()):
            self._write({"solver": name, "source": str(problems[0].source), "problem": 0, "total": self.total})

    def answered(self, solution: Solution) -> None:
        """Note an answer, for the last state of the call."""
        if self.active and len(self.ended) < 20:
            self.ended.append(
                {"id": solution.id, "status": str(solution.status), "source": str(solution.problem.source)}
            )

    def finish(self) -> None:
        """Publish the end of the call, if any of its states was published."""
        global _publishing
        if self.outer:
            _publishing = False
            if self.active and self.state:
                self._write({**self.state, "ended": self.ended})
            if self.file is not None:
                os.close(self.file)

    def _is_due(self, now: float) -> bool:
        """Whether to publish a state now: every ``SECONDS``, and within ``SHARE`` of the time so far."""
        if now < self.due or not self._is_watched(now):
            return False
        if self.began is None:
            self.began = now
        return self.spent <= SHARE * (now - self.began)

    def _is_watched(self, now: float) -> bool:
        if self.active and now - self.looked > CHECK_SECONDS:
            self.looked = now
            try:
                self.watched = time.time() - os.stat(self.place / MARK).st_mtime < WATCHED_SECONDS
            except OSError:
                self.watched = False
        return self.active and self.watched

    def _publish(self, at: Progress) -> None:
        n = self.of_source.get(str(at.problem.source), -1)
        whole = self.problems[n] if n >= 0 else at.problem
        if n != self.written:
            self.values, self.inside = {}, None
            self.written = n
            if len(whole.graph.domains) <= MOST_VALUES and len(whole.graph.constraints) <= MOST_CONSTRAINTS:
                self._save(f"{self.id}.{n}.problem.json", {"problem": whole.to_json(), "minimises": whole.minimises})
        state: dict[str, Any] = {
            "solver": at.solver,
            "source": str(whole.source),
            "problem": n,
            "iteration": at.iteration,
            "violations": at.violations,
            "solved": len(self.ended),
            "total": self.total,
        }
        domains = whole.graph.domains
        if len(domains) <= MOST_VALUES:
            self.values |= at.view()  # a component of the problem keeps the values of the others
            state["values"] = [self.values.get(name) for name in domains]
        self._write(state, self._beliefs(at, whole))

    def _beliefs(self, at: Progress, whole: Problem) -> bytes:
        """The beliefs of a whole problem; empty where there are none, or too many."""
        from .beliefs import Beliefs, within

        if at.problem is not whole or whole.graph.literals > MOST_BELIEFS:
            return b""
        beliefs = at.beliefs()
        if not isinstance(beliefs, Beliefs):
            return b""
        if self.inside is None:
            self.inside = within(whole.graph.domains)
        return beliefs.in_bytes(self.inside)

    def _write(self, state: dict[str, Any], beliefs: bytes = b"") -> None:
        """Write the state in place; its checksum tells a reader whether it is whole."""
        self.state = state
        try:
            text = json.dumps(state, default=str).encode()
            data = text + beliefs
            if self.file is None:
                self.file = os.open(self.place / f"{self.id}{STATE}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.pwrite(self.file, _HEADER.pack(len(text), len(beliefs), zlib.crc32(data)) + data, 0)
        except (OSError, ValueError):
            self.active = False

    def _save(self, name: str, data: dict[str, Any]) -> None:
        """Replace a file as a whole, so that no reader sees half of it."""
        try:
            scratch = self.place / f"{name}.part"
            scratch.write_text(json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8")
            os.replace(scratch, self.place / name)
        except (OSError, ValueError):
            self.active = False
