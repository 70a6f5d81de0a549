"""The scoring rules of LR²Bench.

Each record has subtasks: the cells or words of its answer. A level is scored by four shares: completion (CR), correct
subtasks (S-Acc), records with all subtasks correct (EM), and records with at least half of them (PM-0.5).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .records import Gold
from .tasks import TASKS

PATTERNS = {
    "crossword": r"\{.*?\}",
    "acrostic": r"\{.*?\}",
    "logic": r"\[.*?\]",
    "cryptogram": r"\{.*?\}",
    "sudoku": r"\[\s*\[.*?\]\s*\]",
    "drop": r"\[\s*\[.*?\]\s*\]",
}
"""The part of a reply that is read as the answer of each task."""


@dataclass(frozen=True)
class Grade:
    """The result of one record.

    Args:
        complete: whether there is an answer that could be read.
        right: correct subtasks.
        total: all subtasks of the record.
    """

    complete: bool
    right: int
    total: int


@dataclass(frozen=True)
class Score:
    """The shares of a set of records, each from 0 to 1.

    Args:
        records: how many there are.
        completion: with an answer that could be read (CR).
        subtasks: correct subtasks among the subtasks of all records (S-Acc).
        exact: records with all subtasks correct (EM).
        partial: records with at least half of the subtasks correct (PM-0.5).
    """

    records: int
    completion: float
    subtasks: float
    exact: float
    partial: float

    @classmethod
    def mean(cls, scores: Iterable[Score]) -> Score:
        """The plain mean of several scores, as the benchmark averages levels and tasks."""
        each = list(scores)
        shares = (
            sum(getattr(score, share) for score in each) / len(each)
            for share in ("completion", "subtasks", "exact", "partial")
        )
        return cls(sum(score.records for score in each), *shares)


def extract(task: str, reply: str) -> Any:
    """The answer in the reply of a language model; the empty answer of the task where none can be read.

    The last ``<Answer>`` (``<Mapping>`` for cryptograms) counts, and in it the last list or dictionary.

    Args:
        task: name of the task.
        reply: the whole text.
    """
    mark = "Mapping" if task == "cryptogram" else "Answer"
    marked = re.findall(f"<{mark}>(.*?)</{mark}>", reply, re.IGNORECASE | re.DOTALL)
    found = re.findall(PATTERNS[task], marked[-1].strip(), re.IGNORECASE | re.DOTALL) if marked else []
    if not found:
        return TASKS[task].empty
    try:
        return ast.literal_eval(found[-1].strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return TASKS[task].empty


def grade(gold: Gold, answer: Any) -> Grade:
    """Compare an answer with the solution.

    Args:
        gold: the record and its solution.
        answer: in the benchmark's form; an answer of another form has no correct subtask.
    """
    task = TASKS[gold.task]
    marks = _MARKS.get(gold.task, _words)(gold, answer)
    complete = isinstance(answer, type(task.empty)) and answer != task.empty
    return Grade(complete, sum(marks) if complete else 0, len(marks))


def summarise(grades: Iterable[Grade]) -> Score:
    """The score of one level.

    Args:
        grades: of its records, at least one.
    """
    each = list(grades)
    exact = sum(grade.right == grade.total for grade in each)
    partial = sum(2 * grade.right >= grade.total for grade in each)
    total = sum(grade.total for grade in each)
    complete = sum(grade.complete for grade in each)
    right = sum(grade.right for grade in each)
    return Score(len(each), complete / len(each), right / max(1, total), exact / len(each), partial / len(each))


def _words(gold: Gold, answer: Any) -> list[bool]:
    """Keys in lower case, values in lower case and without spaces."""
    given = answer if isinstance(answer, Mapping) else {}
    plain = {str(key).lower(): _plain(value) for key, value in given.items()}
    return [plain.get(key.lower()) == _plain(value) for key, value in gold.answer.items()]


def _plain(value: Any) -> str:
    return str(value).lower().replace(" ", "")


def _rows(gold: Gold, answer: Any) -> list[bool]:
    """Rows are matched by their first category; the other cells are compared in lower case."""
    rows = [row for row in answer if isinstance(row, Mapping)] if isinstance(answer, list) else []
    marks = []
    for wanted in gold.answer:
        first, *rest = wanted
        own = next((row for row in rows if str(row.get(first)).lower() == str(wanted[first]).lower()), {})
        marks += [name in own and str(own[name]).lower() == str(wanted[name]).lower() for name in rest]
    return marks


def _blanks(gold: Gold, answer: Any) -> list[bool]:
    """The cells that the puzzle leaves blank, as integers."""
    grid, solved = gold.answer["grid"], gold.answer["answer"]
    return [
        type(_cell(answer, r, c)) is int and _cell(answer, r, c) == value
        for r, row in enumerate(solved)
        for c, value in enumerate(row)
        if not grid[r][c]
    ]


def _letters(gold: Gold, answer: Any) -> list[bool]:
    """All cells but the black ones, punctuation included; upper and lower case differ."""
    return [
        _cell(answer, r, c) == sign for r, row in enumerate(gold.answer) for c, sign in enumerate(row) if sign != "#"
    ]


def _cell(answer: Any, row: int, column: int) -> Any:
    try:
        return answer[row][column]
    except (IndexError, KeyError, TypeError):
        return None


_MARKS = {"logic": _rows, "sudoku": _blanks, "drop": _letters}
