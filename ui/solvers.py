"""The pages of the solvers: options, citation, weights, and the conformance checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from .pages import page, site, table_csv

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mull.engine.registry import Entry

    from .jobs import Job

SECONDS = {"solver": 120.0, "check": 600.0}
"""Longest description of a solver, which may import torch, and longest conformance checks."""


def listed() -> list[dict[str, Any]]:
    """The installed solvers, without importing them; ``fault`` is None unless one is broken."""
    from mull.plugins import diagnose, installed

    return [
        {"name": entry.name, "package": entry.origin, "class": entry.target, "fault": diagnose(entry)}
        for entry in installed()
    ]


def solvers(request: Request) -> Response:
    """All installed solvers."""
    if request.url.path.endswith(".csv"):
        rows = [list(each.values()) for each in listed()]
        return table_csv("solvers", ("solver", "package", "class", "fault"), rows)
    return page(request, "solvers.html", solvers=listed())


def solver(request: Request) -> Response:
    """One solver. Its script loads the description, because an import of torch takes seconds."""
    entry = _entry(request)
    return page(request, "solver.html", name=entry.name, package=entry.origin)


async def described(request: Request) -> Response:
    """Start the description or the conformance checks of a solver, in a process of its own.

    Raises:
        HTTPException: no such solver is installed.
    """
    name, what = _entry(request).name, request.path_params["what"]
    if what not in SECONDS:
        raise HTTPException(404, "no such part of a solver's page")
    jobs = site(request).jobs
    job = jobs.with_key(f"{what} {name}")
    if job is None or job.failed or (what == "check" and job.done):
        job = await jobs.start(f"{what} {name}", {"do": what, "name": name}, SECONDS[what])
    return JSONResponse({"job": job.id})


def description(request: Request) -> Response:
    """The description or the checks as a part of the page; status 202 while the process runs."""
    job = _job(request)
    values: dict[str, Any] = {"about": job.last("solver"), "checks": job.last("checks"), "error": job.last("error")}
    values["hint"] = job.last("hint")
    return page(
        request, "_solver.html", status=200 if job.done else 202, done=job.done, base=request.url.path, **values
    )


def table_of(request: Request) -> Response:
    """A table of the description or of the checks as CSV.

    Raises:
        HTTPException: no such process, or it has no such table.
    """
    job = _job(request)
    name, table = request.path_params["name"], request.path_params["table"]
    about, checks = job.last("solver"), job.last("checks")
    found: tuple[tuple[str, ...], list[tuple[Any, ...]]] | None = None
    if table == "checks" and checks:
        found = ("check", "result", "reason"), [(c["what"], c["status"], c.get("reason")) for c in checks]
    elif about and table == "options":
        options = about["options"].items()
        found = ("option", "default", "description"), [(n, o.get("default"), o.get("description")) for n, o in options]
    elif about and table == "supports":
        found = (
            ("kind", "supported", "reason"),
            [(kind, "yes" if reason is None else "no", reason) for kind, reason in about["supports"].items()],
        )
    elif about and table == "weights":
        found = (
            ("name", "families", "parameters", "validation"),
            [
                (
                    w["name"],
                    " ".join(w["families"]),
                    w["parameters"],
                    ", ".join(f"{s:.1%} {n}" for n, s in w["accuracy"].items()),
                )
                for w in about["weights"]
            ],
        )
    if found is None:
        raise HTTPException(404, "no such table")
    return table_csv(f"{name}-{table}", *found)


def _entry(request: Request) -> Entry:
    from mull.plugins import installed

    name = request.path_params["name"]
    found = next((entry for entry in installed() if entry.name == name), None)
    if found is None:
        raise HTTPException(404, "no such solver is installed")
    return found


def _job(request: Request) -> Job:
    job = site(request).jobs.get(request.path_params["job"])
    if job is None or job.key != f"{request.path_params['what']} {request.path_params['name']}":
        raise HTTPException(404, "no such process")
    return job


ROUTES = [
    Route("/solvers", solvers),
    Route("/solvers.csv", solvers),
    Route("/solvers/{name:str}", solver),
    Route("/solvers/{name:str}/{what:str}", described, methods=["POST"]),
    Route("/solvers/{name:str}/{what:str}/{job:int}", description),
    Route("/solvers/{name:str}/{what:str}/{job:int}/{table:str}.csv", table_of),
]
