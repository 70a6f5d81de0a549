"""Tasks of the Abstraction and Reasoning Corpus: demonstration pairs and test inputs, read from the public JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, excerpt

COLOURS = 10
LARGEST = 30
"""Most rows and columns of a grid, as in the corpus."""
MOST_PAIRS = 30
"""Most demonstration pairs, and most tests, of a task; those of the corpus have ten at most."""
LARGEST_FILE = 1 << 26
HINT = (
    'give {"train": [{"input": GRID, "output": GRID}, ...], "test": [{"input": GRID}]}, a GRID a list of rows of 0 to 9'
)

Grid = np.ndarray
"""uint8 [rows, columns], colours 0 to 9."""


@dataclass(frozen=True, eq=False)
class Pair:
    """An input and its output.

    Args:
        input: [rows, columns] uint8.
        output: the same for the output, of any size; None where it is not known.
    """

    input: Grid
    output: Grid | None


@dataclass(frozen=True, eq=False)
class Task:
    """A task: one unknown rule, shown by pairs, to apply to test inputs.

    Args:
        name: its identifier, such as ``007bbfb7``; empty if unknown.
        shown: the demonstration pairs, with outputs.
        tests: the tests, their outputs where they are known.
    """

    name: str
    shown: tuple[Pair, ...]
    tests: tuple[Pair, ...]


def looks_like_tasks(text: str) -> bool:
    """Whether a text may be a task or an object of tasks; only its start is read."""
    head = text.lstrip()[: 1 << 16]
    return head.startswith("{") and bool(re.search(r'"(train|test)"\s*:\s*\[', head)) and '"variables"' not in head


def parse(text: str, path: str) -> list[Task]:
    """The tasks of a text: one task, or an object of tasks by name.

    Args:
        text: JSON.
        path: of the file; its stem names a single task.

    Raises:
        InputError: the text is not valid JSON, or a task or grid is malformed.
    """
    data = _json(text)
    if not isinstance(data, dict) or not data:
        raise InputError("is not an object of ARC tasks", hint=HINT)
    if "train" in data or "test" in data:
        stem = Path(path).stem if path.endswith(".json") else ""
        return [_task(stem, data)]
    return [_task(str(name), each) for name, each in data.items()]


def with_solutions(tasks: Sequence[Task], text: str) -> list[Task]:
    """The tasks with the test outputs that a ``*_solutions.json`` file states.

    Args:
        tasks: with names.
        text: JSON: name -> a list of grids, one for each test.

    Raises:
        InputError: the text is not valid JSON, a grid is malformed, or a task has another number of tests.
    """
    data = _json(text)
    if not isinstance(data, dict):
        raise InputError("is not an object of solutions", hint="task name -> list of grids, one for each test")
    found = []
    for task in tasks:
        grids = data.get(task.name)
        if grids is not None:
            if not isinstance(grids, list) or len(grids) != len(task.tests):
                hint = "one grid for each test input"
                raise InputError(f"task {excerpt(task.name)}: expected {len(task.tests)} solutions", hint=hint)
            outputs = [_grid(each, f"task {excerpt(task.name)}, solution {n}") for n, each in enumerate(grids, 1)]
            tests = tuple(replace(test, output=grid) for test, grid in zip(task.tests, outputs, strict=True))
            task = replace(task, tests=tests)
        found.append(task)
    return found


@lru_cache(maxsize=8)
def read_folder(folder: str, part: str) -> tuple[Task, ...]:
    """The tasks of one part of the corpus in a folder.

    Two forms are read: a file ``*_PART_challenges.json``, maybe with ``*_PART_solutions.json`` beside it; and a folder
    ``PART`` or ``data/PART`` with a file for each task. An empty part stands for the task files in the folder itself.

    Args:
        folder: path of the folder.
        part: ``training``, ``evaluation``, or another word of the file names; or empty.

    Returns:
        The tasks, in the order of the file or of the file names. Empty if the folder has no such part.

    Raises:
        InputError: there is no such folder, or a file cannot be read.
    """
    root = Path(folder)
    if not os.path.isdir(folder):
        raise InputError("no such folder", folder, hint="name the folder that holds the tasks of the corpus")
    challenges = sorted(root.glob(f"*_{part}_challenges.json")) if part else []
    if challenges:
        tasks = _read(challenges[0])
        solutions = challenges[0].with_name(challenges[0].name.replace("_challenges", "_solutions"))
        if solutions.exists():
            try:
                tasks = with_solutions(tasks, _text(solutions))
            except InputError as error:
                raise error.at(str(solutions)) from None
        return tuple(tasks)
    folders = (root / part, root / "data" / part) if part else (root,)
    return tuple(task for each in folders for path in sorted(each.glob("*.json")) for task in _read(path))


def _read(path: Path) -> list[Task]:
    try:
        return parse(_text(path), str(path))
    except InputError as error:
        raise error.at(str(path)) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"is larger than {LARGEST_FILE >> 20} MiB", str(path), hint=HINT)
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"cannot be read: {reason}", str(path), hint="check the file") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON: {error.msg}", line=error.lineno, hint=HINT) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or deep nesting
        raise InputError("is not valid JSON: a number is too long, or lists are nested too deeply", hint=HINT) from None


def _task(name: str, data: object) -> Task:
    where = f"task {excerpt(name)}" if name else "the task"
    if not isinstance(data, Mapping) or not isinstance(data.get("train"), list):
        raise InputError(f'{where} has no list "train" of pairs', hint=HINT)
    if not isinstance(data.get("test"), list):
        raise InputError(f'{where} has no list "test"', hint=HINT)
    shown = _pairs(data["train"], f"{where}, train", True)
    tests = _pairs(data["test"], f"{where}, test", False)
    return Task(name, shown, tests)


def _pairs(items: list[Any], where: str, complete: bool) -> tuple[Pair, ...]:
    if not 1 <= len(items) <= MOST_PAIRS:
        raise InputError(f"{where}: {len(items)} pairs; it needs 1 to {MOST_PAIRS}", hint=HINT)
    pairs = []
    for number, item in enumerate(items, 1):
        if not isinstance(item, Mapping) or "input" not in item:
            raise InputError(f'{where}, pair {number}: no "input"', hint=HINT)
        output = item.get("output")
        if complete and output is None:
            raise InputError(f'{where}, pair {number}: no "output"', hint="a demonstration pair has both grids")
        read = None if output is None else _grid(output, f"{where}, pair {number}, output")
        pairs.append(Pair(_grid(item["input"], f"{where}, pair {number}, input"), read))
    return tuple(pairs)


def _grid(rows: object, where: str) -> Grid:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise InputError(f"{where}: not a grid of at least one cell", hint=HINT)
    widths = sorted({len(row) for row in rows})
    if len(rows) > LARGEST or widths[-1] > LARGEST:
        raise InputError(f"{where}: {len(rows)}x{widths[-1]} cells; a grid has at most 30x30", hint=HINT)
    if len(widths) > 1:
        raise InputError(f"{where}: ragged: rows of {widths[0]} and of {widths[-1]} cells", hint=HINT)
    wrong = [cell for row in rows for cell in row if type(cell) is not int or not 0 <= cell < COLOURS]
    if wrong:
        raise InputError(f"{where}: {excerpt(str(wrong[0]))} is not a colour from 0 to 9", hint=HINT)
    return np.array(rows, dtype=np.uint8)
