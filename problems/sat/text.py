"""The text format of SAT: DIMACS CNF, and SATLIB's files that end in ``%`` and ``0``."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from ..errors import InputError, excerpt, warn
from ..parsing import parse_int

HINT = "DIMACS CNF: 'p cnf VARIABLES CLAUSES', then clauses of literals that each end in 0"
LARGEST = 10_000_000
"""Most variables, and most clauses."""
DECLARED = 100_000
"""Variables that the header of any file may declare. A longer file may declare one for each character."""


class Formula(NamedTuple):
    """A formula in conjunctive normal form.

    Args:
        variables: their number.
        start: [C + 1] int64. Clause c has the literals from ``start[c]`` to below ``start[c + 1]``.
        literals: [L] int64, signed variable numbers, 1 to ``variables``, as in DIMACS.
    """

    variables: int
    start: np.ndarray
    literals: np.ndarray


def parse(text: str) -> Formula:
    """The formula of a text. A million clauses take 0.2 s where all comments precede the clauses.

    Raises:
        InputError: the text is not DIMACS CNF; with the line.
    """
    return _parse_plain(text) or _parse_any(text)


_BEFORE = re.compile(r"(?:[ \t]*(?:c[^\n]*)?\n)*[ \t]*(p[ \t]+cnf[ \t]+[0-9]{1,8}[ \t]+[0-9]{1,8}[ \t]*)(?:\n|\Z)")
"""Comments, and the header."""

_PLAIN = b"0123456789- \t\n"


def _parse_plain(text: str) -> Formula | None:
    """The formula of a text that has only numbers after the header, perhaps with SATLIB's ending; None for others."""
    found = _BEFORE.match(text)
    if found is None:
        return None
    end = text.find("\n%", found.end() - 1)
    body = text[found.end() : end if end >= 0 else len(text)].encode()
    if body.translate(None, _PLAIN):
        return None
    data = np.frombuffer(b" " + body + b" ", dtype=np.uint8)
    minus = np.flatnonzero(data == ord("-"))
    if (data[minus - 1] > ord(" ")).any() or (data[minus + 1] < ord("0")).any():
        return None
    # A number of more digits than an integer holds becomes the largest integer, which is out of range.
    numbers = np.fromstring(body, dtype=np.int64, sep=" ") if body.strip() else np.zeros(0, dtype=np.int64)
    header = _line(text, found.start(1))
    return _clauses(text, numbers, *_header(found[1], header, len(text)), header)


def _parse_any(text: str) -> Formula:
    """The formula of a text, or the error about its first mistake.

    A regular expression finds the parts that are not numbers; the numbers between two of them are converted in one
    call. A million clauses take a second.
    """
    stated: tuple[int, int] | None = None
    header = end = 0
    numbers: list[int] = []
    for match in _REST.finditer(text):
        numbers += _numbers(text, end, match.start(), stated is not None)
        end, rest = match.end(), match[0]
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if rest[0] == "c" and (not before or before[-1].isspace()):
            continue  # a comment on its own line, or after a clause
        number = _line(text, match.start())
        if before.strip():
            word = (before + rest).split()[len(before.rstrip().split()) - (not before[-1].isspace())]
            raise InputError(f"{excerpt(word)} is not a literal", line=number, hint=HINT)
        if rest[0] == "%":
            end = len(text)
            break  # SATLIB ends files with % and a lone 0
        if rest[0] != "p":
            raise InputError(f"{excerpt(rest.split()[0])} is not a literal{_known(rest)}", line=number, hint=HINT)
        if stated:
            raise InputError("a second 'p' line", line=number, hint=HINT)
        header, stated = number, _header(rest, number, len(text))
    if stated is None:
        _numbers(text, end, len(text), False)
        raise InputError("no 'p cnf' line", line=1, hint=HINT)
    numbers += _numbers(text, end, len(text), True)
    held = np.array([max(-_TOO_LARGE, min(number, _TOO_LARGE)) for number in numbers], dtype=np.int64)
    return _clauses(text, held, *stated, header)


_TOO_LARGE = (1 << 63) - 1


_REST = re.compile(r"[^-0-9\s][^\n]*")
"""A part that is not a number, to the end of its line: a comment, the header, or a mistake."""


