"""Solvers side by side on the problems they ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import exp, inf, lgamma, log
from typing import Any, NamedTuple


class Quartiles(NamedTuple):
    """The lower quartile, the median and the upper quartile, interpolated linearly."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True)
class Cell:
    """One solver on one problem.

    Args:
        solver: who was asked: the portfolio where one chose (``auto``).
        problem, family: the problem's digest and family.
        runs, solved: how many runs there are, and how many of them answered: solved, optimal or unsatisfiable.
        iterations: to the solution, of the runs that found one, in ascending order.
        par2: mean over the runs of the seconds, those of an unanswered run being twice its time limit.
        unit: what the iterations count: steps, conflicts; mixed where the runs have several units.
    """

    solver: str
    problem: str
    family: str
    runs: int
    solved: int
    iterations: tuple[int, ...]
    par2: float
    unit: str = "steps"


@dataclass(frozen=True)
class Standing:
    """One solver on all its problems.

    Args:
        problems: how many problems it ran.
        runs, solved: its runs on them, and how many answered.
        iterations: quartiles over the runs that found a solution; None where none did.
        par2: seconds, the mean over problems of the cells' ``par2``: each problem weighs the same.
        unit: what the iterations count.
    """

    solver: str
    problems: int
    runs: int
    solved: int
    iterations: Quartiles | None
    par2: float
    unit: str = "steps"


@dataclass(frozen=True)
class Duel:
    """Two solvers on the problems that both ran: how often each had the lower ``par2``.

    Args:
        wins, losses, ties: problems on which ``first`` was better, was worse, was as good.
        p: of the exact two-sided sign test, ties left out: how likely so lopsided a count is among equals.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Solvers × problems.

    Args:
        standings: best first: by share of runs solved, then by ``par2``.
        duels: every two solvers, in the order of the standings.
        cells: every solver on every problem that counts.
        shared: whether all solvers ran the same problems. Only then are their figures comparable, and is one best.
    """

    standings: tuple[Standing, ...]
    duels: tuple[Duel, ...]
    cells: tuple[Cell, ...]
    shared: bool

    def best(self, figure: str) -> frozenset[str]:
        """Who is best in ``solved`` (by share), ``iterations`` (lowest median) or ``par2``.

        Nobody is best unless ``shared``, nor in iterations of unlike units.
        """
        if not self.shared or len(self.standings) < 2:
            return frozenset()
        units = {s.unit for s in self.standings}
        if figure == "iterations" and (len(units) > 1 or "mixed" in units):
            return frozenset()
        cost = {s.solver: _COST[figure](s) for s in self.standings}
        least = min(cost.values())
        return frozenset(solver for solver, c in cost.items() if c == least < inf)

    def to_json(self) -> dict[str, Any]:
        """A JSON object: ``standings``, ``duels``, ``cells``, ``shared``, and who is ``best`` in what."""
        standings = [asdict(s) | {"iterations": s.iterations and s.iterations._asdict()} for s in self.standings]
        best = {figure: sorted(self.best(figure)) for figure in _COST}
        return {**asdict(self), "standings": standings, "best": best}


_COST: dict[str, Callable[[Standing], float]] = {
    "solved": lambda s: -s.solved / s.runs,
    "iterations": lambda s: s.iterations.median if s.iterations else inf,
    "par2": lambda s: s.par2,
}


def compare(cells: Sequence[Cell], solvers: Sequence[str] | None = None) -> Comparison:
    """Solvers by their cells: those named, on the problems that all of them ran; else all, each on its own problems."""
    ran: dict[str, dict[str, Cell]] = {name: {} for name in solvers or ()}
    for cell in cells:
        if solvers is None or cell.solver in ran:
            ran.setdefault(cell.solver, {})[cell.problem] = cell
    if solvers is not None:
        common = set.intersection(*(set(mine) for mine in ran.values()))
        ran = {solver: {p: cell for p, cell in mine.items() if p in common} for solver, mine in ran.items()}
    standings = sorted((_standing(mine) for mine in ran.values() if mine), key=lambda s: (-s.solved / s.runs, s.par2))
    order = [s.solver for s in standings]
    return Comparison(
        tuple(standings),
        tuple(_duel(ran[first], ran[second]) for first, second in combinations(order, 2)),
        tuple(cell for solver in order for cell in ran[solver].values()),
        len({frozenset(ran[solver]) for solver in order}) <= 1,
    )


def _standing(cells: dict[str, Cell]) -> Standing:
    iterations = sorted(n for cell in cells.values() for n in cell.iterations)
    return Standing(
        next(iter(cells.values())).solver,
        len(cells),
        sum(cell.runs for cell in cells.values()),
        sum(cell.solved for cell in cells.values()),
        quartiles(iterations),
        sum(cell.par2 for cell in cells.values()) / len(cells),
        units.pop() if len(units := {cell.unit for cell in cells.values()}) == 1 else "mixed",
    )


def _duel(first: dict[str, Cell], second: dict[str, Cell]) -> Duel:
    both = [problem for problem in first if problem in second]
    wins = sum(first[problem].par2 < second[problem].par2 for problem in both)
    losses = sum(first[problem].par2 > second[problem].par2 for problem in both)
    names = next(iter(first.values())).solver, next(iter(second.values())).solver
    return Duel(*names, wins, losses, len(both) - wins - losses, sign_test(wins, losses))


def quartiles(ascending: Sequence[int]) -> Quartiles | None:
    """Of sorted numbers; None of none."""
    if not ascending:
        return None

    def at(share: float) -> float:
        place = share * (len(ascending) - 1)
        below = int(place)
        above = min(below + 1, len(ascending) - 1)
        return ascending[below] + (place - below) * (ascending[above] - ascending[below])

    return Quartiles(at(0.25), at(0.5), at(0.75))


def sign_test(wins: int, losses: int) -> float:
    """The exact two-sided p-value of the sign test: of ``wins + losses`` fair coins, as many or more on one side."""
    n = wins + losses

    def chance(k: int) -> float:  # by logarithms: the binomials of a thousand problems are beyond floats
        return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2))

    return min(1.0, 2 * sum(map(chance, range(min(wins, losses) + 1))))
