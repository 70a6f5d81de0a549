"""The page of one run: its picture, trace and answer, and a slider that replays its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from mull.engine.errors import MullError
from mull.engine.status import amount
from mull.engine.store import StoreError

from . import charts
from .pages import chart, drawing, is_id, page, site, table_csv

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mull.engine import Problem
    from mull.engine.store import RunRow

    from .jobs import Job

MOST_ROWS = 2000
"""Most variables of an answer that the page lists; the CSV file has all."""
REPLAY_SECONDS = 300.0
"""Longest replay."""


def _run(request: Request) -> RunRow:
    id = request.path_params["id"]
    if not is_id(id):
        raise HTTPException(404, f"no run {id[:40]!r}")
    try:
        return site(request).store.run(id)
    except StoreError as error:
        raise HTTPException(404, str(error)) from None


def _problem(row: RunRow) -> Problem | None:
    """The problem of a run; None for a training."""
    from mull.commands.replay import recorded_problem

    return None if row.family == "training" or not row.payload else recorded_problem(row)


def _answer(row: RunRow, problem: Problem) -> dict[str, Any]:
    return dict(problem.visible(row.assignment)) if row.assignment else {}


def run(request: Request) -> Response:
    """All that is stored of a run."""
    row = _run(request)
    problem = _problem(row)
    answer = _answer(row, problem) if problem else {}
    facts = {
        "problem": row.source,
        "family": row.family,
        "variables": row.size,
        "solver": f"{row.solver} {row.version}" + (f" (chosen by {row.via})" if row.via else ""),
        "options": " ".join(f"{k}={v}" for k, v in row.options.items() if v is not None) or "none",
        "weights": row.checkpoint and row.checkpoint[:12],
        "status": row.status,
        "iterations": amount(row.iterations, row.unit or "steps"),
        "violations": row.violations,
        "energy": row.energy,
        "objective": row.objective,
        "seconds": f"{row.seconds:.3f} solving, {row.wall:.3f} since the start of the call"
        if row.wall
        else row.seconds,
        "seed": row.seed,
        "device": f"{row.device} on {row.host}",
        "ended": f"{row.created:%Y-%m-%d %H:%M:%S}",
        "bench": row.bench,
        "distinct solutions": row.distinct,
        "detail": row.detail,
        "versions": ", ".join(f"{name} {version}" for name, version in row.versions.items()),
    }
    return page(
        request,
        "run.html",
        row=row,
        facts={name: value for name, value in facts.items() if value not in (None, "")},
        drawn=problem is not None,
        traced=row.trace is not None and len(row.trace) > 0,
        answer=list(answer.items())[:MOST_ROWS],
        hidden=max(0, len(answer) - MOST_ROWS),
    )


def picture_of(request: Request) -> Response:
    """The problem with the answer of the run, or with another of its solutions (``?solution=2``).

    Raises:
        HTTPException: there is no such run, or it is a training.
    """
    from mull.pictures import picture

    row = _run(request)
    problem = _problem(row)
    if problem is None:
        raise HTTPException(404, "a training has no picture")
    assignment = row.assignment
    number = request.query_params.get("solution", "")
    if number:
        known = {str(n): each for n, each in enumerate(row.solutions or (), 1)}
        if number not in known:
            raise HTTPException(404, f"the run has no solution {number[:40]!r}")
        assignment = known[number]
    return drawing(request, picture(problem, assignment), f"run-{row.id[-6:]}")


def trace_of(request: Request) -> Response:
    """The trace, as a plot or as CSV.

    Raises:
        HTTPException: there is no such run, or it has no trace.
    """
    row = _run(request)
    if row.trace is None:
        raise HTTPException(404, f"run {row.id} has no trace")
    if request.url.path.endswith(".json"):
        return chart(charts.trace(row.trace, row.family == "training"))
    data = row.trace.to_json()
    return table_csv(f"trace-{row.id[-6:]}", list(data), list(zip(*data.values(), strict=True)))


def answer_of(request: Request) -> Response:
    """The answer as CSV."""
    row = _run(request)
    problem = _problem(row)
    answer = _answer(row, problem) if problem else {}
    return table_csv(f"answer-{row.id[-6:]}", ("variable", "value"), list(answer.items()))


# Replay ---------------------------------------------------------------------------------------------------------------


async def replay(request: Request) -> Response:
    """Start a replay in a process of its own, unless there is one already."""
    from starlette.concurrency import run_in_threadpool

    here = site(request)
    row = await run_in_threadpool(_run, request)
    job = here.jobs.with_key(f"replay {row.id}")
    if job is None or job.failed:
        request_ = {"do": "replay", "run": row.id, "url": here.url}
        job = await here.jobs.start(f"replay {row.id}", request_, REPLAY_SECONDS)
    return JSONResponse(_replayed(job))


def replayed(request: Request) -> Response:
    """How far the replay is, and the iteration and the figures of each of its states."""
    return JSONResponse(_replayed(_replay(request)))


def frame(request: Request) -> Response:
    """The picture of one state of a replay.

    Raises:
        HTTPException: the run is not replayed, or has fewer states.
    """
    frames = _replay(request).last("frames") or []
    number = request.path_params["number"]
    if number >= len(frames):
        raise HTTPException(404, "the replay has no such state")
    state = frames[number]
    name = f"run-{request.path_params['id'][-6:]}-iteration-{state['iteration']}"
    return drawing(request, state["svg"], name)


def _replay(request: Request) -> Job:
    job = site(request).jobs.with_key(f"replay {request.path_params['id']}")
    if job is None:
        raise HTTPException(404, "the run is not replayed")
    return job


def _replayed(job: Job) -> dict[str, Any]:
    frames = job.last("frames")
    return {
        "done": job.done,
        "iteration": job.last("iteration"),
        "error": job.last("error"),
        "hint": job.last("hint"),
        "frames": [{key: f[key] for key in ("iteration", "violations")} for f in frames or []],
    }


def last(request: Request) -> Response:
    """The newest run.

    Raises:
        MullError: no runs are recorded.
    """
    from starlette.responses import RedirectResponse

    found = site(request).store.runs(1)
    if not found:
        raise MullError("no runs are recorded", "solve a problem first: the page Try it does")
    return RedirectResponse(f"/runs/{found[0].id}")


ROUTES = [
    Route("/runs/last", last),
    Route("/runs/{id:str}/picture.svg", picture_of),
    Route("/runs/{id:str}/picture.png", picture_of),
    Route("/runs/{id:str}/trace.json", trace_of),
    Route("/runs/{id:str}/trace.csv", trace_of),
    Route("/runs/{id:str}/answer.csv", answer_of),
    Route("/runs/{id:str}/replay", replay, methods=["POST"]),
    Route("/runs/{id:str}/replay", replayed),
    Route("/runs/{id:str}/frames/{number:int}.svg", frame),
    Route("/runs/{id:str}/frames/{number:int}.png", frame),
    Route("/runs/{id:str}", run),
]
