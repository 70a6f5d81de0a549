"""The page of the runs of this machine as they settle, by server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
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
CERTAIN = 252
"""A belief of so many 255ths is shown as the value alone."""
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
    """What one page has been sent. Mutable: it remembers the last state and picture of each run, and the problems."""

    def __init__(self) -> None:
        self.runs: dict[str, LiveRun] = {}
        self.pictures: dict[str, str] = {}
        self.problems: dict[Path, Problem | None] = {}

    def news(self) -> list[dict[str, Any]]:
        """The events for the states that have changed, and for the runs that are gone."""
        now = {run.id: run for run in published(self.runs)}
        found = [self._event(run) for run in now.values() if run is not self.runs.get(run.id)]
        gone = self.runs.keys() - now.keys()
        self.runs = now
        for id in gone:
            self.pictures.pop(id, None)
        return found + [{"run": id, "gone": True} for id in gone]

    def _event(self, run: LiveRun) -> dict[str, Any]:
        shown = ("solver", "source", "iteration", "violations", "solved", "total", "ended")
        event = {"run": run.id, **{name: run.state.get(name) for name in shown}}
        if run.state.get("values") and len(self.runs) <= MOST_DRAWN:
            drawn = self._picture(run)
            if drawn and drawn != self.pictures.get(run.id):
                event["svg"] = self.pictures[run.id] = drawn
        return event

    def _picture(self, run: LiveRun) -> str | None:
        last = self.runs.get(run.id)
        if last is not None and run.id in self.pictures and _shown(last) == _shown(run):
            return self.pictures[run.id]
        problem = self._problem(run)
        if problem is None:
            return None
        from mull.pictures import picture

        domains = problem.graph.domains
        values = {name: v for name, v in zip(domains, run.state["values"], strict=True) if v is not None}
        return picture(problem, values, uncertain(domains, run.beliefs))

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


def _shown(run: LiveRun) -> tuple[Any, ...]:
    """What the picture of a state depends on."""
    return run.state["problem"], run.state.get("values"), run.beliefs


def uncertain(domains: Mapping[str, Sequence[Any]], chances: bytes) -> dict[str, list[float]] | None:
    """The beliefs that are not certain: variable name -> probabilities over the domain; None without beliefs.

    Args:
        domains: of the problem.
        chances: of ``LiveRun.beliefs``.
    """
    start, found = 0, {}
    for name, domain in domains.items() if chances else ():
        each = chances[start : start + len(domain)]
        start += len(domain)
        if max(each, default=255) < CERTAIN:
            found[name] = [chance / 255 for chance in each]
    return found or None


ROUTES = [Route("/live", live), Route("/live/events", events)]
