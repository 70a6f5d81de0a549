"""Accuracy and coverage of solvers that give several answers, as the GRAM paper defines them.

    python benchmarks/solution_coverage.py SOLVER STREAM... [-o KEY=VALUE] [--samples 20] [--iterations N] [--count N]

Instances come from the stream's split ``test``. ``cpsat`` enumerates all their solutions; the engine checks every sample.

* Accuracy: the share of instances with at least one solved sample.
* Coverage: distinct solutions found, divided by all solutions; the mean over instances. Solutions that differ only by
  renaming interchangeable values count as one.
* Conflicts: constraints broken by one trajectory of each instance, summed over instances.

In the paper samples are independent. Here a sample restarts when it reaches a solution that another sample has found.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from arguments import add_options, key_values

import mull
from mull.engine import AbstractSolver, Budget, Problem, Source, Task, solve
from mull.engine.values import Assignment
from mull.problems.streams import stream

ENUMERATED = 100_000
"""Most solutions that are enumerated; the coverage of an instance with more is unknown."""


def instances(name: str, count: int) -> list[Problem]:
    """Different instances of a stream's split ``test``."""
    source = stream(name, "test")
    found: dict[object, Problem] = {}
    for k in range(50):
        examples = source.chunk(k)
        for row in range(len(examples)):
            graph = examples.graphs[examples.template[row]]
            givens = {
                v: domain[i]
                for (v, domain), i in zip(graph.domains.items(), examples.givens[row].tolist(), strict=False)
                if i >= 0
            }
            found.setdefault((graph.digest, tuple(givens.items())), Problem(graph, givens, source.family, Source(name)))
        if len(found) >= count:
            break
    return list(found.values())[:count]


def classes(problem: Problem, assignments: Iterable[Assignment]) -> set[tuple[object, ...]]:
    """The solutions, without those that only rename interchangeable values of another."""
    return {problem.canonical(a) for a in assignments}


@dataclass(frozen=True)
class Score:
    """The metrics of one solver on several instances.

    Args:
        accuracy: share of instances with a solved sample.
        coverage: mean share of each instance's solutions that were found.
        samples: share of samples that are solved.
        conflicts: constraints broken by one trajectory of each instance, summed.
        seconds: wall time of the sampling.
    """

    accuracy: float
    coverage: float
    samples: float
    conflicts: int
    seconds: float


def score(
    solver: AbstractSolver, problems: Sequence[Problem], samples: int, iterations: int | None, seed: int, device: str
) -> Score:
    """Enumerate the solutions of each problem, then sample and compare."""
    all_ = solve(problems, mull.solver("cpsat"), Task(Budget(None, solutions=ENUMERATED)))
    if any(exact.total is None for exact in all_):
        raise SystemExit(f"an instance has more than {ENUMERATED} solutions: its coverage is unknown")
    started = time.monotonic()
    sampled = solve(problems, solver, Task(Budget(None, iterations, solutions=samples), seed, device))
    seconds = time.monotonic() - started
    once = solve(problems, solver, Task(Budget(None, iterations, restarts=1), seed, device))
    covered = [
        len(classes(p, some.solutions or ())) / len(classes(p, exact.solutions or ()))
        for p, some, exact in zip(problems, sampled, all_, strict=True)
    ]
    return Score(
        sum(s.status.solved for s in sampled) / len(problems),
        sum(covered) / len(covered),
        sum(s.hits or 0 for s in sampled) / sum(s.samples or 0 for s in sampled),
        sum(s.violations or 0 for s in once),
        seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("solver")
    parser.add_argument("names", nargs="+")
    add_options(parser)
    parser.add_argument("--samples", type=int, default=20, help="samples of each problem (20)")
    parser.add_argument("--iterations", type=int, help="most iterations of a sample, restarts included")
    parser.add_argument("--count", type=int, default=250, help="number of problems (250)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    args = parser.parse_args()
    solver = mull.solver(args.solver, **key_values(args.options))
    for name in args.names:
        problems = instances(name, args.count)
        got = score(solver, problems, args.samples, args.iterations, args.seed, args.device)
        print(
            f"{args.solver} {' '.join(args.options)} {name}, {len(problems)} instances, {args.samples} samples: "
            f"accuracy {100 * got.accuracy:.1f} %, coverage {100 * got.coverage:.1f} %, {100 * got.samples:.1f} % of samples "
            f"solved, conflicts {got.conflicts}, seed {args.seed}, {got.seconds:.1f} s on {args.device}",
            flush=True,
        )


if __name__ == "__main__":
    main()
