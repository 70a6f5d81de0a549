"""The words of a graph: which cells they stand in, and which letters the constraints allow side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..engine.constraints import AllDifferent, AllEqual, Compare, GlobalCardinality, Reify, Table
from ..engine.graph import ConstraintGraph
from ..engine.values import Value

CODES = 27
"""Letters are 1 to 26; 0 is no letter."""


@dataclass(frozen=True)
class Spelled:
    """A word of a puzzle and its candidates.

    Args:
        cost, known: the variables of its cost, and of whether it is in the lexicon.
        places: [L] int64, the class of each letter.
        letters: [K, L] uint8, the candidates.
        costs: [K] float32.
        text: of each candidate, in lower case.
        unknown: what it costs to leave the word open.
        before: the position of the word that it follows in a sentence; -1 where there is none.
    """

    cost: str
    known: str
    places: np.ndarray
    letters: np.ndarray
    costs: np.ndarray
    text: tuple[str, ...]
    unknown: float
    before: int = -1


@dataclass(frozen=True)
class Spelling:
    """The words of a graph, over C classes of cells that hold one letter each.

    Args:
        classes: cell -> its class, from 0.
        words: in the order of the graph.
        given: [C] uint8, the letters that are fixed; 0 where none is.
        different: sets of classes with different letters, each [N] int64.
        columns: sets of classes whose letters are counted: the classes [N] int64, with repeats, and [27] int16 counts.
    """

    classes: Mapping[str, int]
    words: tuple[Spelled, ...]
    given: np.ndarray
    different: tuple[np.ndarray, ...]
    columns: tuple[tuple[np.ndarray, np.ndarray], ...]


def spelled(graph: ConstraintGraph) -> list[tuple[Reify, Table]]:
    """The constraints that state a word: ``known => (cost, letters...) in table``."""
    return [
        (constraint, constraint.constraint)
        for constraint in graph.constraints
        if isinstance(constraint, Reify)
        and constraint.half
        and isinstance(constraint.constraint, Table)
        and constraint.constraint.allowed
        and len(constraint.constraint.scope) > 1
        and constraint.literal[1] == 1
        and constraint.literal[0] not in constraint.constraint.scope
    ]


def spelling(graph: ConstraintGraph, givens: Mapping[str, Value]) -> Spelling:
    """The words of a graph.

    Args:
        graph: of a word puzzle.
        givens: variable -> value.
    """
    found = spelled(graph)
    cells = list(dict.fromkeys(name for _, table in found for name in table.scope[1:]))
    classes = _classes(graph, cells)
    given = np.zeros(max(classes.values(), default=-1) + 1, dtype=np.uint8)
    for name, value in givens.items():
        if name in classes:
            given[classes[name]] = int(value)
    different, columns = [], []
    for constraint in graph.constraints:
        if isinstance(constraint, AllDifferent) and all(name in classes for name in constraint.scope):
            different.append(np.array([classes[name] for name in constraint.scope]))
        elif (
            isinstance(constraint, GlobalCardinality)
            and all(name in classes for name in constraint.items)
            and all(isinstance(count, int) for count in constraint.counts)
        ):
            counts = np.zeros(CODES, dtype=np.int16)
            counts[list(constraint.values)] = [int(count) for count in constraint.counts]
            columns.append((np.array([classes[str(name)] for name in constraint.items]), counts))
    penalties = graph.objective.costs if graph.objective else {}
    number = {reify.labels.get("name", ""): i for i, (reify, _) in enumerate(found)}
    words = tuple(
        replace(
            _word(reify, table, classes, different, -penalties.get(reify.literal[0], 0)),
            before=number.get(reify.labels.get("comment", "").removeprefix("after "), -1),
        )
        for reify, table in found
    )
    return Spelling(classes, words, given, tuple(different), tuple(columns))


def _classes(graph: ConstraintGraph, cells: Sequence[str]) -> dict[str, int]:
    """Cell -> class: cells that constraints make equal share one."""
    root = {name: name for name in graph.domains}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for constraint in graph.constraints:
        equal: Sequence[str] = ()
        if isinstance(constraint, AllEqual) and not constraint.exempt:
            equal = [name for name in constraint.items if isinstance(name, str)]
        elif isinstance(constraint, Compare) and constraint.op == "=" and not constraint.offset:
            equal = constraint.scope
        for name in equal[1:]:
            root[find(name)] = find(equal[0])
    numbers: dict[str, int] = {}
    wanted = {find(name) for name in cells}
    return {name: numbers.setdefault(find(name), len(numbers)) for name in graph.domains if find(name) in wanted}


def _word(
    reify: Reify, table: Table, classes: Mapping[str, int], different: Sequence[np.ndarray], unknown: float
) -> Spelled:
    rows = np.array(table.tuples, dtype=np.int64).reshape(len(table.tuples), len(table.scope))
    places = np.array([classes[name] for name in table.scope[1:]])
    keep = np.ones(len(rows), dtype=bool)
    for i in range(len(places)):
        for j in range(i):
            same = rows[:, i + 1] == rows[:, j + 1]
            if places[i] == places[j]:
                keep &= same
            elif any(places[i] in each and places[j] in each for each in different):
                keep &= ~same
    rows = rows[keep]
    letters = rows[:, 1:].astype(np.uint8)
    text = tuple(bytes(each + 96).decode() for each in letters)
    return Spelled(table.scope[0], reify.literal[0], places, letters, rows[:, 0].astype(np.float32), text, unknown)
