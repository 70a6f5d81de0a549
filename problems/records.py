"""Boards in tables and JSON: CSV with a header, JSON arrays, JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import isqrt
from typing import Any

from .errors import InputError, excerpt

QUESTIONS = ("puzzle", "puzzles", "quiz", "quizzes", "question", "questions", "board", "grid", "sudoku", "maze")
ANSWERS = ("solution", "solutions", "answer", "answers", "solved")
HINT = "name the column or key 'puzzle', 'quizzes', 'question' or 'board'; one named 'solution' or 'answer' is optional"

Signs = str | list[str]
"""The signs of a board, row by row: a string where each is one character."""


@dataclass(frozen=True)
class Record:
    """One board of a file.

    Args:
        line: of the board in the file, 1-based.
        board: its signs.
        answer: the signs of the solution that the file states, or None.
    """

    line: int
    board: Signs
    answer: Signs | None = None


def delimiter(header: str) -> str | None:
    """The separator of a table with this header; None if the line is not a header with a column of boards."""
    for sign in (",", ";", "\t"):
        names = [name.strip(" \"'").lower() for name in header.split(sign)]
        if any(name in QUESTIONS for name in names):
            return sign
    return None


def table(text: str, sign: str) -> Iterator[Record]:
    """The records of a CSV text.

    Args:
        text: the first line with content that is not a comment is the header; ``#`` starts a comment line.
        sign: the separator, as ``delimiter`` returns it.

    Raises:
        InputError: there is no header, a row ends before the column of boards, or a quoted field does not end.
    """
    lines = text.split("\n")
    place = next((i for i, line in enumerate(lines) if delimiter(line) is not None), None)
    if place is None:
        raise InputError("the table has no header", line=1, hint=HINT)
    names = [name.strip(" \"'").lower() for name in lines[place].split(sign)]
    puzzle = next((names.index(name) for name in QUESTIONS if name in names), None)
    if puzzle is None:
        raise InputError("the header has no column of boards", line=place + 1, hint=HINT)
    answer = next((names.index(name) for name in ANSWERS if name in names), None)
    # ``csv`` and not ``split``: a quoted field may be a grid of several lines. ``line_num`` then gives the next row's
    # line.
    reader = csv.reader((f"{line}\n" for line in islice(lines, place + 1, None)), delimiter=sign)
    number = place + 2
    try:
        for row in reader:
            if row and not _is_comment(row[0]) and any(map(str.strip, row)):
                if puzzle >= len(row):
                    hint = f"columns are {', '.join(names)[:80]}"
                    raise InputError("the row ends before the column of boards", line=number, hint=hint)
                stated = row[answer] if answer is not None and answer < len(row) else ""
                yield Record(number, row[puzzle], stated or None)
            number = place + 2 + reader.line_num
    except csv.Error as error:
        raise InputError(f"is not valid CSV: {error}", line=number, hint="check the quotes") from None


def _is_comment(field: str) -> bool:
    """Whether a row that starts with a field is a comment. A maze also starts with ``#``, its wall."""
    return field.startswith("#") and (len(field) < 9 or not set(field) <= set("#█ .SGEABo\n"))


def documents(text: str) -> Iterator[tuple[int, Any]]:
    """The JSON documents of a text, each after its line: a single document, or one on each line.

    Raises:
        InputError: the text is neither; with the line.
    """
    # A first line that is a document by itself, with more lines after it, means one document on each line.
    start = text[: len(text) - len(text.lstrip())].count("\n") + 1
    first = text.lstrip().partition("\n")[0]
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        found = None
    if found is None or not text.lstrip().partition("\n")[2].strip():
        yield start, _parsed(text, start)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            yield number, _parsed(line, number)


def _parsed(text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"is not valid JSON: {error.msg}"
        raise InputError(message, line=line + error.lineno - 1, hint="give an array, or one document a line") from None
    except (ValueError, RecursionError):
        hint = "give an array of rows of small numbers"
        raise InputError("is nested too deeply, or has a number that is too long", line=line, hint=hint) from None


def json_boards(text: str) -> Iterator[Record]:
    """The boards of a JSON text or of JSON lines.

    A board is an array of rows, a flat array, a string, or an object with one of these under a key of ``QUESTIONS``.

    Raises:
        InputError: a value is not a board; with the line.
    """
    for line, value in documents(text):
        yield from _boards(value, line, 0)


def _boards(value: Any, line: int, depth: int) -> Iterator[Record]:
    """The boards of a JSON value, which may be nested in up to three arrays."""
    if isinstance(value, dict):
        keys = {key.lower(): key for key in value}
        question = next((keys[name] for name in QUESTIONS if name in keys), None)
        if question is None:
            raise InputError(f"the object has no board: its keys are {excerpt(', '.join(value))}", line=line, hint=HINT)
        board = board_of(value[question])
        if board is None and isinstance(value[question], list) and depth < 3:
            yield from (found for item in value[question] for found in _boards(item, line, depth + 1))
            return
        stated = next((value[keys[name]] for name in ANSWERS if name in keys), None)
        if board is not None:
            yield Record(line, board, board_of(stated) if stated is not None else None)
            return
    else:
        board = board_of(value)  # before a list of boards: n rows of n cells are one board, not n boards
        if board is not None:
            yield Record(line, board)
            return
        if isinstance(value, list) and value and depth < 3:
            yield from (found for item in value for found in _boards(item, line, depth + 1))
            return
    raise InputError("the JSON value is not a board", line=line, hint="give an array of n rows of n cells")


def board_of(value: Any) -> Signs | None:
    """The signs of a JSON value, or None if it is not a board.

    A board is a string, n rows of n cells, n strings of n signs, or n² cells.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(row, str) for row in value) and {len(row) for row in value} == {len(value)} != {1}:
        return "".join(value)
    if all(isinstance(row, list) and len(row) == len(value) for row in value):
        value = [item for row in value for item in row]
    elif isqrt(len(value)) ** 2 != len(value):
        return None  # not a flat board
    if any(isinstance(item, list | dict) or (isinstance(item, str) and len(item) > 3) for item in value):
        return None
    return [_sign(item) for item in value]


def _sign(item: Any) -> str:
    """The sign of one JSON cell; null and blank strings are blanks."""
    if item is None or (isinstance(item, str) and not item.strip()):
        return "."
    if isinstance(item, float) and item.is_integer() and abs(item) < 1000:
        item = int(item)
    return str(item).strip()[:40]


def first(records: Iterable[Record]) -> Record | None:
    """The first record, or None if there is none or it cannot be read."""
    try:
        return next(iter(records), None)
    except InputError:
        return None
