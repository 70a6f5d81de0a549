"""The declaration of an experiment: methods, problems, seeds, and the verdict on a claim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any, ClassVar, Literal, Protocol

from ..engine.problem import Problem
from ..engine.rows import cores
from ..engine.solution import Solution
from ..engine.solver import AbstractSolver
from ..engine.task import Budget
from ..problems import load
from .statistics import LEVEL, mean_interval, paired_difference


@dataclass(frozen=True)
class Training:
    """The training of a method, before it solves.

    Args:
        data: streams of examples, as ``solve train --data`` takes them, in turn.
        steps: optimiser steps.
        recipe: settings that differ from the solver's own.
        compiled: whether the net is compiled on a GPU, which takes about a minute for each shape.
        examples: number of examples of each stream that are used, again and again; None for no limit.
        base: a training of the same net before this one, on easier data for example; None to start from random weights.
    """

    data: tuple[str, ...]
    steps: int
    recipe: Mapping[str, Any] = field(default_factory=dict)
    compiled: bool = True
    examples: int | None = None
    base: Training | None = None


@dataclass(frozen=True)
class Method:
    """A solver with its options, as a line of the table.

    Args:
        label: name of the line.
        solver: name of an installed solver.
        options: when solving and, with a training, of the net.
        training: None for a solver that is ready.
        solving: options that are set only when solving, for a method with a training.
        budget: limits when solving one set of problems.
    """

    label: str
    solver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    training: Training | None = None
    solving: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default=Budget())


Columns = str | Sequence[str]
"""The name of a column, or several whose problems are taken together."""


@dataclass(frozen=True)
class Verdict:
    """The conclusion about a claim.

    Args:
        word: computed from the interval.
        compared: the two methods and the problems, as a phrase.
        margin: difference of the two accuracies, −1 to 1.
        low: lower end of its confidence interval.
        high: upper end.
    """

    word: Literal["holds", "does not hold", "undecided"]
    compared: str
    margin: float
    low: float
    high: float

    def numbers(self) -> str:
        """What is compared, the margin and its interval in points, as a phrase."""
        margin, low, high = (f"{100 * value:+.1f}" for value in (self.margin, self.low, self.high))
        return f"{self.compared}: {margin} points ({LEVEL:.0%} interval {low} to {high})"


class Results:
    """The outcomes of an experiment.

    A *column* is a set of problems, or another quantity that the experiment measures. Columns of truth values are shares
    in the table; columns of other numbers are there for verdicts and remarks alone.

    Args:
        outcomes: (method, column, seed) -> one value for each problem.
        parameters: method -> parameters of its net, where it was trained.
        own_problems: whether each seed has problems of its own.
    """

    def __init__(
        self,
        outcomes: Mapping[tuple[str, str, int], Sequence[float]],
        parameters: Mapping[str, int],
        own_problems: bool = False,
    ) -> None:
        self.outcomes, self.parameters, self.own_problems = outcomes, parameters, own_problems

    @property
    def methods(self) -> list[str]:
        """Labels of the methods, in the order of the declaration."""
        return list(dict.fromkeys(method for method, _, _ in self.outcomes))

    @property
    def stacks(self) -> list[str]:
        """Labels of the methods without a loop: plain stacks of layers (``fixed``)."""
        return [label for label in self.methods if label.startswith("fixed")]

    @property
    def columns(self) -> list[str]:
        """Names of the columns of truth values."""
        numbers = {c for (_, c, _), values in self.outcomes.items() if not all(isinstance(v, bool) for v in values)}
        return [c for c in dict.fromkeys(column for _, column, _ in self.outcomes) if c not in numbers]

    def check(self) -> None:
        """Check that all parts have each column of truth values, with the same number of values.

        Raises:
            ValueError: a column is missing, or its length differs.
        """
        for column in self.columns:
            sizes = {}
            for method, seed in dict.fromkeys((method, seed) for method, _, seed in self.outcomes):
                if (method, column, seed) not in self.outcomes:
                    raise ValueError(f"column {column!r} is missing in the outcomes of {method!r}, seed {seed}")
                sizes[method, seed] = len(self.outcomes[method, column, seed])
            if len(set(sizes.values())) > 1:
                (few, seed), (many, other) = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
                counts = (
                    f"{min(sizes.values())} values for {few!r}, seed {seed}, and {max(sizes.values())} for {many!r}"
                )
                raise ValueError(f"column {column!r} has {counts}, seed {other}")

    def of(self, method: str, column: Columns) -> list[list[float]]:
        """[seeds][problems] values of a method in a column; in several columns, one after the other.

        Args:
            method: label of a line.
            column: name of the column, or several.
        """
        names = [column] if isinstance(column, str) else column
        seeds = sorted({seed for label, name, seed in self.outcomes if label == method and name in names})
        return [[value for name in names for value in self.outcomes[method, name, seed]] for seed in seeds]

    def accuracy(self, method: str, column: Columns) -> float:
        """The share that a method solved of a set of problems, 0 to 1, over all seeds: the mean of a column.

        Args:
            method: label of a line.
            column: name of the column, or several.
        """
        runs = self.of(method, column)
        return fsum(map(fsum, runs)) / sum(map(len, runs))

    def interval(self, method: str, column: Columns) -> tuple[float, float]:
        """The confidence interval of an accuracy, 0 to 1.

        Args:
            method: label of a line.
            column: name of a column, or of several.
        """
        return mean_interval(self.of(method, column), self.own_problems)

    def best(self, methods: Sequence[str], column: Columns) -> str:
        """The method of the highest accuracy; the first of equal ones.

        Args:
            methods: labels.
            column: name of the column, or several.
        """
        return max(methods, key=lambda method: self.accuracy(method, column))

    def compare(self, first: str, second: str, column: Columns, least: float = 0.0) -> Verdict:
        """Whether the first method solves more than the second one, by at least ``least``.

        Args:
            first: label of the method that the claim favours.
            second: label of the other method.
            column: name of the column, or several.
            least: difference of accuracies that the claim needs; negative where the first may lose as much.

        Raises:
            ValueError: there is no such method.
        """
        for label in (first, second):
            if label not in self.methods:
                raise ValueError(f"no method is labelled {label!r}; there are {', '.join(map(repr, self.methods))}")
        margin, low, high = paired_difference(self.of(first, column), self.of(second, column))
        word: Any = "holds" if low > least else "does not hold" if high <= least else "undecided"
        where = column if isinstance(column, str) else " + ".join(column)
        return Verdict(word, f"{first} minus {second} on {where}", margin, low, high)


def weakest(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim that needs all of several comparisons: the one that supports it least.

    Args:
        verdicts: of the comparisons, at least one.
    """
    words = ("does not hold", "undecided", "holds")
    return min(verdicts, key=lambda verdict: (words.index(verdict.word), verdict.low))


