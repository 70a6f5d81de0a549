"""The six tasks of LR²Bench: the family that solves each one, and how its answers are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from ...engine.problem import Problem
from ...engine.values import Assignment


@dataclass(frozen=True)
class BenchTask:
    """One task of the benchmark.

    Args:
        name: as ``answer.json`` calls it.
        folder: of its records, without the number in front.
        family: that reads the records.
        empty: the answer that counts as none.
        writer: ``module:function`` that turns a problem and its solution into the benchmark's answer.
    """

    name: str
    folder: str
    family: str
    empty: Any
    writer: str

    def answer(self, problem: Problem, assignment: Assignment) -> Any:
        """The solution in the benchmark's form.

        Args:
            problem: as the family read it.
            assignment: variable -> value.
        """
        write: Callable[[Problem, Assignment], Any] = resolve_name(self.writer)
        return write(problem, assignment)


TASKS: Mapping[str, BenchTask] = {
    task.name: task
    for task in (
        BenchTask("crossword", "crossword", "crossword", {}, "mull.problems.crossword.record:answer"),
        BenchTask("acrostic", "acrostic", "acrostic", {}, "mull.problems.acrostic.record:answer"),
        BenchTask("logic", "logic", "logic", [], "mull.problems.logic.record:answer"),
        BenchTask("cryptogram", "cryptogram", "cryptogram", {}, "mull.problems.cryptogram.record:answer"),
        BenchTask("sudoku", "sudoku", "sudoku", [[]], "mull.problems.lr2bench.boards:answer"),
        BenchTask("drop", "drop", "dropquote", [[]], "mull.problems.dropquote.record:answer"),
    )
}
"""Name -> task, in the order of the benchmark's table."""
