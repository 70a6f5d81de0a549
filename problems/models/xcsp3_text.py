"""Lists in XCSP3 elements: variables, numbers, expressions, tuples, and cells of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, repeat

from ...engine.values import Domain
from ..errors import InputError, excerpt
from .expressions import Expression, number, parse
from .xcsp3_values import INTERVAL, MOST, span, span_or_number

MOST_CELLS = 4_000_000
"""The most cells of all arrays together: a short file must not fill the memory."""

MOST_ENTRIES = 20_000_000
"""The most entries of all lists of a file together."""

_CELLS = re.compile(r"([A-Za-z_]\w*)((?:\[[^\]]*\])+)\Z")
_NUMBER = re.compile(r"[-+]?\d+\Z")
_REPEATED = re.compile(r"([-+]?\d+)x(\d+)\Z")
_GROUP = re.compile(r"\(([^()]*)\)")


def words(text: str) -> list[str]:
    """The parts of a text between blanks that are not inside parentheses.

    Raises:
        InputError: the parentheses do not match.
    """
    if "(" not in text:
        return text.split()
    found, depth, start = [], 0, None
    for place, sign in enumerate(text):
        if sign.isspace() and not depth:
            if start is not None:
                found.append(text[start:place])
            start = None
            continue
        start = place if start is None else start
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    if depth:
        raise InputError(f"the parentheses of {excerpt(text)} do not match")
    if start is not None:
        found.append(text[start:])
    return found


class Array:
    """An array of variables.

    Args:
        name: its id.
        sizes: the length of each dimension.
        starts: the first index of each dimension.
    """

    def __init__(self, name: str, sizes: list[int], starts: list[int]) -> None:
        self.name, self.sizes, self.starts = name, sizes, starts

    def cells(self, selection: str) -> tuple[list[str], list[int]]:
        """The cells of a selection such as ``[0..2][]``, in order, and the lengths of its free dimensions.

        Raises:
            InputError: the selection does not fit the array.
        """
        parts = selection[1:-1].split("][")
        if len(parts) != len(self.sizes):
            raise InputError(f"{self.name}{selection}: the array has {len(self.sizes)} dimensions")
        names, free = [self.name], []
        for part, size, first in zip(parts, self.sizes, self.starts, strict=True):
            text = part.strip()
            interval = INTERVAL.match(text)
            if not text:
                indices = range(first, first + size)
            elif interval:
                indices = range(number(interval[1]), number(interval[2]) + 1)
            else:
                indices = range(number(text), number(text) + 1)
            if not indices or indices[0] < first or indices[-1] >= first + size:
                raise InputError(f"{self.name}{selection}: an index is outside the array")
            if not text or interval:
                free.append(len(indices))
            if len(names) * len(indices) > MOST:
                raise InputError(f"the array {excerpt(self.name)} is too large", hint=f"up to {MOST} cells are read")
            names = [f"{name}[{index}]" for name in names for index in indices]
        return names, free

    @cached_property
    def whole(self) -> str:
        """The selection of all cells."""
        return "[]" * len(self.sizes)


class Lists:
    """Lists of names, numbers and expressions.

    Args:
        domains: the variables so far.

    Attributes:
        arrays: the arrays by name.
        symbols: symbolic value -> the integer that represents it.
    """

    def __init__(self, domains: Mapping[str, Domain]) -> None:
        self.domains = domains
        self.arrays: dict[str, Array] = {}
        self.symbols: dict[str, int] = {}
        self._tuples: dict[str, list[tuple[int | None, ...]]] = {}
        self._selected: dict[str, list[str]] = {}
        self._entries = 0

    def expanded(self, text: str) -> Iterator[str]:
        """The parts of a text, with arrays, intervals and repetitions written out.

        Raises:
            InputError: an array is unknown, or the list is too long.
        """
        piece: Iterable[str]
        pieces: list[Iterable[str]] = []  # all are counted before one is written out
        for word in words(text):
            if "[" in word and "(" not in word:
                found: Sequence[str] = (word,) if word in self.domains else self.selected(word)
                count, piece = len(found), found
            elif word in self.arrays:
                found = self.selected(word + self.arrays[word].whole)
                count, piece = len(found), found
            elif (repeated := _REPEATED.match(word)) and word not in self.domains:
                count, piece = number(repeated[2]), repeat(repeated[1], min(number(repeated[2]), MOST_ENTRIES))
            elif interval := INTERVAL.match(word):
                values = span(interval[1], interval[2])
                count, piece = len(values), map(str, values)
            else:
                count, piece = 1, (word,)
            pieces.append(piece)
            self._count(count)
        return chain.from_iterable(pieces)

    def _count(self, entries: int) -> None:
        self._entries += entries
        if self._entries > MOST_ENTRIES:
            raise InputError("the lists are too long", hint=f"up to {MOST_ENTRIES} entries are read in a file")

    def selected(self, word: str) -> list[str]:
        """The variables of a selection such as ``x[0..2][]``; cells that were not declared are left out.

        Raises:
            InputError: there is no such array, or the selection does not fit it.
        """
        if word not in self._selected:
            array, selection = self._parts(word)
            cells, free = array.cells(selection)
            found = [cell for cell in cells if cell in self.domains]
            if not found or (not free and len(found) < len(cells)):
                raise InputError(f"unknown variable {excerpt(word)}", hint="declare it in <variables>")
            self._selected[word] = found
        return self._selected[word]

    def _parts(self, word: str) -> tuple[Array, str]:
        match = _CELLS.match(word)
        if match is None or match[1] not in self.arrays:
            raise InputError(f"unknown array {excerpt(word)}", hint="declare it in <variables>")
        return self.arrays[match[1]], match[2]

    def items(self, text: str) -> list[Expression]:
        """A list of variables, numbers and expressions."""
        return [
            word if word in self.domains else number(word) if _NUMBER.match(word) else self._name(word)
            for word in self.expanded(text)
        ]

    def _name(self, word: str) -> Expression:
        expression = self.coded(parse(word))
        if isinstance(expression, str):
            raise InputError(f"unknown variable {excerpt(word)}", hint="declare it in <variables>")
        return expression

    def numbers(self, text: str) -> list[int]:
        """A list of integers or symbolic values."""
        return [self.number(word) for word in self.expanded(text)]

    def number(self, word: str) -> int:
        """An integer or a symbolic value."""
        return self.symbols[word] if word in self.symbols else number(word)

    def coded(self, expression: Expression) -> Expression:
        """An expression with integers in the place of symbolic values."""
        if not self.symbols or isinstance(expression, int):
            return expression
        if isinstance(expression, str):
            return expression if expression in self.domains else self.symbols.get(expression, expression)
        return (expression[0], *(self.coded(each) for each in expression[1:]))

    def rows(self, text: str) -> list[list[Expression]]:
        """A matrix: ``x[][]``, or rows in parentheses.

        Raises:
            InputError: it has no rows.
        """
        if text.lstrip().startswith("("):
            return [self.items(row.replace(",", " ")) for row in _top_groups(text)]
        word = text.strip()
        if word in self.arrays:
            word += self.arrays[word].whole
        array, selection = self._parts(word)
        cells, free = array.cells(selection)
        if len(free) != 2:
            raise InputError(f"{excerpt(word)} is not a matrix", hint="e.g. x[][]")
        return [
            [cell for cell in cells[start : start + free[1]] if cell in self.domains]
            for start in range(0, len(cells), free[1])
        ]

    def tuples(self, text: str, width: int) -> list[tuple[int | None, ...]]:
        """The rows of a table; None stands for ``*``. Equal texts are read once.

        Args:
            text: ``(1,2)(3,*)``, or for one column ``1 3..5``.
            width: the number of columns.
        """
        if text not in self._tuples:
            self._tuples[text] = list(self._read_tuples(text, width))
        return self._tuples[text]

    def _read_tuples(self, text: str, width: int) -> Iterator[tuple[int | None, ...]]:
        if not text.startswith("("):
            for word in text.split():
                if word == "*":
                    yield (None,)
                elif word in self.symbols:
                    yield (self.symbols[word],)
                else:
                    found = span_or_number(word)
                    self._count(len(found))
                    yield from ((value,) for value in found)
            return
        position = 0
        for match in _GROUP.finditer(text):
            if text[position : match.start()].strip():
                break
            position = match.end()
            try:
                cells = match[1].replace(" ", "").split(",")
                row = tuple([None if cell == "*" else self.symbols.get(cell) or int(cell) for cell in cells])
            except ValueError:
                message = f"the tuple {excerpt(match[0])} has a part that is not an integer"
                raise InputError(message, hint="smart tables are not read: integers and * are") from None
            if len(row) != width:
                raise InputError(f"the tuple {excerpt(match[0])} has {len(row)} values, not {width}")
            yield row
        if text[position:].strip():
            raise InputError(f"not a tuple: {excerpt(text[position:].strip())}", hint="write (1,2)(3,4)")

    def groups(self, text: str) -> list[list[Expression]]:
        """A list of tuples of variables, numbers and expressions: ``(x,y)(1,2)``."""
        return [self.items(" ".join(_arguments(row))) for row in _top_groups(text)]


def _top_groups(text: str) -> list[str]:
    """The contents of the outermost parentheses."""
    found, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign == "(":
            depth += 1
            start = place + 1 if depth == 1 else start
        elif sign == ")":
            depth -= 1
            if not depth:
                found.append(text[start:place])
        elif not depth and not sign.isspace() and sign != ",":
            break
    else:
        if not depth:
            return found
    raise InputError(f"not a list of tuples: {excerpt(text)}", hint="write (x,y)(z,1)")


def _arguments(text: str) -> list[str]:
    """The parts between commas that are not inside parentheses."""
    found, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            found.append(text[start:place])
            start = place + 1
    return [*found, text[start:]]
