"""The family of logic grids: items of several categories that clues in English bring together."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import excerpt, warn
from ..puzzles import PuzzleFamily
from ..uniqueness import OtherSolutions
from .generate import generated
from .grammar import NotUnderstood, understand
from .model import DERIVED, SEPARATOR, template
from .text import Puzzle, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View


class Logic(PuzzleFamily[Puzzle]):
    """Each row of the solution has one item of each category. The clues are English sentences.

    Each item is a variable, ``category: item``; its value is the row. The rows are those of the first category's items.
    A clue that the grammar does not understand is reported and left out; the solution may then not follow from the
    puzzle, and the answer states whether it does.
    """

    name = "logic"
    keys = ("value", "clue")
    summary = "logic grids with clues in English: 'logic', lines 'category: item, item', then clues; or JSON lines"
    spec = "logic:CATEGORIESxITEMS, up to 6x10"
    suffixes = (".logic",)
    solver = "cpsat"

    def puzzles(self, text: str) -> Iterator[Puzzle]:
        return puzzles(text)

    def problem(self, puzzle: Puzzle, source: Source) -> Problem:
        return problem(puzzle, source)

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random puzzle with one solution; none of its clues can be left out."""
        puzzle = generated(spec, random.Random(f"logic:{spec}:{seed}"), self.spec)
        return problem(puzzle, Source(f"logic:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return drawn(assignment)

    def picture(self, view: View) -> str:
        from .picture import solution_table

        return solution_table(view)


def rows(assignment: Mapping[str, Value]) -> list[dict[str, str]]:
    """The rows of the solution: category -> item.

    Args:
        assignment: variable -> row.
    """
    found: dict[int, dict[str, str]] = {}
    for name, row in assignment.items():
        category, separator, item = name.partition(SEPARATOR)
        if separator and not name.startswith(DERIVED):
            found.setdefault(int(row), {})[category] = item
    return [found[row] for row in sorted(found)]


def drawn(assignment: Mapping[str, Value]) -> str:
    """The solution as a table.

    Args:
        assignment: variable -> row; perhaps of some variables only.
    """
    table = rows(assignment)
    names = list(dict.fromkeys(name for row in table for name in row))
    lines = [names, *([row.get(name, "?") for name in names] for row in table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def problem(puzzle: Puzzle, source: Source) -> Problem:
    """The problem of a puzzle; warns of the clues that are left out.

    Args:
        puzzle: as it was read.
        source: of the problem.
    """
    understood = []
    left_out = 0
    for (number, text), found in zip(
        puzzle.clues.items(), understand(puzzle.categories, list(puzzle.clues.values())), strict=True
    ):
        if isinstance(found, NotUnderstood):
            left_out += 1
            warn(f"clue {number} is left out, {found}: {excerpt(text)}", line=puzzle.line)
        else:
            understood += [(f"clue {number}", statement) for statement in found]
    graph = template(puzzle.categories, understood)
    return Problem(
        graph,
        {},
        "logic",
        source,
        partial(_shown, graph, left_out),
        name=puzzle.title,
        auxiliary=frozenset(name for name in graph.domains if name.startswith(DERIVED)),
    )


def _shown(graph: ConstraintGraph, left_out: int, assignment: Mapping[str, Value]) -> str:
    """The solution as a table, with a line that states whether it follows from the clues."""
    table = drawn(assignment)
    if assignment.keys() != graph.domains.keys() or graph.broken(assignment):
        return table
    other = OtherSolutions(graph, assignment).differ()
    if not other:
        return table
    clues = "the clue that was" if left_out == 1 else "the clues that were"
    why = f"without {clues} left out the clues have" if left_out else "the clues have"
    return f"{table}\nnot entailed: {why} other solutions"