@dataclass(frozen=True)
class Curve:
    """A line of the plot: the accuracy of some methods over a number that they differ in.

    Args:
        name: in the legend.
        points: (x, method, column or several) of each point.
    """

    name: str
    points: Sequence[tuple[float, str, Columns]]


@dataclass(frozen=True)
class Plot:
    """The plot of a page.

    Args:
        axis: what x is, with its unit.
        panels: title -> curves.
        logarithmic: whether x has a logarithmic scale.
        axes: title -> what x is, for panels with another x.
    """

    axis: str
    panels: Mapping[str, Sequence[Curve]]
    logarithmic: bool = False
    axes: Mapping[str, str] = field(default_factory=dict)


MANY = 100
"""Problems from which on processes generate them, one for each core. A Sudoku of many guesses takes seconds."""


def generated(specs: Sequence[str], amount: int, seed: int) -> dict[str, list[Problem]]:
    """Sets of generated problems by their specification, for ``Experiment.problems``.

    Args:
        specs: as ``mull.problems.load`` takes them.
        amount: problems of each set.
        seed: of the first problem of each set; the next ones count up.
    """
    tasks = [(spec, seed + k) for spec in specs for k in range(amount)]
    if len(tasks) < MANY or cores() == 1:
        made = [_generated(*task) for task in tasks]
    else:
        from ..engine.training.blocks import workers

        with workers(cores()) as pool:
            assert pool is not None
            made = list(pool.map(_generated, *zip(*tasks, strict=True), chunksize=4))
    return {spec: made[i * amount : (i + 1) * amount] for i, spec in enumerate(specs)}


def _generated(spec: str, seed: int) -> Problem:
    return load(spec, seed=seed)[0]


class Part(Protocol):
    """One method with one seed, ready to solve: what ``Experiment.outcomes`` measures. ``solving.py`` has the implementation."""

    @property
    def method(self) -> Method:
        """The line of the table."""

    @property
    def seed(self) -> int:
        """Of all random numbers."""

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""

    @property
    def solver(self) -> AbstractSolver:
        """The method's solver, with trained weights where the method has a training."""

    @property
    def weights(self) -> str | None:
        """File of the trained weights, or the option ``weights``; None for a solver without them."""

    def solve(self, problems: Sequence[Problem]) -> list[Solution]:
        """Solve problems within the method's budget, and record the runs.

        Args:
            problems: one set.
        """

    def solved(self, problems: Sequence[Problem]) -> list[bool]:
        """Solve problems: whether each has a valid answer, which must be optimal where there is an objective.

        Args:
            problems: one set.
        """


class Experiment(ABC):
    """One claim and its measurement. A subclass is a declaration; its entry point is in the group ``mull.experiments``.

    Its small version takes at most ten minutes on two cores, its full version at most 50 device-minutes of one GPU.
    """

    name: ClassVar[str]
    """The name of the entry point."""
    claim: ClassVar[str]
    """A sentence that can be wrong."""
    question: ClassVar[str]
    """The claim as a question."""
    seeds: ClassVar[tuple[int, ...]] = (0, 1, 2)
    own_problems: ClassVar[bool] = False
    """Whether ``outcomes`` gives each seed problems of its own."""
    small_minutes: ClassVar[float]
    """Estimated minutes of the small version on two cores."""
    full_minutes: ClassVar[float]
    """Estimated device-minutes of the full version."""

    @abstractmethod
    def methods(self, full: bool) -> Sequence[Method]:
        """The lines of the table, with different labels.

        Args:
            full: whether the version for a GPU runs.
        """

    @abstractmethod
    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        """The sets of problems by name, the same for all methods and seeds.

        Args:
            full: whether the version for a GPU runs.
        """

    def outcomes(self, part: Part, problems: Mapping[str, Sequence[Problem]]) -> Mapping[str, Sequence[float]]:
        """Column -> one value for each problem; by default whether it is solved, for each set of problems.

        Args:
            part: method and seed.
            problems: the sets.
        """
        return {name: part.solved(each) for name, each in problems.items()}

    def remarks(self, results: Results) -> Sequence[str]:
        """Sentences below the table, with numbers that the table does not have; by default none.

        Args:
            results: of all methods, sets and seeds.
        """
        return ()

    def plot(self, results: Results) -> Plot | None:
        """The curves of the page's figure; None for bars.

        Args:
            results: of all methods, sets and seeds.
        """
        return None

    @abstractmethod
    def verdict(self, results: Results) -> Verdict:
        """The conclusion, computed from the measured numbers.

        Args:
            results: of all methods, sets and seeds.
        """
