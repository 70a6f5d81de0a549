"""Writing problems: in their family's format, or as JSON, which holds every graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import isqrt
from pathlib import Path

from ..engine.constraints import Clause, Compare, Element, Reify
from ..engine.problem import Problem
from .errors import InputError

JSON = (".json", ".jsonl", ".ndjson")
"""Suffixes of JSON files. ``.json`` has one indented object if there is one problem; otherwise each line has one."""


def text(problems: Sequence[Problem], path: str, read: Callable[[str, str, int | None], Sequence[Problem]]) -> str:
    """The content of a file with these problems.

    Args:
        problems: one or more.
        path: of the file. A suffix of ``JSON`` selects JSON, any other one the family's format.
        read: (text, family, colours) -> problems. It reads the written text again, to compare the digests.

    Raises:
        InputError: the family's format does not hold these problems exactly.
    """
    ending = Path(path).suffix.lower()
    if ending in JSON:
        if len(problems) == 1 and ending == ".json":
            return json.dumps(problems[0].to_json(), ensure_ascii=False, indent=1) + "\n"
        return "".join(json.dumps(problem.to_json(), ensure_ascii=False) + "\n" for problem in problems)
    family = problems[0].family
    mixed = any(problem.family != family for problem in problems)
    if mixed or family not in _FORMATS:
        what = "problems of several families" if mixed else f"problems of the family {family}"
        raise InputError(f"{what} can only be written as JSON", path, hint="name a .json or .jsonl file")
    try:
        written = "".join(_FORMATS[family](problem) for problem in problems)
        colors = len(next(iter(problems[0].graph.domains.values()))) if family == "coloring" else None
        # The digest decides whether the format holds the problem: a renamed variable or another domain changes it.
        again = [problem.digest for problem in read(written, family, colors)]
    except (InputError, ValueError, KeyError, StopIteration):
        again = []
    if again != [problem.digest for problem in problems]:
        several = f"{len(problems)} problems" if len(problems) > 1 else "the problem"
        hint = "name a .json or .jsonl file, which holds every graph"
        raise InputError(f"a {family} file does not hold {several} exactly", path, hint=hint)
    return written


def _sat(problem: Problem) -> str:
    number = {name: i for i, name in enumerate(problem.graph.domains, 1)}
    lines = []
    for constraint in problem.graph.constraints:
        literals = constraint.literals if isinstance(constraint, Clause) else ()  # an empty clause is a Table
        lines.append(" ".join([*(str(number[name] if value else -number[name]) for name, value in literals), "0"]))
    return "\n".join([f"p cnf {len(number)} {len(lines)}", *lines]) + "\n"


def _coloring(problem: Problem) -> str:
    vertices = [name for name in problem.graph.domains if name not in problem.auxiliary]
    number = {name: i for i, name in enumerate(vertices, 1)}
    edges = [(number[c.left], number[c.right]) for c in problem.graph.constraints if isinstance(c, Compare)]
    lines = [f"e {u} {v}" for u, v in sorted(edges)]
    weights = {str(c.index): max(map(int, c.array)) for c in problem.graph.constraints if isinstance(c, Element)}
    weighted = [f"n {number[name]} {weights.get(name, 0)}" for name in vertices] if weights else []
    return "\n".join([f"p edge {len(number)} {len(lines)}", *weighted, *lines]) + "\n"


def _maxcut(problem: Problem) -> str:
    objective = problem.graph.objective
    weights = objective.coefficients if objective else {}
    vertices = [name for name in problem.graph.domains if name not in problem.auxiliary]
    lines = []
    for constraint in problem.graph.constraints:
        edge = constraint.constraint if isinstance(constraint, Reify) else None
        if isinstance(constraint, Reify) and isinstance(edge, Compare):
            weight = -weights[constraint.literal[0]] if edge.op == "!=" else weights[constraint.literal[0]]
            lines.append(f"{edge.left[1:]} {edge.right[1:]} {weight}")
    return "\n".join([f"{len(vertices)} {len(lines)}", *lines]) + "\n"


def _tsp(problem: Problem) -> str:
    rows = [" ".join(map(str, c.array)) for c in problem.graph.constraints if isinstance(c, Element)]
    head = ["TYPE: ATSP", f"DIMENSION: {len(rows)}", "EDGE_WEIGHT_TYPE: EXPLICIT", "EDGE_WEIGHT_FORMAT: FULL_MATRIX"]
    return "\n".join([*head, "EDGE_WEIGHT_SECTION", *rows, "EOF"]) + "\n"


def _sudoku(problem: Problem) -> str:
    cells = _cells(problem)
    size = isqrt(len(cells))
    return "".join(cells) + "\n" if size <= 9 else _rows(cells, size)


def _queens(problem: Problem) -> str:
    placed = [f"{name[1:]} {column}" for name, column in problem.givens.items()]
    return "\n".join([f"queens {len(problem.graph.domains)}", *placed]) + "\n"


def _latin(problem: Problem) -> str:
    domain = next(iter(problem.graph.domains.values()))
    cells = _cells(problem)
    if domain[0] != 0:
        return _rows(cells, len(domain))
    return f"order {len(domain)}\n" + _rows(["-1" if cell == "." else cell for cell in cells], len(domain))


def _cells(problem: Problem) -> list[str]:
    """The givens row by row in the values of the problem, "." for a blank."""
    return [str(problem.givens.get(name, ".")) for name in problem.graph.domains]


def _rows(cells: Sequence[str], size: int) -> str:
    return "".join(" ".join(cells[r : r + size]) + "\n" for r in range(0, len(cells), size))


def _maze(problem: Problem) -> str:
    empty: Mapping[str, int] = {}
    return problem.show(empty) + "\n"


def _picture(problem: Problem) -> str:
    """The picture with the givens, for families that read their own pictures."""
    return problem.show(problem.givens) + "\n\n"  # a blank line separates puzzles


_FORMATS: Mapping[str, Callable[[Problem], str]] = {
    "coloring": _coloring,
    "futoshiki": _picture,
    "kakuro": _picture,
    "latin": _latin,
    "maxcut": _maxcut,
    "maze": _maze,
    "queens": _queens,
    "sat": _sat,
    "sudoku": _sudoku,
    "tsp": _tsp,
}
