"""The process of a job: it reads a request as JSON from stdin and prints results as JSON lines.

Requests: ``solve`` a text or a generated problem, ``replay`` a stored run, ``solver`` describes one, ``check`` runs the
conformance checks on one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mull.engine.errors import MullError

if TYPE_CHECKING:
    import click

    from mull.engine import Problem, Progress

PROGRAMS = (".py", ".mzn")
"""Suffixes of files that run as programs or read other files."""

_output = sys.stdout


def tell(**result: Any) -> None:
    """Print a result."""
    _output.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    _output.flush()


def main() -> int:
    """Do what the request on stdin says; an error is a result with its hint."""
    global _output
    # Results have a channel of their own: a solver that prints must not disturb them.
    _output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.buffer.read())
    try:
        DOES[request.pop("do")](**request)
    except MullError as error:
        tell(error=str(error), hint=error.hint)
        return 0
    except KeyboardInterrupt:
        tell(error="stopped", hint="")
        return 0
    return 0


def _stopping() -> Callable[[], bool]:
    """A function that returns whether SIGTERM was received; a second one ends the process."""
    received: list[int] = []

    def stop(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    signal.signal(signal.SIGTERM, stop)
    return lambda: bool(received)


def solve(
    text: str | None,
    name: str,
    spec: str,
    family: str,
    solver: str,
    options: dict[str, str],
    seconds: float,
    seed: int,
    url: str,
) -> None:
    """Solve the problems of a text or of ``family:spec``, and store the runs.

    Args:
        text: of a file, each byte as the character of its number; None to generate ``spec``.
        name: of the file.
        spec: a generated problem.
        family: of the text; empty to recognise it.
        solver: its name.
        options: of the solver.
        seconds: limit of the call.
        seed: of the run.
        url: of the store.
    """
    from mull.commands.common import check_solver, make_solver

    stopped = _stopping()
    check_solver(solver)
    found = _problems(text, name, spec, family, seed)
    tell(problems=len(found), source=str(found[0].source))
    made = make_solver(solver, options)
    from mull.engine import Budget, Task
    from mull.engine import solve as run
    from mull.engine.store import Store

    def answered(solution: Any) -> None:
        tell(run=solution.id, status=str(solution.status), source=str(solution.problem.source), detail=solution.detail)

    task = Task(Budget(seconds), seed, on_notice=lambda note: tell(notice=note), cancelled=stopped)
    with Store(url) as store:
        run(found, made, task, store=store, on_solution=answered)
    tell(finished=True)


def _problems(text: str | None, name: str, spec: str, family: str, seed: int) -> list[Problem]:
    """The problems of a request. Only the text itself is read: lists of files, programs and includes are refused."""
    from mull.engine.registry import PROBLEMS, entries
    from mull.problems import load

    if text is None:
        if spec.partition(":")[0] not in {entry.name for entry in entries(PROBLEMS)} or ":" not in spec:
            raise MullError(f"{spec[:40]!r} is not a generated problem", "write FAMILY:SPEC, for example sudoku:9")
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # where no file has this name
            return load(spec, seed=seed)
    data = text.encode("latin-1")
    suffix = Path(name).suffix.lower()
    if suffix in PROGRAMS or family in ("cpmpy",) or re.search(rb'^\s*include\s*"', data, re.MULTILINE):
        raise MullError(
            f"{name} is a program, or reads other files", "solve it in the terminal, where you can name them"
        )
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path(name).write_bytes(data)
        return load(name, family=family or None, seed=seed)


def replay(run: str, url: str) -> None:
    """Repeat a stored run, and print the pictures of its states.

    Args:
        run: id.
        url: of the store.
    """
    from mull.commands.devices import usable_device
    from mull.commands.replay import recorded_budget, recorded_problem, recorded_solver
    from mull.engine import Task
    from mull.engine import solve as again
    from mull.engine.store import Store
    from mull.pictures.frames import Frames, film

    stopped = _stopping()
    with Store(url) as store:
        row = store.run(run)
    problem = recorded_problem(row)
    solver = recorded_solver(row, problem)
    frames = Frames([problem])
    last = [0.0]

    def progress(at: Progress) -> None:
        if time.monotonic() - last[0] > 0.2:
            last[0] = time.monotonic()
            tell(iteration=at.iteration)

    task = Task(
        recorded_budget(row, problem, solver), row.seed, usable_device(row.device),
        on_progress=progress, cancelled=stopped
    )  # fmt: skip
    solution = again([problem], solver, frames.follow(task))[0]
    kept, drawn = film(problem, frames.of(problem, solution))
    tell(
        frames=[
            {"iteration": f.iteration, "violations": f.violations, "svg": svg}
            for f, svg in zip(kept, drawn, strict=True)
        ]
    )


def solver(name: str) -> None:
    """Describe a solver as ``solve solvers show --json`` does."""
    from mull.commands.solvers.show import solvers_show

    tell(solver=_printed(solvers_show, name)[0])


def check(name: str) -> None:
    """The results of the conformance checks of a solver."""
    from mull.commands.solvers.check import solvers_check

    tell(checks=_printed(solvers_check, name))


def _printed(command: click.Command, name: str) -> list[Any]:
    """The JSON lines that a command prints about a solver."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        command.main(["--json", "--", name], standalone_mode=False)
    return [json.loads(line) for line in text.getvalue().splitlines() if line.startswith("{")]


DOES: dict[str, Callable[..., None]] = {"solve": solve, "replay": replay, "solver": solver, "check": check}


if __name__ == "__main__":
    sys.exit(main())
