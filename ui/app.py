"""The application: all pages, the files that they load, and their errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mull.engine.errors import MullError

from . import comparing, histories, live, problems, runs, solvers, trying
from .guard import HEADERS, LARGEST_BODY, Guard, TooLarge
from .jobs import Jobs
from .pages import Site, page, style

if TYPE_CHECKING:
    from mull.engine.store import Store

STATIC = Path(__file__).parent / "static"


def application(store: Store, token: str, port: int, url: str | None = None) -> Starlette:
    """The pages as an ASGI application.

    Args:
        store: with the runs.
        token: that every request must prove, see ``guard``.
        port: of the server.
        url: of the store, as the user named it; None for the user's own.
    """
    jobs = Jobs()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await jobs.close()

    found = (histories, runs, live, comparing, problems, solvers, trying)
    app = Starlette(
        routes=[
            *(route for module in found for route in module.ROUTES),
            Route("/style.css", style),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Guard, token=token, port=port)],
        exception_handlers={
            MullError: _refused,
            HTTPException: _refused,
            TooLarge: _too_large,
            Exception: _failed,
        },
        lifespan=lifespan,
    )
    app.state.site = Site(store, url, token, jobs)
    app.state.stopping = lambda: False
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """The page of an error with its hint: status 404 for what is not there, 400 for bad input."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    message = error.detail if isinstance(error, HTTPException) else str(error)
    return page(request, "error.html", status=status, message=message, hint=getattr(error, "hint", ""))


async def _too_large(request: Request, error: Exception) -> Response:
    return page(
        request, "error.html", status=413, message=f"more than {LARGEST_BODY >> 20} MB", hint="solve it by file"
    )


async def _failed(request: Request, error: Exception) -> Response:
    message = f"the page failed: {type(error).__name__}: {error}"
    # This page is made outside ``Guard``, perhaps for a reader without the token: ``page`` leaves the token out.
    answer = page(request, "error.html", status=500, message=message, hint="report it with the steps that led here")
    answer.headers.update(HEADERS)
    return answer
