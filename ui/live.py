"""The page of the runs of this machine as they settle, by server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.routing import Route

from mull.engine.live import LiveRun, published, watch

from .pages import page

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from mull.engine import Problem

LOOK_SECONDS = 0.05
"""Seconds between two looks at the states of runs."""
MOST_DRAWN = 6
"""Most runs of which pictures are drawn."""
QUIET_SECONDS = 10.0
"""Seconds after which a comment keeps the connection open."""


def live(request: Request) -> Response:
    """The page; its script opens the stream of events."""
    return page(request, "live.html")


async def events(request: Request) -> Response:
    """Each new state of a run as an event: its figures, and a picture of its problem."""
    return StreamingResponse(_events(request), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _events(request: Request) -> AsyncIterator[str]:
    seen = Seen()
    spoke = marked = 0.0
    while not request.app.state.stopping() and not await request.is_disconnected():
        now = time.monotonic()
        if now - marked > 1:
            await run_in_threadpool(watch)
            marked = now
        for event in await run_in_threadpool(seen.news):
            yield f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
            spoke = now
        if now - spoke > QUIET_SECONDS:
            yield ": quiet\n\n"
            spoke = now
        await asyncio.sleep(max(0.0, LOOK_SECONDS - (time.monotonic() - now)))


class Seen:
    """What one page has been sent. Mutable: it remembers the last state of each run, and the problems."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.problems: dict[Path, Problem | None] = {}

    def news(self) -> list[dict[str, Any]]:
        """The events for the states that have changed, and for the runs that are gone."""
        now = {run.id: run for run in published()}
        found = [self._event(run) for run in now.values() if self.states.get(run.id) != run.state]
        found += [{"run": id, "gone": True} for id in self.states.keys() - now.keys()]
        self.states = {id: run.state for id, run in now.items()}
        return found

    def _event(self, run: LiveRun) -> dict[str, Any]:
        shown = ("solver", "source", "iteration", "violations", "solved", "total", "ended")
        event = {"run": run.id, **{name: run.state.get(name) for name in shown}}
        if run.state.get("values") and len(self.states) <= MOST_DRAWN:
            problem = self._problem(run)
            if problem is not None:
                from mull.pictures import picture

                beliefs = {name: [c / 255 for c in each] for name, each in (run.state.get("beliefs") or {}).items()}
                event["svg"] = picture(problem, run.state["values"], beliefs or None)
        return event

    def _problem(self, run: LiveRun) -> Problem | None:
        """The problem of a state, restored by its family; None if it was too large to be published."""
        if run.stated not in self.problems:
            from mull.engine import Problem, Source
            from mull.problems import families

            try:
                data = json.loads(run.stated.read_text(encoding="utf-8"))
                problem = Problem.from_json(data["problem"], Source(run.state["source"]))
                family = families().get(problem.family)
                self.problems[run.stated] = family.restored(problem, data["minimises"]) if family else problem
            except Exception:  # of a plugin's family, or a file of another version of mull
                self.problems[run.stated] = None
        return self.problems[run.stated]


ROUTES = [Route("/live", live), Route("/live/events", events)]
