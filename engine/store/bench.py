"""Statistics of a bench: several solvers on the same problems, each run alone with the same limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..status import ANSWERED, Status
from .rows import RunRow

Key = tuple[str, int]
"""A problem's digest, and a seed."""


@dataclass(frozen=True)
class BenchSummary:
    """All runs of one solver in a bench.

    Args:
        solver: name of the solver that the user named.
        runs: number of its runs.
        solved: number of runs that ended solved, optimal or unsatisfiable.
        proved: number of runs that ended optimal or unsatisfiable.
        failed: number of runs that ended failed or unsupported.
        par2: mean seconds of a run. A run without an answer counts twice its limit.
        optimised: number of runs on problems with an objective.
        best: number of runs whose objective no other run on the same problem and seed improves.
        tied: of these, the runs whose objective another solver reached too.
        gap: mean area under the primal gap in seconds (see ``gap_area``), over the runs on problems with an objective
            of which some solver found an answer; None without such runs.
    """

    solver: str
    runs: int
    solved: int
    proved: int
    failed: int
    par2: float
    optimised: int
    best: int
    tied: int
    gap: float | None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of all fields."""
        return asdict(self)


def named_solver(row: RunRow) -> str:
    """The solver that the user named: the portfolio if one chose the solver."""
    return row.via or row.solver


def limit_of(row: RunRow) -> float | None:
    """The seconds that a run could take, or None."""
    budget = row.budget or {}
    each = budget.get("seconds_each")
    return budget.get("seconds") if each is None else each


def summarise(rows: Iterable[RunRow], maximised: Mapping[str, bool]) -> list[BenchSummary]:
    """One summary for each solver, best first: by share of runs solved, then by PAR-2.

    Args:
        rows: runs of one bench.
        maximised: digest of a problem with an objective -> whether the objective is maximised.
    """
    mine: dict[str, list[RunRow]] = {}
    for row in rows:
        mine.setdefault(named_solver(row), []).append(row)
    values = _objectives(mine, maximised)
    found = [_summary(solver, runs, values, maximised) for solver, runs in mine.items()]
    return sorted(found, key=lambda s: (-s.solved / s.runs, s.par2, s.solver))


def _objectives(mine: Mapping[str, Sequence[RunRow]], maximised: Mapping[str, bool]) -> dict[Key, dict[str, int]]:
    """For each problem and seed: solver -> its best objective."""
    values: dict[Key, dict[str, int]] = {}
    for solver, runs in mine.items():
        for row in runs:
            if row.problem in maximised and row.objective is not None and row.status in ANSWERED:
                known = values.setdefault((row.problem, row.seed), {})
                better = max if maximised[row.problem] else min
                known[solver] = better(row.objective, known.get(solver, row.objective))
    return values


def _summary(
    solver: str, runs: Sequence[RunRow], values: Mapping[Key, Mapping[str, int]], maximised: Mapping[str, bool]
) -> BenchSummary:
    best = tied = 0
    areas = []
    optimised = [row for row in runs if row.problem in maximised]
    # The best value of a problem is taken over all seeds: the gap compares with the best value known.
    known: dict[str, list[int]] = {}
    for (problem, _), objectives in values.items():
        known.setdefault(problem, []).extend(objectives.values())
    for row in optimised:
        better = max if maximised[row.problem] else min
        reached = values.get((row.problem, row.seed), {})
        if reached and row.status in ANSWERED and row.objective == better(reached.values()):
            best += 1
            tied += any(other != solver and value == row.objective for other, value in reached.items())
        limit = limit_of(row)
        if row.problem in known and limit is not None:
            areas.append(gap_area(_improving(row), better(known[row.problem]), limit))
    penalised = sum(row.seconds if row.status in ANSWERED else 2 * (limit_of(row) or row.seconds) for row in runs)
    return BenchSummary(
        solver,
        len(runs),
        sum(row.status in ANSWERED for row in runs),
        sum(row.status in (Status.OPTIMAL, Status.UNSATISFIABLE) for row in runs),
        sum(row.status in (Status.FAILED, Status.UNSUPPORTED) for row in runs),
        penalised / len(runs),
        len(optimised),
        best,
        tied,
        sum(areas) / len(areas) if areas else None,
    )


def _improving(row: RunRow) -> Sequence[tuple[float, int]]:
    """The improving answers of a run; its final answer if they are not known."""
    if row.improvements:
        return row.improvements
    return [(row.seconds, row.objective)] if row.objective is not None and row.status in ANSWERED else []


def primal_gap(value: int | None, best: int) -> float:
    """The relative distance of an objective from the best one known, from 0 to 1 (Berthold 2013).

    Args:
        value: an objective, or None before the first answer: the gap is then 1.
        best: the best objective known.
    """
    if value == best:
        return 0.0
    if value is None or value * best < 0:
        return 1.0
    return abs(best - value) / max(abs(best), abs(value))


def gap_area(improvements: Sequence[tuple[float, int]], best: int, limit: float) -> float:
    """The area under the primal gap over time, from 0 to the limit: the primal integral of Berthold (2013).

    Args:
        improvements: (seconds, objective) of each improving answer, in the order of time.
        best: the best objective known.
        limit: seconds.

    Returns:
        Seconds: 0 if the best answer is there at once, ``limit`` if there is no answer.

    Example:
        >>> gap_area([(1.0, 20), (3.0, 10)], best=10, limit=10.0)  # 1 s without an answer, 2 s with a gap of one half
        2.0
    """
    area = at = 0.0
    value: int | None = None
    for seconds, objective in improvements:
        until = min(max(seconds, at), limit)
        area += (until - at) * primal_gap(value, best)
        at, value = until, objective
    return area + (limit - at) * primal_gap(value, best)
