"""Statistics of several solvers on the problems that they ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import exp, inf, lgamma, log
from typing import Any, NamedTuple

from ..deprecation import deprecated


class Quartiles(NamedTuple):
    """The lower quartile, the median and the upper quartile, interpolated linearly."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True)
class SolverOnProblem:
    """All runs of one solver on one problem.

    Args:
        solver: the solver that the user named: the portfolio if one chose the solver (``auto``).
        problem, family: the problem's digest and family.
        runs, solved: number of runs, and of answered ones: solved, optimal or unsatisfiable.
        iterations: iterations until the solution, ascending, of the runs that found one.
        par2: mean seconds over the runs. A run without an answer counts twice its time limit.
        unit: what ``iterations`` counts, such as steps or conflicts; ``mixed`` if the runs have several units.
        flops, joules: means over the runs that have the figure; None if none has.
    """

    solver: str
    problem: str
    family: str
    runs: int
    solved: int
    iterations: tuple[int, ...]
    par2: float
    unit: str = "steps"
    flops: float | None = None
    joules: float | None = None


@dataclass(frozen=True)
class SolverSummary:
    """All runs of one solver on all its problems.

    Args:
        solver: name of the solver.
        problems: number of problems that it ran.
        runs, solved: number of its runs, and of answered ones.
        iterations: quartiles over the runs that found a solution; None if no run did.
        par2: seconds; mean of ``SolverOnProblem.par2`` over the problems, so that each problem weighs the same.
        unit: what ``iterations`` counts.
        flops, joules: means over the problems that have the figure; None if none has.
    """

    solver: str
    problems: int
    runs: int
    solved: int
    iterations: Quartiles | None
    par2: float
    unit: str = "steps"
    flops: float | None = None
    joules: float | None = None


