"""The text format of SAT: DIMACS CNF, and SATLIB's files that end in ``%`` and ``0``."""

from __future__ import annotations

import re

import numpy as np

from ..errors import InputError, excerpt, warn
from ..parsing import parse_int

HINT = "DIMACS CNF: 'p cnf VARIABLES CLAUSES', then clauses of literals that each end in 0"
LARGEST = 10_000_000
"""Most variables, and most clauses."""
DECLARED = 100_000
"""Variables that the header of any file may declare. A longer file may declare one for each character."""


def parse(text: str) -> tuple[int, list[list[int]]]:
    """The number of variables, and the clauses as signed variable numbers.

    A regular expression finds the parts that are not numbers; the numbers between two of them are converted in one
    call. A million clauses take a second.

    Raises:
        InputError: the text is not DIMACS CNF; with the line.
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
    return _clauses(text, numbers, *stated, header)


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


def _clauses(text: str, numbers: list[int], variables: int, stated: int, header: int) -> tuple[int, list[list[int]]]:
    """The numbers split at the zeros, after a comparison with the counts of the header.

    Args:
        text: the file, for line numbers.
        numbers: all numbers after the header.
        variables: stated by the header.
        stated: clauses, stated by the header.
        header: line of the header.
    """
    if numbers and numbers[-1]:
        line = _line(text, len(text.rstrip()))
        hint = "the file may be truncated; if it is whole, add the 0"
        raise InputError("the last clause does not end in 0", line=line, hint=hint)
    used = max(max(numbers, default=0), -min(numbers, default=0))
    most = max(variables, min(LARGEST, max(10_000, len(text))))
    if used > most:
        wrong = next(str(number) for number in numbers if abs(number) > most)
        hint = f"correct the literal, or the header, which says {variables} variables"
        raise InputError(f"literal {excerpt(wrong)} is out of range", line=_place(text, 0, wrong), hint=hint)
    if used > variables:
        warn(f"the header says {variables} variables, the file uses {used}: {used} are used", header)
    ends = np.flatnonzero(np.array(numbers, dtype=np.int64) == 0).tolist()
    clauses = [numbers[start:end] for start, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)]
    if len(clauses) > stated and not clauses[-1]:
        warn(f"a 0 after the last of {stated} clauses is ignored", _line(text, len(text.rstrip())))
        while len(clauses) > stated and not clauses[-1]:
            clauses.pop()
    if len(clauses) != stated:
        hint = "the file may be truncated" if len(clauses) < stated else ""
        warn(f"the header says {stated} clauses, the file has {len(clauses)}: all of them are used", header, hint)
    return max(variables, used), clauses


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
