"""``solve replay``: repeat a recorded run, of the store or of a packed file, and compare the results."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mull.engine.errors import MullError
from mull.terminal import Screen

from .common import INTERRUPTED, interruptible, json_option, open_store, store_option
from .completion import devices, ids
from .devices import usable_device
from .history.filters import open_existing

if TYPE_CHECKING:
    from mull.engine import AbstractSolver, Budget, Problem, Solution
    from mull.engine.store import RunRow, Store


@click.command()
@click.argument("run_id", metavar="ID|FILE", shell_complete=ids)
@click.option("--device", shell_complete=devices, metavar="DEVICE", help="Device (default: the device of the run).")
@click.option("--show", is_flag=True, help="Print the recorded run with its trace and answer, and do not repeat it.")
@json_option
@store_option
@click.option("--no-store", is_flag=True, help="Do not record the replay.")
def replay(run_id: str, device: str | None, show: bool, as_json: bool, url: str | None, no_store: bool) -> int:
    """Repeat a recorded run and compare the results.

    ID is the id of a run, its first or last characters, or `last` for the newest run. FILE is a file that `solve history
    pack` wrote; its runs are repeated in order. The replay uses the same problem, solver, options, weights and seed. A
    step-wise solver takes the same number of steps.

    Exit code: 0 if status, iterations and answer are the same, 1 if they differ, 2 if the run cannot be repeated, 130 if
    interrupted.
    """
    if os.path.isdir(run_id):
        raise MullError(f"{run_id} is a folder", "name a file that solve history pack wrote, or the id of a run")
    stopped = interruptible()
    if _is_file(run_id):
        from mull.engine.store.bundle import read_pack

        rows = read_pack(Path(run_id))
        if show:
            return _show(rows, as_json)
        with nullcontext() if no_store else open_store(url) as store:
            codes = []
            for row in rows:
                codes.append(_replay(row, device, as_json, store, stopped, f"solve replay {run_id} repeats it"))
                if stopped():
                    break
            return max(codes)
    with open_existing(url, reading=show or no_store) as store:
        row = store.run(run_id)
        if show:
            return _show([row], as_json)
        where = f"solve history show {row.id} shows the recorded run"
        return _replay(row, device, as_json, None if no_store else store, stopped, where)


def _is_file(text: str) -> bool:
    """Whether the argument names a file: ids have no dots and no slashes."""
    return "." in text or os.sep in text or os.path.isfile(text)


def _show(rows: Sequence[RunRow], as_json: bool) -> int:
    """Print recorded runs as ``solve history show`` does; a blank line separates them."""
    from .history.show import described

    for number, row in enumerate(rows):
        lines: Iterable[str] = [json.dumps(row.to_json(), ensure_ascii=False)] if as_json else described(row)
        click.echo() if number and not as_json else None
        for line in lines:
            click.echo(line)
    return 0


def _replay(
    row: RunRow, device: str | None, as_json: bool, store: Store | None, stopped: Callable[[], bool], where: str
) -> int:
    again = _repeat(row, device, stopped)
    if stopped():
        click.echo(f"stopped before the results could be compared\nhint: {where}", err=True)
        return INTERRUPTED
    if store is not None:
        again = replace(again, detail="; ".join(filter(None, (f"replay of {row.id}", again.detail))))
        store.write([again])
    differences = list(_differences(row, again))
    reasons = list(_reasons(row, again)) if differences else []
    if as_json:
        report: dict[str, Any] = {"run": row.id, "replay": None if store is None else again.id}
        report |= {"same": not differences, "differences": [asdict(d) for d in differences], "reasons": reasons}
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        click.echo("\n".join(_report(row, again, differences, reasons)))
    return 1 if differences else 0


# -------------------------------------------------------------------------------------------------------------- repeat


def _repeat(row: RunRow, device: str | None, stopped: Callable[[], bool]) -> Solution:
    if row.family == "training":
        raise MullError(f"run {row.id} is a training", "solve train repeats it from the same seed and data")
    problem = recorded_problem(row)
    solver = recorded_solver(row, problem)
    from mull.engine import Task, solve

    budget = recorded_budget(row, problem, solver)
    target = usable_device(device or row.device)
    click.echo(f"{row.source} by {solver.name}, seed {row.seed}, {target}", err=True)
    with Screen(solver.name, budget.seconds) as screen:
        screen.expect([problem])
        task = Task(budget, row.seed, target, on_progress=screen.progress, on_notice=screen.notice, cancelled=stopped)
        return solve([problem], solver, task)[0]


def recorded_problem(row: RunRow) -> Problem:
    """The problem of a stored run."""
    from mull.engine import Problem, Source
    from mull.problems import families

    payload = row.payload or {}
    problem = replace(Problem.from_json(payload), family=row.family, source=Source(row.source))
    family = families().get(row.family)
    return family.restored(problem, row.objective is not None) if family else problem


def recorded_solver(row: RunRow, problem: Problem) -> AbstractSolver:
    """The solver of the run with its options.

    Of a portfolio it is the member that answered, because only its options and steps are recorded. If the problem has an
    objective it is the portfolio itself: several members may have improved the answer in turn.

    Args:
        row: of the store.
        problem: as recorded.

    Raises:
        MullError: the solver no longer accepts the options.
        CheckpointError: the weights of the run are missing.
    """
    from mull.engine.solver import OptionError
    from mull.engine.weights import find_by_hash
    from mull.plugins import load

    through = row.via is not None and (problem.minimises or row.solver == "peel")
    kind = load(row.via if through and row.via else row.solver)
    # Default values are left out: a learned solver compares the options that are set with those of its weights.
    defaults = {name: field.default for name, field in kind.model_fields.items()}
    stored = {kind.renamed_options.get(name, name): value for name, value in row.options.items()}
    options = {name: value for name, value in stored.items() if name not in defaults or value != defaults[name]}
    if row.checkpoint is not None:
        options["weights"] = str(find_by_hash(row.checkpoint).path)
    if through:  # without stored options of the portfolio, those that it shares with the member
        options = row.via_options or {name: value for name, value in options.items() if name in kind.model_fields}
    try:
        solver = kind.from_options(options)
        return solver if problem.minimises else solver.bind(problem)
    except OptionError as error:
        raise MullError(
            f"the run used {row.solver} {row.version}, whose options differ: {error}",
            f"the installed version is {row.solver} {kind.version}",
        ) from None


def recorded_budget(row: RunRow, problem: Problem, solver: AbstractSolver) -> Budget:
    """The budget of the replay: that of the run, or for a step-wise solver its number of steps without a time limit.

    Args:
        row: of the store.
        problem: of ``recorded_problem``.
        solver: of ``recorded_solver``.
    """
    from mull.engine import Budget, WholeSolver

    stored = row.budget or {}
    copies = stored.get("copies")
    budget = Budget(**{**stored, "copies": copies and tuple(map(tuple, copies))})
    if isinstance(solver, WholeSolver) or problem.minimises or budget.solutions is not None or not row.iterations:
        return budget
    return replace(budget, seconds=None, seconds_each=None, iterations=row.iterations)


# ------------------------------------------------------------------------------------------------------------- compare


@dataclass(frozen=True)
class Difference:
    """One result that differs.

    Args:
        what: the name of the result.
        then: its value in the recorded run.
        now: its value in the replay.
    """

    what: str
    then: Any
    now: Any


def _differences(row: RunRow, again: Solution) -> Iterator[Difference]:
    then = "unsolved" if row.status == "cancelled" else row.status  # both reached the last step
    for what, before, now in (
        ("status", then, str(again.status)),
        ("iterations", row.iterations, again.iterations),
        ("objective", row.objective, again.objective),
    ):
        if before != now:
            yield Difference(what, before, now)
    old, new = row.assignment or {}, again.assignment or {}
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if changed:
        yield Difference("assignment", {n: old.get(n) for n in changed}, {n: new.get(n) for n in changed})
    if row.solutions is not None and _set(row.solutions) != _set(again.solutions or ()):
        yield Difference("distinct solutions", len(row.solutions), len(again.solutions or ()))


def _set(solutions: tuple[dict[str, Any], ...]) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(solution.items()) for solution in solutions}


def _reasons(row: RunRow, again: Solution) -> Iterator[str]:
    """Known reasons why a replay may differ."""
    from mull.engine.store.pack import here

    known = list(_changes(row, again, here()[1]))
    yield from known
    if row.budget is None:
        yield "the budget of the run is unknown: an older version of mull did not store it"
    cut = row.status in ("unsolved", "cancelled") or row.objective is not None or row.solutions is not None
    timed = (again.solver != row.solver and row.solver != "peel") or cut
    limits = row.budget or {}
    seconds = limits.get("seconds") if limits.get("seconds_each") is None else limits["seconds_each"]
    if timed and seconds is not None:
        yield f"the result depends on the machine's speed within the limit of {seconds:g} s"
    if (row.options.get("workers") or 1) > 1:
        yield f"{row.options['workers']} workers run in parallel, in no fixed order"
    if row.checkpoint is not None:
        yield "the sums of a net are rounded differently in a batch with other problems"


def _changes(row: RunRow, again: Solution, now: dict[str, Any]) -> Iterator[str]:
    for name in sorted({*row.versions, *now["versions"]}):
        old, new = row.versions.get(name, "none"), now["versions"].get(name, "none")
        if old != new:
            yield f"{name} {old} then, {new} now"
    for what, old, new in (
        (f"{row.solver}'s version", row.version, again.version),
        ("device", row.device, again.device),
        ("host", row.host, now["host"]),
    ):
        if old != new:
            yield f"{what} {old} then, {new} now"


def _report(row: RunRow, again: Solution, differences: list[Difference], reasons: list[str]) -> Iterator[str]:
    if not differences:
        yield f"same result: {again.status}, {again.iterations} iterations, {_describe_answer(again)}"
        return
    yield f"the result differs from run {row.id}:"
    for d in differences:
        if d.what == "assignment":
            yield f"  {'assignment':<20}{len(d.now)} of {row.size} values differ"
        else:
            yield f"  {d.what:<20}{d.then} then, {d.now} now"
    yield "possible reasons:" if reasons else "no reason is known: versions, host and device are the same"
    yield from (f"  {reason}" for reason in reasons)


def _describe_answer(again: Solution) -> str:
    if again.assignment is None:
        return "no assignment"
    return "the same assignment" if again.solutions is None else f"the same {len(again.solutions)} solutions"
