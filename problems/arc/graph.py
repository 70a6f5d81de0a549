"""Tasks as constraint graphs: all cells of the chosen pairs, given or free, in one graph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from .canvas import Size, canvas
from .tasks import COLOURS, Grid, Pair, Task

OUTSIDE = COLOURS
"""The value of a cell of the canvas that is outside the output."""
DOMAIN = tuple(range(COLOURS + 1))
ANCHOR = "task"
"""A given variable at position 0. Rotary positions are relative; it shows a net where a grid starts."""

Layout = tuple[tuple[Size, Size], ...]
"""Sizes of the input and of the output's canvas, for each pair."""

CELL = re.compile(r"(in|out)(\d+)\.r(\d+)c(\d+)")


@dataclass(frozen=True)
class Arrangement:
    """Pairs in the order of a graph, each output shown or hidden.

    Args:
        layout: sizes of the grids.
        givens: [V] int16: the value of each variable, -1 where it is free.
        solution: [V] int16: the value of each variable; -1 where it is not known.
        last: [rows, columns] of the canvas of the last pair's output, whose cells are the last variables.
    """

    layout: Layout
    givens: np.ndarray
    solution: np.ndarray
    last: Size


def arrange(shown: Sequence[Pair], hidden: Sequence[Pair]) -> Arrangement | None:
    """The cells of shown pairs, then of pairs whose outputs are hidden.

    Args:
        shown: pairs with outputs, at least one.
        hidden: pairs whose outputs are to be predicted, at least one.

    Returns:
        None if a hidden output is known and larger than its canvas.
    """
    sizes = [(_size(pair.input), _size(pair.output)) for pair in shown if pair.output is not None]
    layout = list(sizes)
    givens: list[np.ndarray] = [np.zeros(1, dtype=np.int16)]  # of the anchor
    solution = list(givens)
    for pair in shown:
        assert pair.output is not None
        cells = np.concatenate((pair.input.ravel(), pair.output.ravel())).astype(np.int16)
        givens.append(cells)
        solution.append(cells)
    for pair in hidden:
        rows, columns = canvas(sizes, _size(pair.input))
        answer = np.full((rows, columns), -1 if pair.output is None else OUTSIDE, dtype=np.int16)
        if pair.output is not None:
            r, c = _size(pair.output)
            if r > rows or c > columns:
                return None
            answer[:r, :c] = pair.output
        cells = pair.input.ravel().astype(np.int16)
        givens += [cells, np.full(rows * columns, -1, dtype=np.int16)]
        solution += [cells, answer.ravel()]
        layout.append((_size(pair.input), (rows, columns)))
    return Arrangement(tuple(layout), np.concatenate(givens), np.concatenate(solution), layout[-1][1])


def fits(shown: Sequence[Pair], pair: Pair) -> bool:
    """Whether the known output of a pair is not larger than its canvas.

    Args:
        shown: pairs with outputs, at least one.
        pair: with its output.
    """
    rows, columns = canvas([(_size(each.input), _size(each.output)) for each in shown], _size(pair.input))
    r, c = _size(pair.output)
    return r <= rows and c <= columns


def length(shown: Sequence[Pair], hidden: Sequence[Pair]) -> int:
    """The number of variables of the graph that ``arrange`` would make.

    Args:
        shown: pairs with outputs, at least one if any is hidden.
        hidden: pairs whose outputs are to be predicted.
    """
    sizes = [(_size(pair.input), _size(pair.output)) for pair in shown if pair.output is not None]
    cells = sum(pair.input.size + (0 if pair.output is None else pair.output.size) for pair in shown)
    for pair in hidden:
        rows, columns = canvas(sizes, _size(pair.input))
        cells += pair.input.size + rows * columns
    return 1 + int(cells)


