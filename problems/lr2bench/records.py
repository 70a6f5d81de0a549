"""The folder of LR²Bench: ``<i>-<task>/<level>/data.jsonl``, and ``answer.json`` with the solutions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .tasks import BenchTask

HINT = "name the benchmark's folder: it has answer.json and folders such as 2-logic/4_4"


@dataclass(frozen=True)
class Gold:
    """The solution that the benchmark states for one record.

    Args:
        task: the record's task.
        level: the record's level, e.g. ``4_4``.
        fields: the record, without solution.
        answer: the solution.
    """

    task: str
    level: str
    fields: Mapping[str, Any]
    answer: Any


def records_of(folder: str | Path, task: BenchTask) -> dict[str, Path]:
    """The files with the records of a task: level -> path, in the order of the levels.

    Args:
        folder: of the benchmark.
        task: one of ``TASKS``.

    Raises:
        InputError: the folder does not exist or has no such file.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError("no such folder", str(folder), hint=HINT)
    found = sorted(root.glob(f"*-{task.folder}/*/data.jsonl"), key=lambda path: _order(path.parent.name))
    if not found:
        raise InputError(f"has no records of the task {task.name}", str(folder), hint=HINT)
    return {path.parent.name: path for path in found}


def solutions(folder: str | Path, task: BenchTask) -> dict[str, list[Gold]]:
    """The records of a task with their solutions: level -> records, in the order of the file.

    Args:
        folder: of the benchmark.
        task: one of ``TASKS``.

    Raises:
        InputError: a file is missing or malformed, or a record has no solution.
    """
    path = Path(folder) / "answer.json"
    stated = _json(path, _text(path), 1)
    if not isinstance(stated, dict) or not isinstance(stated.get(task.name), list):
        raise InputError(f"holds no solutions of the task {task.name}", str(path), hint=HINT)
    known: dict[tuple[str, str], Any] = {}
    for each in stated[task.name]:
        if not isinstance(each, dict) or {"tag", "level", "answer"} - each.keys():
            raise InputError("a solution has the keys tag, level and answer", str(path))
        written = each["answer"]
        known[str(each["level"]), str(each["tag"])] = json.loads(written) if isinstance(written, str) else written
    found: dict[str, list[Gold]] = {}
    for level, file in records_of(folder, task).items():
        found[level] = []
        for number, line in enumerate(_text(file).split("\n"), 1):
            if not line.strip():
                continue
            fields = _json(file, line, number)
            tag = str(fields.get("tag")) if isinstance(fields, dict) else ""
            if (level, tag) not in known:
                raise InputError(f"record {tag!r} has no solution in answer.json", str(file), line=number)
            found[level].append(Gold(task.name, level, fields, known[level, tag]))
    return found


def _order(level: str) -> tuple[list[int], str]:
    """Levels by their numbers, then by name: 5_5 before 10_10, easy before hard."""
    return [int(part) for part in level.split("_") if part.isdigit()], level


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(error.strerror or str(error), str(path), hint=HINT) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", str(path), hint=HINT) from None


def _json(path: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", str(path), line=line, hint=HINT) from None
