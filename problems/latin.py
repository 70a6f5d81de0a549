"""Latin squares and quasigroup completion."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache, partial
from math import isqrt

from ..engine.constraints import AllDifferent
from ..engine.graph import ConstraintGraph, Value
from ..engine.problem import Problem, Source
from . import grids, switching
from .errors import InputError
from .family import Family, share, table, whole

LARGEST = 100


class Latin(Family):
    """Each value once in every row and column.

    Two texts are read: a grid of numbers 1 to n with ``.`` or 0 for a hole, on a line of its own each row, under an
    optional line ``latin``; and the format of quasigroup-with-holes lists, a line ``order n`` and then n rows of numbers
    from 0 with -1 for a hole (their value v is our v + 1).
    """

    name = "latin"
    summary = "Latin squares and quasigroup completion: a grid of numbers, or 'order n' and rows with -1 for holes"
    spec = "latin:ORDER[:GIVENS], GIVENS a share (0.4; by default none)"
    suffixes = (".latin", ".qcp", ".qwh", ".pls")

    def recognises(self, text: str) -> bool:
        head = text.split(None, 1)[0].lower()
        if head in ("order", "latin"):
            return True
        rows = [line.split() for line in text.split("\n") if line.strip() and not line.startswith("#")]
        return len(rows) > 1 and all(len(row) == len(rows) for row in rows) and _looks_numeric(rows)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        lines = table(text)
        head = lines[0][1]
        base, order = 1, None
        if head[0].lower() in ("order", "latin"):
            base = 0 if head[0].lower() == "order" else 1
            if len(head) > 1:
                order = _at(lines[0][0], head[1])
            lines = lines[1:]
        if not lines:
            raise InputError("no rows after the header", line=1, hint="the file may be truncated")
        order = order or len(lines)
        if len(lines) != order:
            raise InputError(f"{len(lines)} rows in a square of order {order}", line=lines[-1][0], hint=self.summary)
        givens: dict[str, Value] = {}
        for r, (number, row) in enumerate(lines, 1):
            cells = row if len(row) == order or len(row) > 1 else list(row[0])
            if len(cells) != order:
                raise InputError(f"{len(cells)} cells in a row of order {order}", line=number, hint=self.summary)
            for c, item in enumerate(cells, 1):
                value = _value(item, order, base, number)
                if value:
                    givens[grids.cell(r, c)] = value
        return [Problem(template(order), givens, "latin", Source(path), partial(render, order))]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        order_text, _, givens_text = spec.partition(":")
        order = whole(order_text, 1, LARGEST, "order", hint=self.spec)
        keep = share(givens_text or "0", "share of givens")
        rng = random.Random(f"latin:{spec}:{seed}")
        board = switching.latin(order, rng)
        square: dict[str, Value] = {
            grids.cell(r + 1, c + 1): value + 1 for r, row in enumerate(board) for c, value in enumerate(row)
        }
        shown = rng.sample(sorted(square), round(keep * order * order))
        givens = {name: square[name] for name in shown}
        return Problem(template(order), givens, "latin", Source(f"latin:{spec}"), partial(render, order))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(isqrt(len(assignment)), assignment)


@cache
def template(order: int) -> ConstraintGraph:
    """The constraint graph of all Latin squares of an order."""
    span = range(1, order + 1)
    rows = [tuple(grids.cell(r, c) for c in span) for r in span]
    columns = [tuple(grids.cell(r, c) for r in span) for c in span]
    return ConstraintGraph(dict.fromkeys(grids.names(order), span), [AllDifferent(g) for g in rows + columns])


def render(order: int, assignment: Mapping[str, Value]) -> str:
    """The square, a row a line."""
    return grids.draw(order, assignment)


def _looks_numeric(rows: list[list[str]]) -> bool:
    return all(item in grids.BLANKS or item.lstrip("-").isdigit() for row in rows for item in row)


def _at(line: int, text: str) -> int:
    try:
        return whole(text, 1, LARGEST, "order")
    except InputError as error:
        raise error.at("", line) from None


def _value(item: str, order: int, base: int, line: int) -> int:
    """1 to order, 0 for a hole."""
    if base == 0 and item.isascii() and item.isdigit():
        item = str(int(item[:6]) + 1)
    if item == ".":
        return 0
    return grids.token(item, order, line) if len(item) > 1 or not item.isalpha() else _letter(item, line)


def _letter(item: str, line: int) -> int:
    raise InputError(
        f"{item!r} is no cell value", line=line, hint="use numbers, and . or 0 (after 'order n': -1) for a hole"
    )
