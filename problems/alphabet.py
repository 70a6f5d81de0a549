"""The signs of square grids: values and blanks. Files use digits, ``1-9A-G``, ``0-9A-F`` or ``A-P`` for values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..engine.values import Value
from .errors import InputError, excerpt

BLANKS = frozenset([*"._*-?", "-1", "null", "None"])
"""Signs that are always blanks. ``0``, ``x`` and ``X`` are blanks if they are not values."""

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def symbols(order: int, boards: Iterable[Sequence[str]], zero: bool | None = None) -> tuple[Value, ...]:
    """The values of a file's boards, in ascending order, as the file writes them.

    Args:
        order: n, the number of values.
        boards: the n² signs of each board, row by row. All boards have this order.
        zero: whether the values start at 0. None decides by the boards; then they start at 0 only above order 9, or if
            -1 is a blank.
    """
    boards = list(boards)
    signs: set[str] = set().union(*boards)
    used = signs - BLANKS
    # x and X are blanks in many files, and values only of order 24 and more.
    letters = {s for s in used if len(s) == 1 and s.isascii() and s.isalpha()} - {"x", "X"}
    numbers = {s for s in used if s.isascii() and s.isdigit()}
    if zero is None:
        zero = (order > 9 or "-1" in signs) and _from_zero(order, boards, signs)
    if letters and not any(len(s) > 1 for s in numbers) and order <= 26:
        lower = not any(s.isupper() for s in letters)
        names = _LETTERS.lower() if lower else _LETTERS
        if not numbers - {"0"}:  # letters alone: A is the first value, and 0 a blank
            return tuple(names[:order])
        if order > 9:  # digits, then letters: 1-9A-G, or 0-9A-F
            return tuple((_DIGITS + names)[0 if zero else 1 :][:order])
    return tuple(range(order)) if zero else tuple(range(1, order + 1))


def _from_zero(order: int, boards: list[Sequence[str]], signs: set[str]) -> bool:
    """Whether 0 is a value of the boards.

    It is if 0 occurs at most once in each row and column, and the n-th sign from 1 does not occur. Blanks must have
    another sign, or there must be none.
    """
    last = (str(order), *((_DIGITS + _LETTERS)[order : order + 1] if order < 36 else ()))
    if "0" not in signs or any(s in signs or s.lower() in signs for s in last):
        return False
    if not signs & (BLANKS | {"x", "X"}):
        return all(_one_a_line(order, board) for board in boards) and any("0" in board for board in boards)
    return all(_one_a_line(order, board) for board in boards)


def _one_a_line(order: int, board: Sequence[str]) -> bool:
    """Whether 0 occurs at most once in each row and column."""
    places = [i for i, sign in enumerate(board) if sign == "0"]
    return len(places) == len({i // order for i in places}) == len({i % order for i in places})


def meaning(values: tuple[Value, ...]) -> Mapping[str, int]:
    """Sign -> 1-based index of its value in ``values``; 0 for a blank."""
    found = dict.fromkeys([*BLANKS, "0", "x", "X"], 0)
    for place, value in enumerate(values, 1):
        if isinstance(value, int):
            found |= {str(value): place, f"{value:02}": place, f"{value:03}": place}  # padded to one width
            if 10 <= value < 36 and values[0] == 1 and len(values) > 9:  # A = 10
                sign = _LETTERS[value - 10]
                found |= {sign: place, sign.lower(): place}
        else:
            found |= {value.upper(): place, value.lower(): place}
    return found


def cells(signs: Sequence[str], known: Mapping[str, int], values: tuple[Value, ...], line: int | None) -> list[int]:
    """The cells of a board as numbers.

    Args:
        signs: of the cells, row by row.
        known: sign -> 1-based index of its value, as ``meaning`` returns it.
        values: in ascending order, for the error's hint.
        line: of the board in its file.

    Returns:
        The 1-based index of each cell's value, 0 for a blank.

    Raises:
        InputError: a sign is neither a value nor a blank.
    """
    try:
        return [known[sign] for sign in signs]
    except KeyError as error:
        wrong = str(error.args[0])
    span = f"{values[0]} to {values[-1]}"
    if wrong.removeprefix("-").isdigit():
        raise InputError(f"value {excerpt(wrong)} is out of range", line=line, hint=f"the values are {span}") from None
    raise InputError(
        f"{excerpt(wrong)} is not a cell value", line=line, hint=f"use {span}, and . for a blank"
    ) from None


def consistent(board: Sequence[int], order: int, box: int = 0) -> bool:
    """Whether no value occurs twice in a row, a column or a box.

    Args:
        board: order² cells row by row, 0 for a blank.
        order: number of rows.
        box: rows of a box; 0 for squares without boxes.
    """
    seen: set[tuple[str, int, int]] = set()
    count = 0
    wide = order // box if box else order
    for i, value in enumerate(board):
        if value:
            r, c = divmod(i, order)
            seen |= {("r", r, value), ("c", c, value)}
            count += 2
            if box:
                seen.add(("b", r // box * order + c // wide, value))
                count += 1
    return len(seen) == count