def _numbers(text: str, start: int, end: int, ready: bool) -> list[int]:
    words = text[start:end].split()
    if words and not ready:
        first = start + len(text[start:end]) - len(text[start:end].lstrip())
        raise InputError("a clause before the 'p cnf' line", line=_line(text, first), hint=HINT)
    try:
        return list(map(int, words))
    except ValueError:
        wrong = next(word for word in words if not re.fullmatch(r"-?[0-9]{1,18}", word))
        raise InputError(f"{excerpt(wrong)} is not a literal", line=_place(text, start, wrong), hint=HINT) from None


def _clauses(text: str, numbers: np.ndarray, variables: int, stated: int, header: int) -> Formula:
    """The numbers split at the zeros, after a comparison with the counts of the header.

    Args:
        text: the file, for line numbers.
        numbers: [N] int64, all numbers after the header.
        variables: stated by the header.
        stated: clauses, stated by the header.
        header: line of the header.
    """
    if len(numbers) and numbers[-1]:
        line = _line(text, len(text.rstrip()))
        hint = "the file may be truncated; if it is whole, add the 0"
        raise InputError("the last clause does not end in 0", line=line, hint=hint)
    used = max(int(numbers.max(initial=0)), -int(numbers.min(initial=0)))
    most = max(variables, min(LARGEST, max(10_000, len(text))))
    if used > most:
        wrong, line = _beyond(text, most)
        hint = f"correct the literal, or the header, which says {variables} variables"
        raise InputError(f"literal {excerpt(wrong)} is out of range", line=line, hint=hint)
    if used > variables:
        warn(f"the header says {variables} variables, the file uses {used}: {used} are used", header)
    ends = np.flatnonzero(numbers == 0)
    start = np.concatenate(([0], ends - np.arange(len(ends))))  # without the zeros before each end
    if len(ends) > stated and start[-1] == start[-2]:
        warn(f"a 0 after the last of {stated} clauses is ignored", _line(text, len(text.rstrip())))
        while len(start) - 1 > stated and start[-1] == start[-2]:
            start = start[:-1]
    count = len(start) - 1
    if count != stated:
        hint = "the file may be truncated" if count < stated else ""
        warn(f"the header says {stated} clauses, the file has {count}: all of them are used", header, hint)
    return Formula(max(variables, used), start, numbers[numbers != 0])


def _beyond(text: str, most: int) -> tuple[str, int]:
    """The first literal above ``most``, and its line."""
    for number, line in enumerate(text.split("\n"), 1):
        words = [] if re.match(r"\s*p\b", line) else _REST.sub("", line).split()
        wrong = next((word for word in words if len(word) > 18 or abs(int(word)) > most), None)
        if wrong is not None:
            return wrong, number
    raise AssertionError("a literal above the most was counted")


def _header(line: str, number: int, size: int) -> tuple[int, int]:
    parts = line.split(None, 5)
    if len(parts) != 4 or parts[1] != "cnf":
        raise InputError(f"{excerpt(line)} is not 'p cnf VARIABLES CLAUSES'", line=number, hint=HINT)
    variables = parse_int(parts[2], 0, _most(size), "variables", HINT, number)
    return variables, parse_int(parts[3], 0, LARGEST, "clauses", HINT, number)


def _most(size: int) -> int:
    """The most variables that a file of ``size`` characters may declare: a short one must not fill the memory."""
    return min(LARGEST, max(DECLARED, size))


def _known(line: str) -> str:
    """The format that a line belongs to, for the message of a line that is not CNF."""
    if re.match(r"[ae]\s+[-0-9\s]+$", line):
        return ": a QDIMACS file, not supported"
    return ": an XOR clause, not supported" if re.match(r"x\s*-?[0-9]", line) else ""


def _line(text: str, position: int) -> int:
    """The line number of a position."""
    return text.count("\n", 0, position) + 1


def _place(text: str, start: int, word: str) -> int:
    """The line number of a word after position ``start``, outside comments."""
    first = _line(text, start)
    for number, line in enumerate(text[start:].split("\n"), first):
        if word in _REST.sub("", line).split():
            return number
    return first
