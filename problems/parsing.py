"""Numbers, ranges and lines from text. Each function raises an ``InputError`` that states what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .errors import InputError, excerpt


def numbered_lines(text: str) -> list[tuple[int, list[str]]]:
    """The lines of a text with their 1-based numbers, each split into words.

    Blank lines and lines that start with ``#`` are left out.

    Raises:
        InputError: there is no other line.
    """
    lines = [(n, line.split()) for n, line in enumerate(text.split("\n"), 1) if line.strip() and line[0] != "#"]
    if not lines:
        raise InputError("holds only comments", hint="the file may be truncated")
    return lines


def parse_int(text: str, least: int, most: int, what: str, hint: str = "", line: int | None = None) -> int:
    """An integer from text, within bounds.

    Args:
        text: ASCII digits, optionally after a minus sign.
        least: the smallest integer allowed.
        most: the largest integer allowed.
        what: the name of the number in the error message.
        hint: the hint of the error.
        line: of the file, for the error.

    Raises:
        InputError: the text is not an integer, or is out of bounds.
    """
    # ``int`` also reads "1_0", "+1" and digits of other scripts; twelve characters hold every bound in use.
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12) or not least <= int(text) <= most:
        message = f"{what}: expected an integer from {least} to {most}, not {excerpt(text)}"
        raise InputError(message, line=line, hint=hint)
    return int(text)


def parse_range(text: str, least: int, most: int, what: str, hint: str = "") -> tuple[int, int]:
    """The two ends of ``10`` or ``10-20``.

    Args:
        text: an integer, or two joined by a dash.
        least: the smallest integer allowed.
        most: the largest integer allowed.
        what: the name of the number in the error message.
        hint: the hint of the error.

    Raises:
        InputError: an end is not an integer or is out of bounds, or the range is empty.
    """
    low_text, dash, high_text = text.partition("-")
    low = parse_int(low_text, least, most, what, hint)
    return low, parse_int(high_text, low, most, what, hint) if dash else low


def parse_fraction(text: str, what: str) -> float:
    """A number from 0 to 1.

    Args:
        text: a decimal number.
        what: the name of the number in the error message.

    Raises:
        InputError: the text is not a number, or is out of bounds.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"{what}: expected a number from 0 to 1, not {excerpt(text)}", hint="e.g. 0.4")
    return value


def parse_fraction_range(text: str, what: str) -> tuple[float, float]:
    """The two ends of ``0.2`` or ``0.2-0.4``, each from 0 to 1.

    Args:
        text: a number, or two joined by a dash.
        what: the name of the number in the error message.

    Raises:
        InputError: an end is not a number from 0 to 1, or the range is empty.
    """
    low_text, dash, high_text = text.partition("-")
    low = parse_fraction(low_text, what)
    high = parse_fraction(high_text, what) if dash else low
    if high < low:
        raise InputError(f"{what}: the range {excerpt(text)} ends below its start", hint="e.g. 0.2-0.4")
    return low, high


def parse_fields(spec: str, least: int, most: int, form: str) -> list[str]:
    """The parts of a specification between its colons.

    Args:
        spec: the text after ``family:``.
        least: the smallest number of parts.
        most: the largest number of parts.
        form: how the specification is written, with the family's name; it becomes the hint.

    Raises:
        InputError: there are fewer or more parts, or an empty one.
    """
    parts = spec.split(":")
    if not least <= len(parts) <= most or not all(parts):
        raise InputError(f"{excerpt(spec)} is not {form.partition(':')[2].partition(',')[0]}", hint=form)
    return parts


def json_records(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a text with one object a line, each with its 1-based line. Blank lines are left out.

    Args:
        text: of a file.

    Raises:
        InputError: a line is not a JSON object.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                raise InputError("the line is not a JSON object", line=number)
            yield number, record


LONGEST_RECORD = 1 << 20
"""Characters of the longest JSON record of a puzzle; a longer line is a graph."""


def first_record(text: str, *keys: str) -> dict[str, Any] | None:
    """The JSON object in the first line of a text, or None if it is none or lacks a key.

    Args:
        text: of a file with one record a line.
        keys: that the record must have.
    """
    line = text.lstrip().partition("\n")[0]
    if line.startswith("{") and len(line) < LONGEST_RECORD and all(f'"{key}"' in line for key in keys):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if isinstance(record, dict) and record.keys() >= set(keys):
            return record
    return None
