"""Count violations from the output of ``solve --json`` and the input files alone. This file does not import mull."""

from __future__ import annotations

import csv
from itertools import combinations
from math import isqrt
from pathlib import Path
from typing import Any


def violations(answer: dict[str, Any]) -> int:
    """How many constraints the printed assignment breaks; -1 if there is no assignment.

    The problem is read again from ``answer["source"]``. A changed given, a missing name or a value outside its domain
    counts as a violation.
    """
    values = answer["assignment"]
    if values is None:
        return -1
    count = {"sat": _cnf, "coloring": _coloring, "sudoku": _sudoku}[answer["family"]]
    source = answer["source"]
    return count(values, Path(source["path"]), source.get("line", 1))


def _cnf(values: dict[str, int], path: Path, _: int) -> int:
    lines = [line.split() for line in path.read_text().split("%")[0].splitlines() if line[:1] not in "cp"]
    clauses, clause = [], list[int]()
    for literal in (int(word) for words in lines for word in words):
        if literal:
            clause.append(literal)
        else:
            clauses.append(clause)
            clause = []
    bad = sum(value not in (0, 1) for value in values.values())
    return bad + sum(not any(values.get(f"x{abs(x)}") == (x > 0) for x in clause) for clause in clauses)


def _coloring(values: dict[str, int], path: Path, _: int) -> int:
    words = [line.split() for line in path.read_text().splitlines()]
    nodes = next(int(w[2]) for w in words if w[:1] == ["p"])
    edges = {frozenset(w[1:3]) for w in words if w[:1] == ["e"]}
    missing = sum(not isinstance(values.get(f"v{i}"), int) for i in range(1, nodes + 1))
    return missing + sum(len({values[f"v{i}"] for i in edge}) < len(edge) for edge in edges)


def _sudoku(values: dict[str, int], path: Path, line: int) -> int:
    text = _lines(path)[line - 1]
    cells = next(csv.reader([text]))[0]
    size = isqrt(len(cells))
    n = {6: 2, 12: 3}.get(size, isqrt(size))
    wide = size // n
    span = range(1, size + 1)
    grid = {(r, c): values.get(f"r{r}c{c}") for r in span for c in span}
    bad = sum(value not in span for value in grid.values())
    bad += sum(
        given not in ".0" and grid[divmod(i, size)[0] + 1, i % size + 1] != int(given) for i, given in enumerate(cells)
    )
    groups = [[(r, c) for c in span] for r in span] + [[(r, c) for r in span] for c in span]
    groups += [[(a + i, b + j) for i in range(n) for j in range(wide)] for a in span[::n] for b in span[::wide]]
    return bad + sum(grid[x] == grid[y] for group in groups for x, y in combinations(group, 2))


_read: dict[Path, list[str]] = {}


def _lines(path: Path) -> list[str]:
    if path not in _read:
        _read[path] = path.read_text().splitlines()
    return _read[path]
