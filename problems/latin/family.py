"""The Latin square family: squares and quasigroup completion."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from math import isqrt
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from .. import grids, records, squares
from ..alphabet import cells, consistent, meaning, symbols
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import parse_fraction, parse_int
from ..records import Record

if TYPE_CHECKING:
    from ...pictures.view import View

LARGEST = 100
"""Most rows."""
HINT = "give n rows of n numbers or letters, . for a hole; or 'order n', then n rows of numbers from 0, -1 for a hole"


class Latin(Family):
    """Each value occurs once in every row and column. The variables are r1c1 to rNcN.

    Two formats are read. One is a grid of numbers 1 to n, or of n letters, with ``.`` or 0 for a hole, maybe after a
    line ``latin``. The other is that of quasigroup-with-holes lists: a line ``order n``, then n rows of numbers from 0,
    with -1 for a hole. Answers use the values of the file. A file may have several squares.
    """

    name = "latin"
    summary = (
        "Latin squares and quasigroup completion: a grid of numbers or letters, or 'order n' and rows with -1 for holes"
    )
    spec = "latin:ORDER[:GIVENS], GIVENS a share (0.4; by default none)"
    suffixes = (".latin", ".qcp", ".qwh", ".pls")
    stream_forms = ("latin:ORDER:SHARE",)
    stream_maker = "mull.problems.latin.stream:LatinStream"

    def recognises(self, text: str) -> bool:
        if text.split(None, 1)[0].lower() in ("order", "latin"):
            return True
        try:
            found = next(_squares(text), None)
            if found is None or len(found[1].board) < 4:  # any single number would be a square of order 1
                return False
            values = _values(*found)
            cells(found[1].board, meaning(values), values, None)
        except InputError:
            return False
        return True

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        problems = []
        found = list(_squares(text))
        for zero, record in found:
            values = _values(zero, record)
            board = cells(record.board, meaning(values), values, record.line)
            names = grids.names(len(values))
            givens: dict[str, Value] = {name: values[v - 1] for name, v in zip(names, board, strict=True) if v}
            graph, draw = template(len(values), values), partial(render, len(values))
            source = Source(path, record.line if len(found) > 1 else None)
            problems.append(Problem(graph, givens, "latin", source, draw))
        return problems

    def fits(self, problem: Problem) -> bool:
        domains = problem.graph.domains
        place = {value: i for i, value in enumerate(domains["r1c1"], 1)}
        board = [place[problem.givens[name]] if name in problem.givens else 0 for name in domains]
        return consistent(board, isqrt(len(board)))

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        order_text, _, givens_text = spec.partition(":")
        order = parse_int(order_text, 1, LARGEST, "order", hint=self.spec)
        keep = parse_fraction(givens_text or "0", "share of givens")
        rng = random.Random(f"latin:{spec}:{seed}")
        board = squares.random_latin(order, rng)
        square: dict[str, Value] = {
            grids.cell(r + 1, c + 1): value + 1 for r, row in enumerate(board) for c, value in enumerate(row)
        }
        chosen = rng.sample(sorted(square), round(keep * order * order))
        givens = {name: square[name] for name in chosen}
        return Problem(template(order), givens, "latin", Source(f"latin:{spec}"), partial(render, order))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(isqrt(len(assignment)), assignment)

    def picture(self, view: View) -> str:
        return grids.picture(view, isqrt(len(view.domains)))


@cache
def template(order: int, values: tuple[Value, ...] | None = None) -> ConstraintGraph:
    """The constraint graph of all Latin squares of an order.

    Args:
        order: n, the number of rows.
        values: of the cells; by default 1 to n.
    """
    span = range(1, order + 1)
    if values == tuple(span):
        return template(order)
    rows = [tuple(grids.cell(r, c) for c in span) for r in span]
    columns = [tuple(grids.cell(r, c) for r in span) for c in span]
    return ConstraintGraph(dict.fromkeys(grids.names(order), values or span), [AllDifferent(g) for g in rows + columns])


def render(order: int, assignment: Mapping[str, Value]) -> str:
    """The square as text, one row a line.

    Args:
        order: number of rows.
        assignment: values by variable; a missing cell is drawn as a dot.
    """
    return grids.draw(order, assignment)


_APART = str.maketrans(dict.fromkeys(",;\t[](){}\"'", " "))
_COMMENT = re.compile(r"\s#.*")
_CELL = re.compile(r"[A-Za-z._*?-]|-?\d{1,3}")


def _squares(text: str) -> Iterator[tuple[bool | None, Record]]:
    """The squares of a text, each after whether its values start at 0 (None: not stated).

    Raises:
        InputError: a row too many or too few, or of another length.
    """
    if text.lstrip().startswith(("[", "{")):
        for record in records.json_boards(text):
            if isqrt(len(record.board)) ** 2 != len(record.board) or len(record.board) > LARGEST**2:
                message = f"{len(record.board)} cells are not a square of up to {LARGEST} rows"
                raise InputError(message, line=record.line, hint=HINT)
            yield None, record
        return
    order, zero, start, number = 0, None, 0, 1
    stated = False
    board: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        row = _COMMENT.sub("", line).translate(_APART).split() if line[:1] != "#" else []
        if not row:
            continue
        if row[0].lower() in ("order", "latin"):
            if board or (stated and not start):
                raise _cut(len(board) // order if order else 0, order, number)
            zero = True if row[0].lower() == "order" else None
            order = parse_int(row[1], 1, LARGEST, "order", HINT, number) if len(row) > 1 else 0
            stated, start = True, 0
            continue
        if len(row) == 1 and (order or len(row[0])) > 1:  # signs without blanks between them
            row = list(row[0])
        if not order:
            order = len(row)
            if order > LARGEST:
                raise InputError(f"a row of {order} cells", line=number, hint=f"squares have up to {LARGEST} rows")
        if len(row) != order:
            raise InputError(f"a row of length {len(row)} in a square of order {order}", line=number, hint=HINT)
        wrong = next((item for item in row if not _CELL.fullmatch(item)), None)
        if wrong is not None:
            raise _sign(wrong, number)
        start = start if board else number
        board += row
        if len(board) == order * order:
            yield zero, Record(start, board)
            board = []
            order = order if stated else 0  # the next square may have another order
    if board or not start:
        raise _cut(len(board) // order if order else 0, order, number)


def _values(zero: bool | None, record: Record) -> tuple[Value, ...]:
    if zero:
        return tuple(range(isqrt(len(record.board))))
    return symbols(isqrt(len(record.board)), [record.board])


def _cut(rows: int, order: int, line: int) -> InputError:
    if not rows:
        return InputError("no rows after the header", line=line, hint="the file may be truncated")
    return InputError(f"the square ends after {rows} of {order} rows", line=line, hint=HINT)


def _sign(item: str, line: int) -> InputError:
    hint = "use numbers, and . or 0 (after 'order n': -1) for a hole"
    return InputError(f"{excerpt(item)} is not a cell value", line=line, hint=hint)