@lru_cache(maxsize=4096)
def template(layout: Layout, task: str = "") -> ConstraintGraph:
    """The graph of a layout. It has no constraints: the rule of a task is what a net has to find.

    The variables are ``task``, then ``in1.r1c1`` and so on for the input of pair 1, ``out1.r1c1`` for its output, and so
    on for the other pairs. Each has the values 0 to 9 for colours, and 10 for outside.

    Args:
        layout: sizes of the grids.
        task: name of the task; the first variable is then ``task-NAME``, which a net may have an embedding for.
    """
    names = [f"{ANCHOR}-{task}" if task else ANCHOR]
    for number, (size_in, size_out) in enumerate(layout, 1):
        names += _names("in", number, size_in) + _names("out", number, size_out)
    return ConstraintGraph.unchecked(dict.fromkeys(names, DOMAIN), ())


@lru_cache(maxsize=1 << 14)
def _names(kind: str, number: int, size: Size) -> list[str]:
    # Kept: thousands of graphs share these strings.
    return [f"{kind}{number}.r{r}c{c}" for r in range(1, size[0] + 1) for c in range(1, size[1] + 1)]


def problems_of(task: Task, source: Source) -> list[Problem]:
    """One problem for each test of a task: its demonstration pairs are given, and its output is free.

    Args:
        task: read from a file, or generated.
        source: where it is from.
    """
    problems = []
    for number, test in enumerate(task.tests, 1):
        # Without the known output if it does not fit: the size that the pairs suggest is then wrong.
        found = arrange(task.shown, [test]) or arrange(task.shown, [Pair(test.input, None)])
        assert found is not None
        graph = template(found.layout)
        values = found.givens.tolist()
        givens: dict[str, Value] = {name: value for name, value in zip(graph.names, values, strict=True) if value >= 0}
        known = found.solution.tolist()
        name = task.name if len(task.tests) == 1 else f"{task.name} test {number}".strip()
        expected = tuple(known) if min(known) >= 0 else None
        problems.append(Problem(graph, givens, "arc", source, render, name=name, expected=expected))
    return problems


def crop(answer: Grid) -> Grid:
    """The output on a canvas: the largest rectangle at the top left without a cell outside; at least one black cell.

    Args:
        answer: [rows, columns] integers, ``OUTSIDE`` outside.
    """
    best, size, width = 0, (0, 0), answer.shape[1]
    for rows in range(1, len(answer) + 1):
        outside = np.flatnonzero(answer[rows - 1] == OUTSIDE)
        width = min(width, int(outside[0])) if len(outside) else width
        if rows * width > best:
            best, size = rows * width, (rows, width)
    return answer[: size[0], : size[1]].astype(np.uint8) if best else np.zeros((1, 1), dtype=np.uint8)


def render(assignment: Mapping[str, Value]) -> str:
    """The pairs of a task, input and output side by side; ``?`` is a free cell, a blank is outside.

    Args:
        assignment: of all variables, or of the givens.
    """
    grids: dict[tuple[int, str], dict[tuple[int, int], str]] = {}
    for name, value in assignment.items():
        if found := CELL.fullmatch(name):
            grid = grids.setdefault((int(found[2]), found[1]), {})
            grid[int(found[3]), int(found[4])] = " " if value == OUTSIDE else str(value)
    blocks = []
    for number in sorted({number for number, _ in grids}):
        left, right = (_lines(grids.get((number, kind), {})) for kind in ("in", "out"))
        height, width = max(len(left), len(right)), max(map(len, left), default=0)
        lines = []
        for i in range(height):
            shown = left[i] if i < len(left) else ""
            sign = "->" if i == 0 else "  "
            lines.append(f"{shown.ljust(width)}  {sign}  {right[i] if i < len(right) else ''}".rstrip())
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _lines(cells: Mapping[tuple[int, int], str]) -> list[str]:
    if not cells:
        return ["?"]
    rows, columns = max(r for r, _ in cells), max(c for _, c in cells)
    return [" ".join(cells.get((r, c), "?") for c in range(1, columns + 1)) for r in range(1, rows + 1)]


def _size(grid: Grid | None) -> Size:
    assert grid is not None
    return grid.shape[0], grid.shape[1]
