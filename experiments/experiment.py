"""The declaration of an experiment: methods, problems, seeds, and the verdict on a claim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ..engine.problem import Problem
from ..engine.task import Budget
from .statistics import paired_difference


@dataclass(frozen=True)
class Training:
    """The training of a method, before it solves.

    Args:
        data: streams of examples, as ``solve train --data`` takes them, in turn.
        steps: optimiser steps.
        recipe: settings that differ from the solver's own.
    """

    data: tuple[str, ...]
    steps: int
    recipe: Mapping[str, Any] = field(default_factory=dict)


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


class Results:
    """The outcomes of an experiment.

    Args:
        outcomes: (method, set of problems, seed) -> whether each problem was solved.
        parameters: method -> parameters of its net, where it was trained.
    """

    def __init__(self, outcomes: Mapping[tuple[str, str, int], Sequence[bool]], parameters: Mapping[str, int]) -> None:
        self.outcomes, self.parameters = outcomes, parameters

    def of(self, method: str, problems: str) -> list[list[bool]]:
        """[seeds][problems] outcomes of a method on a set of problems.

        Args:
            method: label of a line.
            problems: name of the set.
        """
        keys = sorted(key for key in self.outcomes if key[:2] == (method, problems))
        return [list(self.outcomes[key]) for key in keys]

    def accuracy(self, method: str, problems: str) -> float:
        """The share that a method solved of a set of problems, 0 to 1, over all seeds.

        Args:
            method: label of a line.
            problems: name of the set.
        """
        runs = self.of(method, problems)
        return sum(map(sum, runs)) / sum(map(len, runs))

    def compare(self, first: str, second: str, problems: str, least: float = 0.0) -> Verdict:
        """Whether the first method solves more than the second one, by at least ``least``.

        Args:
            first: label of the method that the claim favours.
            second: label of the other method.
            problems: name of the set.
            least: difference of accuracies that the claim needs; negative where the first may lose as much.
        """
        margin, low, high = paired_difference(self.of(first, problems), self.of(second, problems))
        word: Any = "holds" if low > least else "does not hold" if high <= least else "undecided"
        return Verdict(word, f"{first} minus {second} on {problems}", margin, low, high)


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

    @abstractmethod
    def verdict(self, results: Results) -> Verdict:
        """The conclusion, computed from the measured numbers.

        Args:
            results: of all methods, sets and seeds.
        """
