"""Problems as text: in their family's format, or as JSON, which holds every graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..engine.constraints import Clause, Compare
from ..engine.problem import Problem
from .errors import InputError

JSON = (".json", ".jsonl", ".ndjson")
"""Endings that ask for JSON: one object indented, or one a line."""


def text(problems: Sequence[Problem], path: str, read: Callable[[str, str, int | None], Sequence[Problem]]) -> str:
    """The content of a file that holds the problems.

    Args:
        problems: one or more.
        path: the file's name; an ending of ``JSON`` asks for JSON, any other one for the family's format.
        read: reads a text of a family, to check what was written: (text, family, colours) -> problems.

    Raises:
        InputError: the family has no format that holds these problems exactly.
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
        raise InputError(f"{what} are written as JSON", path, hint="name a .json or .jsonl file")
    try:
        written = "".join(_FORMATS[family](problem) for problem in problems)
        colors = len(next(iter(problems[0].graph.domains.values()))) if family == "coloring" else None
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
        literals = constraint.literals if isinstance(constraint, Clause) else ()  # the empty clause is a table
        lines.append(" ".join([*(str(number[name] if value else -number[name]) for name, value in literals), "0"]))
    return "\n".join([f"p cnf {len(number)} {len(lines)}", *lines]) + "\n"


def _coloring(problem: Problem) -> str:
    number = {name: i for i, name in enumerate(problem.graph.domains, 1)}
    edges = [(number[c.left], number[c.right]) for c in problem.graph.constraints if isinstance(c, Compare)]
    lines = [f"e {u} {v}" for u, v in sorted(edges)]
    return "\n".join([f"p edge {len(number)} {len(lines)}", *lines]) + "\n"


def _sudoku(problem: Problem) -> str:
    signs = "0123456789ABCDEFGHIJKLMNOP"
    cells = [problem.givens.get(name) for name in problem.graph.domains]
    return "".join("." if value is None else signs[int(value)] for value in cells) + "\n"


def _queens(problem: Problem) -> str:
    placed = [f"{name[1:]} {column}" for name, column in problem.givens.items()]
    return "\n".join([f"queens {len(problem.graph.domains)}", *placed]) + "\n"


def _latin(problem: Problem) -> str:
    order = len(next(iter(problem.graph.domains.values())))
    cells = [problem.givens.get(name) for name in problem.graph.domains]
    shown = ["-1" if value is None else str(int(value) - 1) for value in cells]
    rows = [" ".join(shown[r * order : (r + 1) * order]) for r in range(order)]
    return "\n".join([f"order {order}", *rows]) + "\n"


def _maze(problem: Problem) -> str:
    empty: Mapping[str, int] = {}
    return problem.show(empty) + "\n"


_FORMATS: Mapping[str, Callable[[Problem], str]] = {
    "coloring": _coloring,
    "latin": _latin,
    "maze": _maze,
    "queens": _queens,
    "sat": _sat,
    "sudoku": _sudoku,
}
