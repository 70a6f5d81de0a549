"""How many clues of LR²Bench's logic grids the grammar understands, and how many puzzles it solves.

    python benchmarks/logic_clues.py LR2Bench/data

The puzzles are split by a hash of their tags. The rules of the grammar were written with two thirds in sight; the others
are held out. Their texts were looked at only after the first figures for them had been taken (docs/benchmarks.md).
"""

from __future__ import annotations

import hashlib
import sys
import warnings

import mull
from mull.engine import Budget, Task, solve
from mull.problems import load
from mull.problems.logic.grammar import NotUnderstood, understand
from mull.problems.logic.items import Categories
from mull.problems.lr2bench import TASKS, grade, records_of, solutions


def held_out(tag: str) -> bool:
    """Whether a puzzle belongs to the third that is held out."""
    return hashlib.sha256(f"hold{tag}".encode()).digest()[0] % 3 == 0


def main(folder: str) -> None:
    """Print the figures of both parts.

    Args:
        folder: of the benchmark.
    """
    warnings.simplefilter("ignore")
    task = TASKS["logic"]
    golds = solutions(folder, task)
    figures = {False: [0, 0, 0, 0], True: [0, 0, 0, 0]}  # clues, understood, puzzles, solved
    for level, path in records_of(folder, task).items():
        problems = load(str(path), family=task.family)
        answers = solve(problems, mull.solver("cpsat"), Task(Budget(60.0)))
        for gold, problem, answer in zip(golds[level], problems, answers, strict=True):
            part = figures[held_out(str(gold.fields["tag"]))]
            value = gold.fields["value"]
            categories = Categories(tuple(value), tuple(tuple(items) for items in value.values()))
            read = understand(categories, list(gold.fields["clue"].values()))
            part[0] += len(read)
            part[1] += sum(not isinstance(each, NotUnderstood) for each in read)
            given = task.empty if answer.assignment is None else task.answer(problem, answer.assignment)
            result = grade(gold, given)
            part[2] += 1
            part[3] += result.right == result.total
    for held, (clues, understood, puzzles, solved) in figures.items():
        name = "held out" if held else "in sight"
        print(f"{name}: {understood} of {clues} clues understood, {solved} of {puzzles} puzzles solved")


if __name__ == "__main__":
    main(sys.argv[1])
