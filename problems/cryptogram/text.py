"""Reading cryptograms: the records of LR²Bench, and a plain format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, excerpt
from ..parsing import json_records

HINT = "write 'cryptogram', the text, and a line 'hint: X=T' for each letter that is known"
MOST_SIGNS = 4000


@dataclass(frozen=True)
class Puzzle:
    """A cryptogram as it is written.

    Args:
        text: in cipher, upper case.
        known: cipher letter -> plain letter.
        line: of the puzzle in the file, 1-based.
        title: of the puzzle, or empty.
    """

    text: str
    known: dict[str, str]
    line: int
    title: str = ""


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text.

    Args:
        text: one JSON object a line, with ``text`` and ``hints``; or the plain format of ``HINT``.

    Raises:
        InputError: the text is neither, or the hints contradict each other.
    """
    if text.lstrip().startswith("{"):
        for number, record in json_records(text):
            yield _of_record(record, number)
    else:
        yield _plain(text)


def _of_record(fields: Mapping[str, Any], number: int) -> Puzzle:
    text, hints = fields.get("text"), fields.get("hints")
    if not isinstance(text, str) or not (isinstance(hints, list) and all(isinstance(hint, str) for hint in hints)):
        raise InputError("a record has 'text', a string, and 'hints', a list of strings", line=number)
    return _checked(text, [(hint, number) for hint in hints], number, str(fields.get("tag", "")))


def _plain(text: str) -> Puzzle:
    head, *lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    hints = [(line.partition(":")[2], number) for number, line in lines if line.lower().startswith("hint:")]
    rest = [line for _, line in lines if not line.lower().startswith(("hint:", "author:"))]
    return _checked(" ".join(rest), hints, head[0], head[1][len("cryptogram") :].strip(" :"))


def _checked(text: str, hints: Iterable[tuple[str, int]], line: int, title: str) -> Puzzle:
    plain = text.upper()
    if not re.search("[A-Z]", plain):
        raise InputError("the text has no letters", line=line, hint=HINT)
    if len(plain) > MOST_SIGNS:
        raise InputError(f"the text has more than {MOST_SIGNS} signs", line=line)
    strange = next((sign for sign in text if sign.isalpha() and not sign.isascii()), None)
    if strange is not None:
        raise InputError(
            f"the text has the letter {strange!r}", line=line, hint="cryptograms are of the letters A to Z"
        )
    known: dict[str, str] = {}
    for hint, number in hints:
        match = re.fullmatch(r"\s*([A-Za-z])\s*(?:decodes to|is|means|->|→|=)\s*([A-Za-z])\s*\.?\s*", hint)
        if match is None:
            raise InputError(f"{excerpt(hint.strip())} is not 'X decodes to T' or 'X=T'", line=number, hint=HINT)
        cipher, letter = match[1].upper(), match[2].upper()
        if known.get(cipher, letter) != letter:
            raise InputError(f"{cipher} decodes to {known[cipher]} and to {letter}", line=number)
        other = next((each for each, mine in known.items() if mine == letter and each != cipher), None)
        if other is not None:
            raise InputError(f"{other} and {cipher} both decode to {letter}", line=number)
        known[cipher] = letter
    return Puzzle(plain, known, line, title)
