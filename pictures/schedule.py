"""Schedules: the tasks of ``NoOverlap`` and ``Cumulative`` as bars over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..engine.constraints import Cumulative, NoOverlap
from ..engine.values import Term, Value
from .canvas import Canvas
from .style import CATEGORIES
from .view import View

MOST_TASKS = 400
"""Most tasks of a picture."""
WIDTH, HIGH = 620.0, 24.0
"""Width of the time axis, and height of a lane."""


class _Task(NamedTuple):
    name: str
    start: int
    duration: int
    wrong: bool
    given: bool


def schedule(view: View) -> str | None:
    """Bars over time: a lane for each ``NoOverlap``, as many as needed for each ``Cumulative``.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document; None if the problem has no such constraints, no task has a start yet, or there are more than
        ``MOST_TASKS``.
    """
    resources = [c for c in view.problem.graph.constraints if isinstance(c, NoOverlap | Cumulative)]
    if not resources or sum(len(each.starts) for each in resources) > MOST_TASKS:
        return None
    lanes: list[tuple[str, list[_Task]]] = []
    for number, resource in enumerate(resources, 1):
        tasks = _tasks(view, resource.starts, resource.durations)
        label = f"{'resource' if isinstance(resource, Cumulative) else 'machine'} {number}"
        packed = _packed(tasks) if isinstance(resource, Cumulative) else [tasks]
        lanes += [(label if i == 0 else "", lane) for i, lane in enumerate(packed)]
    end = max((task.start + task.duration for _, lane in lanes for task in lane), default=0)
    begin = min((task.start for _, lane in lanes for task in lane), default=0)
    if end <= begin:
        return None
    return _drawn(view, lanes, begin, end)


def _drawn(view: View, lanes: Sequence[tuple[str, list[_Task]]], begin: int, end: int) -> str:
    left, scale = 100.0, WIDTH / (end - begin)
    tasks = sum(len(lane) for _, lane in lanes)
    what = f"schedule of {tasks} tasks from {begin} to {end}"
    canvas = Canvas(left + WIDTH + 16, len(lanes) * HIGH + 44, view.title, view.description(what))
    looks: dict[str, str] = {}
    for row, (label, lane) in enumerate(lanes):
        y = 8 + row * HIGH
        if row % 2 == 0:
            canvas.rect(left, y, WIDTH, HIGH, "panel")
        canvas.text(left - 8, y + HIGH / 2, label, "label", size=11, anchor="end", longest=14)
        for task in lane:
            x, width = left + (task.start - begin) * scale, max(1.0, task.duration * scale)
            look = looks.setdefault(task.name, f"c{len(looks) % len(CATEGORIES)}")
            tip = f"{task.name}: {task.start} to {task.start + task.duration}"
            canvas.rect(x, y + 3, width, HIGH - 6, look, opacity=0.8, tip=tip, radius=2)
            if width >= 7 * len(task.name):
                canvas.text(x + width / 2, y + HIGH / 2, task.name, f"on{look[1:]}", size=10)
            if task.wrong:
                canvas.miss(x, y + 2, width, HIGH - 4)
    y = 8 + len(lanes) * HIGH
    for k in range(5):
        x = left + k * WIDTH / 4
        canvas.line((x, 8), (x, y + 4), "cell")
        canvas.text(x, y + 14, f"{begin + (end - begin) * k / 4:g}", "note", size=10)
    return canvas.svg()


def _tasks(view: View, starts: Sequence[Term], durations: Sequence[Term]) -> list[_Task]:
    found = []
    for number, (start, duration) in enumerate(zip(starts, durations, strict=True), 1):
        begins, lasts = _number(view, start), _number(view, duration)
        if begins is not None and lasts is not None and lasts > 0:
            name = start if isinstance(start, str) else f"task {number}"
            found.append(_Task(name, begins, lasts, name in view.wrong, name in view.givens))
    return found


def _number(view: View, term: Term) -> int | None:
    value: Value | None = view.values.get(term) if isinstance(term, str) else term
    return value if isinstance(value, int) else None


def _packed(tasks: Sequence[_Task]) -> list[list[_Task]]:
    """The tasks in lanes, so that none of a lane overlap; each takes the first free one."""
    lanes: list[list[_Task]] = []
    for task in sorted(tasks, key=lambda each: each.start):
        free = next((lane for lane in lanes if lane[-1].start + lane[-1].duration <= task.start), None)
        if free is None:
            lanes.append([task])
        else:
            free.append(task)
    return lanes or [[]]
