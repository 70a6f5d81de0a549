"""Reading logic grids: the records of LR²Bench, and a plain format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, excerpt
from ..parsing import json_records
from .items import Categories
from .model import DERIVED

HINT = "write 'logic', a line 'category: item, item, item' for each category, then the clues, one a line: '1. ...'"
HEAD = r"logic(?:\s+\S.*)?"
"""The first line of a puzzle in the plain format."""

MOST_ROWS, MOST_CATEGORIES = 20, 12
LONGEST_NAME, LONGEST_CLUE = 200, 2000
"""Characters of the longest item or category, and of the longest clue."""


@dataclass(frozen=True)
class Puzzle:
    """A logic grid as it is written.

    Args:
        categories: with their items.
        clues: name -> text.
        line: of the puzzle in the file, 1-based.
        title: of the puzzle, or empty.
    """

    categories: Categories
    clues: Mapping[str, str]
    line: int
    title: str = ""


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text.

    Args:
        text: one JSON object a line, with ``value`` (category -> items) and ``clue`` (name -> text); or the plain
            format of ``HINT``, with several puzzles one after another.

    Raises:
        InputError: the text is neither, or the categories do not match.
    """
    if text.lstrip().startswith("{"):
        for number, record in json_records(text):
            yield _of_record(record, number)
        return
    yield from _plain(text)


def _of_record(record: Mapping[str, Any], number: int) -> Puzzle:
    value, clue = record.get("value"), record.get("clue")
    if not isinstance(value, dict) or not isinstance(clue, dict):
        raise InputError("a record has 'value' (category -> items) and 'clue' (number -> text)", line=number)
    items = {}
    for name, each in value.items():
        if not isinstance(each, list) or not all(isinstance(item, str | int) for item in each):
            raise InputError(f"the items of the category {excerpt(name)} are not a list of strings", line=number)
        items[name] = [str(item) for item in each]
    if not all(isinstance(text, str) for text in clue.values()):
        raise InputError("a clue is not a string", line=number)
    return Puzzle(_categories(items, number), _short(clue, number), number, str(record.get("tag", "")))


def _plain(text: str) -> Iterator[Puzzle]:
    blocks: list[list[tuple[int, str]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        if re.fullmatch(HEAD, plain, re.IGNORECASE) and ":" not in plain:
            blocks.append([])
        elif not blocks:
            raise InputError("the first line is not 'logic'", line=number, hint=HINT)
        blocks[-1].append((number, plain))
    for block in blocks:
        start, head = block[0]
        items: dict[str, list[str]] = {}
        clues: dict[str, str] = {}
        for number, line in block[1:]:
            name, colon, listed = line.partition(":")
            marked = re.match(r"(\d+|[-*])[.)]?\s+", line)
            if not clues and colon and not marked and ("," in listed or ";" in listed):
                if name.strip() in items:
                    raise InputError(f"the category {excerpt(name.strip())} occurs twice", line=number)
                items[name.strip()] = [each.strip() for each in re.split(r";" if ";" in listed else r",(?!\d)", listed)]
            else:
                own = marked[1] if marked and marked[1].isdigit() else str(len(clues) + 1)
                if own in clues:
                    raise InputError(f"clue {own} occurs twice", line=number)
                clues[own] = line[marked.end() :] if marked else line
        yield Puzzle(_categories(items, start), _short(clues, start), start, head[5:].strip())


def _short(clues: Mapping[str, str], line: int) -> dict[str, str]:
    """The clues, if none is too long."""
    for name, text in clues.items():
        if len(text) > LONGEST_CLUE:
            what = f"clue {excerpt(name)} has {len(text)} characters; up to {LONGEST_CLUE} are read"
            raise InputError(what, line=line)
    return dict(clues)


def _categories(items: Mapping[str, list[str]], line: int) -> Categories:
    if len(items) < 2:
        raise InputError("a logic grid has at least two categories", line=line, hint=HINT)
    if len(items) > MOST_CATEGORIES:
        raise InputError(f"{len(items)} categories; a logic grid has up to {MOST_CATEGORIES}", line=line)
    first, size = next((name, len(each)) for name, each in items.items())
    for name, each in items.items():
        if len(each) != size:
            what = f"the category {excerpt(name)} has {len(each)} items, and {excerpt(first)} has {size}"
            raise InputError(what, line=line, hint="all categories have equally many items")
        twice = next((item for item in each if [other.lower() for other in each].count(item.lower()) > 1), None)
        if twice is not None:
            raise InputError(f"the category {excerpt(name)} has the item {excerpt(twice)} twice", line=line)
        if ": " in name or name.startswith(DERIVED):
            raise InputError(
                f"the category {excerpt(name)} has ': ' in its name, or '{DERIVED}' at its start", line=line
            )
        long = next((text for text in (name, *each) if len(text) > LONGEST_NAME), None)
        if long is not None:
            what = f"the name {excerpt(long)} has {len(long)} characters; up to {LONGEST_NAME} are read"
            raise InputError(what, line=line)
        if not name.strip() or not all(item.strip() for item in each):
            raise InputError("a category or an item without a name", line=line, hint=HINT)
    if not 2 <= size <= MOST_ROWS:
        raise InputError(f"categories of {size} items; a logic grid has 2 to {MOST_ROWS}", line=line)
    return Categories(tuple(items), tuple(map(tuple, items.values())))