@dataclass(frozen=True)
class PairwiseTest:
    """Sign test of two solvers on the problems that both ran: which one had the lower ``par2``.

    Args:
        first, second: names of the solvers.
        wins, losses, ties: number of problems on which ``first`` was better, worse, or equal.
        p: p-value of the exact two-sided sign test without the ties: the probability of a count at least this uneven if
            both solvers were equally good.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Several solvers on several problems.

    Args:
        summaries: one for each solver, best first: by share of runs solved, then by ``par2``.
        pairwise: one sign test for each pair of solvers, in the order of the summaries.
        by_problem: one result for each solver and problem that counts.
        shared: whether all solvers ran the same problems. Their figures are comparable only then.
    """

    summaries: tuple[SolverSummary, ...]
    pairwise: tuple[PairwiseTest, ...]
    by_problem: tuple[SolverOnProblem, ...]
    shared: bool

    @property
    @deprecated("0.2", "0.3", use="Comparison.summaries")
    def standings(self) -> tuple[SolverSummary, ...]:
        """Former name of ``summaries``."""
        return self.summaries

    @property
    @deprecated("0.2", "0.3", use="Comparison.pairwise")
    def duels(self) -> tuple[PairwiseTest, ...]:
        """Former name of ``pairwise``."""
        return self.pairwise

    @property
    @deprecated("0.2", "0.3", use="Comparison.by_problem")
    def cells(self) -> tuple[SolverOnProblem, ...]:
        """Former name of ``by_problem``."""
        return self.by_problem

    def best(self, figure: str) -> frozenset[str]:
        """Names of the solvers with the best value of a figure.

        The set is empty unless ``shared`` is true. It is also empty for iterations that have several units.

        Args:
            figure: ``solved`` (highest share), ``iterations`` (lowest median) or ``par2`` (lowest).
        """
        if not self.shared or len(self.summaries) < 2:
            return frozenset()
        units = {s.unit for s in self.summaries}
        if figure == "iterations" and (len(units) > 1 or "mixed" in units):
            return frozenset()
        cost = {s.solver: _COST[figure](s) for s in self.summaries}
        least = min(cost.values())
        return frozenset(solver for solver, c in cost.items() if c == least < inf)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the fields, and of ``best`` for each figure.

        Until release 0.3 it also has the former keys: ``standings``, ``duels`` and ``cells``.
        """
        data = asdict(self)
        data["summaries"] = [
            asdict(s) | {"iterations": s.iterations and s.iterations._asdict()} for s in self.summaries
        ]
        data["best"] = {figure: sorted(self.best(figure)) for figure in _COST}
        return data | {former: data[name] for former, name in _FORMER_KEYS.items()}


_FORMER_KEYS = {"standings": "summaries", "duels": "pairwise", "cells": "by_problem"}

_COST: dict[str, Callable[[SolverSummary], float]] = {
    "solved": lambda s: -s.solved / s.runs,
    "iterations": lambda s: s.iterations.median if s.iterations else inf,
    "par2": lambda s: s.par2,
}


def compare(results: Sequence[SolverOnProblem], solvers: Sequence[str] | None = None) -> Comparison:
    """Compare solvers.

    Args:
        results: at most one for each solver and problem.
        solvers: names of the solvers to compare, on the problems that all of them ran. None compares all solvers, each
            on all its problems.
    """
    ran: dict[str, dict[str, SolverOnProblem]] = {name: {} for name in solvers or ()}
    for result in results:
        if solvers is None or result.solver in ran:
            ran.setdefault(result.solver, {})[result.problem] = result
    if solvers is not None:
        common = set.intersection(*(set(mine) for mine in ran.values()))
        ran = {solver: {p: result for p, result in mine.items() if p in common} for solver, mine in ran.items()}
    summaries = sorted((_summary(mine) for mine in ran.values() if mine), key=lambda s: (-s.solved / s.runs, s.par2))
    order = [s.solver for s in summaries]
    return Comparison(
        tuple(summaries),
        tuple(_pairwise(ran[first], ran[second]) for first, second in combinations(order, 2)),
        tuple(result for solver in order for result in ran[solver].values()),
        len({frozenset(ran[solver]) for solver in order}) <= 1,
    )


def _summary(results: dict[str, SolverOnProblem]) -> SolverSummary:
    iterations = sorted(n for result in results.values() for n in result.iterations)
    return SolverSummary(
        next(iter(results.values())).solver,
        len(results),
        sum(result.runs for result in results.values()),
        sum(result.solved for result in results.values()),
        quartiles(iterations),
        sum(result.par2 for result in results.values()) / len(results),
        units.pop() if len(units := {result.unit for result in results.values()}) == 1 else "mixed",
        _mean(result.flops for result in results.values()),
        _mean(result.joules for result in results.values()),
    )


def _mean(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def _pairwise(first: dict[str, SolverOnProblem], second: dict[str, SolverOnProblem]) -> PairwiseTest:
    both = [problem for problem in first if problem in second]
    wins = sum(first[problem].par2 < second[problem].par2 for problem in both)
    losses = sum(first[problem].par2 > second[problem].par2 for problem in both)
    names = next(iter(first.values())).solver, next(iter(second.values())).solver
    return PairwiseTest(*names, wins, losses, len(both) - wins - losses, sign_test(wins, losses))


def quartiles(ascending: Sequence[int]) -> Quartiles | None:
    """Quartiles of sorted numbers; None if there are no numbers."""
    if not ascending:
        return None

    def at(share: float) -> float:
        position = share * (len(ascending) - 1)
        below = int(position)
        above = min(below + 1, len(ascending) - 1)
        return ascending[below] + (position - below) * (ascending[above] - ascending[below])

    return Quartiles(at(0.25), at(0.5), at(0.75))


def sign_test(wins: int, losses: int) -> float:
    """The exact two-sided p-value of the sign test.

    Args:
        wins: problems on which the first solver was better.
        losses: problems on which it was worse.

    Returns:
        The probability that ``wins + losses`` fair coins fall at least this unevenly.
    """
    n = wins + losses

    def chance(k: int) -> float:  # by logarithms: the binomial coefficients of a thousand problems overflow a float
        return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2))

    return min(1.0, 2 * sum(map(chance, range(min(wins, losses) + 1))))
