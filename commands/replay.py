"""``solve replay``: a remembered run once more, and whether it comes to the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from .common import Failure, interruptible, json_option, store_option, usable_device
from .completion import ids
from .history.filters import open_existing

if TYPE_CHECKING:
    from mull.engine import Budget, Problem, Solution, Solver
    from mull.engine.store import RunRow


@click.command()
@click.argument("run_id", metavar="ID", shell_complete=ids)
@click.option("--device", help="Another device than the run's.")
@json_option
@store_option
@click.option("--no-store", is_flag=True, help="Do not remember the replay.")
def replay(run_id: str, device: str | None, as_json: bool, url: str | None, no_store: bool) -> int:
    """Run a remembered run again: is the answer the same?

    ID may be the start or the end of an id; `last` is the newest. The same problem, solver, options, weights and seed; a solver that goes by
    steps takes as many as then.

    Exit code: 0 the same status, iterations and answer, 1 another, 2 it cannot be run again.
    """
    with open_existing(url) as store:
        row = store.run(run_id)
        stopped = interruptible()
        again = _again(row, device, stopped)
        if stopped():
            raise Failure(
                "stopped: it cannot be said whether the answer is the same", "solve history show ID tells the run's"
            )
        if not no_store:
            again = replace(again, detail="; ".join(filter(None, (f"replay of {row.id}", again.detail))))
            store.write([again])
    differences = list(_differences(row, again))
    reasons = list(_reasons(row, again)) if differences else []
    if as_json:
        report: dict[str, Any] = {"run": row.id, "replay": None if no_store else again.id, "same": not differences}
        report |= {"differences": [asdict(d) for d in differences], "reasons": reasons}
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        click.echo("\n".join(_report(row, again, differences, reasons)))
    return 1 if differences else 0


# -------------------------------------------------------------------------------------------------------- run it again


def _again(row: RunRow, device: str | None, stopped: Callable[[], bool]) -> Solution:
    if row.family == "training":
        raise Failure(f"run {row.id} is a training", "solve train trains again, from the same seed and data")
    problem = _problem(row)
    solver = _solver(row, problem)
    from mull.engine import Task, solve

    budget = _budget(row, problem, solver)
    place = usable_device(device or row.device)
    click.echo(f"{row.source} by {solver.name}, seed {row.seed}, {place}", err=True)
    task = Task(
        budget, row.seed, place, time.monotonic(), on_notice=lambda text: click.echo(text, err=True), cancelled=stopped
    )
    return solve([problem], solver, task)[0]


def _problem(row: RunRow) -> Problem:
    from mull.engine import Problem, Source
    from mull.problems import families

    payload = row.payload or {}
    problem = replace(Problem.from_json(payload), family=row.family, source=Source(row.source))
    family = families().get(row.family)
    return family.restored(problem, row.objective is not None) if family else problem


def _solver(row: RunRow, problem: Problem) -> Solver:
    """The run's solver with its options. Under a portfolio it is the member that answered; where a best answer is asked
    for, members may have improved on one another: then it is the portfolio."""
    from mull.engine.solver import OptionError
    from mull.plugins import load

    through = row.via is not None and (problem.minimises or row.solver == "peel")
    kind = load(row.via if through and row.via else row.solver)
    # Options at their defaults are left out: given, some would be asked of the weights too.
    defaults = {name: field.default for name, field in kind.model_fields.items()}
    options = {name: value for name, value in row.options.items() if name not in defaults or value != defaults[name]}
    if row.checkpoint is not None:
        options["weights"] = _weights(row.checkpoint)
    if through:  # the member's options, those that the portfolio has too
        options = {name: value for name, value in options.items() if name in kind.model_fields}
    try:
        solver = kind.from_options(options)
        return solver if problem.minimises else solver.bind(problem)
    except OptionError as error:
        raise Failure(
            f"{row.solver} {row.version} took other options: {error}", f"this is {row.solver} {kind.version}"
        ) from None


def _weights(sha256: str) -> str:
    from mull.engine.weights import HOME, cards

    card = next((card for card in cards() if card.sha256 == sha256), None)
    if card is None:
        raise Failure(
            f"the run's weights (sha256 {sha256[:12]}) are not here", f"put them into the folder that {HOME} names"
        )
    return str(card.path)


def _budget(row: RunRow, problem: Problem, solver: Solver) -> Budget:
    """What the run was allowed. Steps are repeated to where it ended, whatever time that takes on this machine."""
    from mull.engine import Budget, WholeSolver

    kept = row.budget or {}
    copies = kept.get("copies")
    allowed = Budget(**{**kept, "copies": copies and tuple(map(tuple, copies))})
    if isinstance(solver, WholeSolver) or problem.minimises or allowed.solutions is not None or not row.iterations:
        return allowed
    return replace(allowed, seconds=None, iterations=row.iterations)


# ------------------------------------------------------------------------------------------------------------- compare


@dataclass(frozen=True)
class Difference:
    """What came out otherwise: ``then`` in the run, ``now`` in the replay."""

    what: str
    then: Any
    now: Any


def _differences(row: RunRow, again: Solution) -> Iterator[Difference]:
    then = "unsolved" if row.status == "cancelled" else row.status  # both ended where they were told to
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
    """Why a replay may differ, as far as it is known."""
    from mull.engine.store.write import here

    known = list(_changes(row, again, here()[1]))
    yield from known
    if row.budget is None:
        yield "the run's budget is not known: it is of before stores kept it"
    cut = row.status in ("unsolved", "cancelled") or row.objective is not None or row.solutions is not None
    timed = (again.solver != row.solver and row.solver != "peel") or cut
    if timed and row.budget is not None and row.budget["seconds"] is not None:
        yield f"within {row.budget['seconds']:g} s a run gets as far as the machine lets it"
    if (row.options.get("workers") or 1) > 1:
        yield f"{row.options['workers']} workers race each other"
    if row.checkpoint is not None:
        yield "a net's sums are rounded otherwise when it is asked about other problems beside this one"


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
        yield f"the same: {again.status}, {again.iterations} iterations, {_answer(again)}"
        return
    yield f"not the same as run {row.id}:"
    for d in differences:
        if d.what == "assignment":
            yield f"  {'assignment':<20}{len(d.now)} of {row.size} values differ"
        else:
            yield f"  {d.what:<20}{d.then} then, {d.now} now"
    yield "perhaps because" if reasons else "no reason is known: versions, host and device are as they were"
    yield from (f"  {reason}" for reason in reasons)


def _answer(again: Solution) -> str:
    if again.assignment is None:
        return "no assignment"
    return "the same assignment" if again.solutions is None else f"the same {len(again.solutions)} solutions"
