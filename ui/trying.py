"""The page that solves a pasted puzzle, a dropped file or a generated problem."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from mull.engine.errors import MullError

from .pages import page, site

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .jobs import Job

MOST_SECONDS = 3600.0
GRACE_SECONDS = 60.0
"""Seconds for imports and reading, besides the limit of the solving."""


def trying(request: Request) -> Response:
    """The form."""
    from mull.engine.registry import PROBLEMS, SOLVERS, entries

    return page(
        request,
        "try.html",
        solvers=[entry.name for entry in entries(SOLVERS)],
        families=[entry.name for entry in entries(PROBLEMS)],
    )


async def start(request: Request) -> Response:
    """Solve the body of the request, or ``spec`` where the body is empty, in a process of its own.

    Raises:
        MullError: a value of the form is malformed.
    """
    given = request.query_params
    body = await request.body()
    if not body and not given.get("spec"):
        raise MullError("there is no problem", "paste a puzzle, choose a file, or name a generated problem")
    wanted: dict[str, Any] = {
        "do": "solve",
        "text": body.decode("latin-1") if body else None,
        "name": file_name(given.get("name", "")),
        "spec": given.get("spec", ""),
        "family": given.get("family", ""),
        "solver": given.get("solver") or "auto",
        "options": options(given.get("options", "")),
        "seconds": _number(given.get("seconds", "60"), "the limit in seconds", MOST_SECONDS),
        "seed": int(_number(given.get("seed", "0"), "the seed", 2**53, 0)),
        "url": site(request).url,
    }
    if wanted["solver"].endswith(".py") or ".py:" in wanted["solver"] or "/" in wanted["solver"]:
        raise MullError("a solver's file is not run from a page", "add it first: solve solvers add FILE")
    if "weights" in wanted["options"] and "/" in wanted["options"]["weights"]:
        raise MullError("a file of weights is not read from a page", "name weights of `solve weights`")
    job = await site(request).jobs.start("try", wanted, wanted["seconds"] + GRACE_SECONDS)
    return JSONResponse({"job": job.id})


def file_name(text: str) -> str:
    """The last part of a file's name in letters, digits, dots and dashes, as it may be written into a folder."""
    last = re.sub(r"[^A-Za-z0-9._-]+", "-", re.split(r"[/\\]", text)[-1]).lstrip(".-")[-64:].lstrip(".-")
    return last or "pasted"


def options(text: str) -> dict[str, str]:
    """The options of a solver from text: ``key=value`` pairs, separated by spaces.

    Raises:
        MullError: a pair has no equals sign.
    """
    found = {}
    for pair in text.split():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise MullError(f"{pair[:40]!r} is not of the form key=value", "separate options by spaces")
        found[key.replace("-", "_")] = value
    return found


def _number(text: str, what: str, most: float, least: float = 0.1) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise MullError(f"{what} is {text[:40]!r}", f"give a number from {least:g} to {most:g}")
    return value


def state(request: Request) -> Response:
    """What the process has reported: problems, runs, notices and errors."""
    job = _job(request)
    runs = [result for result in job.results if "run" in result]
    return JSONResponse(
        {
            "done": job.done,
            "process": job.process.pid,
            "problems": job.last("problems"),
            "runs": runs[-100:],
            "answered": len(runs),
            "notice": job.last("notice"),
            "error": job.last("error"),
            "hint": job.last("hint"),
        }
    )


async def stop(request: Request) -> Response:
    """Stop a process; the answers so far are stored."""
    site(request).jobs.stop(_job(request))
    return JSONResponse({})


def _job(request: Request) -> Job:
    job = site(request).jobs.get(request.path_params["job"])
    if job is None or job.key != "try":
        raise HTTPException(404, "no such process")
    return job


ROUTES = [
    Route("/try", trying),
    Route("/try", start, methods=["POST"]),
    Route("/try/{job:int}", state),
    Route("/try/{job:int}/stop", stop, methods=["POST"]),
]
