"""A simulation of 10^6 to 10^9 instances on 1,000 workers: reading, stragglers, writes, merge, cost.

python benchmarks/scale.py [SEED [LARGEST]]         # prints Markdown tables; LARGEST is 1e9 by default
python benchmarks/scale.py --measure FILE [SOLVER]  # measures the inputs of this machine on a file of problems

Three ways are compared:
shards      a Slurm array: each worker reads all files and solves shard I/1000 into a store of its own
split       the same, but the list is split beforehand: each worker reads a thousandth
ray         one driver reads, deals chunks of 256 to the next free worker, and writes the store

What was measured and what is assumed stands beside each input. The simulation draws the sizes of shards, the times of
instances, the speeds of hosts and their failures.
"""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

WORKERS, CHUNK = 1000, 256
MOST_DEALS = 200_000
"""Chunks of a simulated Ray run. Larger runs are dealt in larger chunks, so their stragglers are an upper bound."""
LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


class Load(NamedTuple):
    """A kind of instance.

    Args:
        name: of the instances and the solver.
        read: seconds to read an instance and compute its digest.
        kilobytes: memory of an instance in a process.
        seconds: quantiles of the solving time, at ``LEVELS``.
    """

    name: str
    read: float
    kilobytes: float
    seconds: tuple[float, ...]


# Measured by --measure on one core of a virtual machine of two, beside other programs, 2026-11-29.
SUDOKUS = Load(
    "Boards of 17 clues, `cpsat`",
    0.000212,
    6.0,
    (0.00292, 0.00315, 0.00336, 0.00374, 0.00543, 0.00856, 0.01496, 0.02502, 0.0331, 0.06224, 0.29413),
)
FORMULAS = Load(
    "3-SAT of 200 variables (uf200), `localsearch`",
    0.00221,
    71.3,
    (0.00845, 0.00845, 0.00866, 0.00866, 0.00919, 0.01241, 0.0221, 0.03443, 0.04461, 1.64423, 7.77157),
)
LOADS = (SUDOKUS, FORMULAS)

START = 0.8
"""Seconds from the start of `solve` to the first problem; measured (docs/benchmarks.md, start-up)."""
WRITE = 1 / 11_449
"""Seconds to write a run to an SQLite store; measured (benchmarks/store.py)."""
BYTES = 1_605
"""Bytes of a run in a store where each run has a problem of its own; measured (benchmarks/merge.py)."""
MERGE = 35e-6
"""CPU seconds to merge a run; measured on ten stores of 10^5 runs (benchmarks/merge.py)."""
DRIVER = 36e-6
"""CPU seconds of the driver for a problem, to pack it and to unpack its answer; measured (--measure)."""
SERVER = 635
"""Rows per second of a PostgreSQL server and 64 writers on two busy cores; measured (benchmarks/postgres_writers.py)."""

SPREAD = 0.1
"""Standard deviation of the logarithm of a host's speed; assumed."""
FAILURES = 1 / 1000
"""Failures of a worker per hour; assumed."""
RESTART = 60.0
"""Seconds until a failed worker starts again; assumed."""
PRICE = 0.04
"""Dollars for a core and an hour; assumed."""


@dataclass
class Outcome:
    """What a way takes, in seconds unless stated otherwise.

    Args:
        read: that a worker (with Ray: the driver) spends on reading.
        mean: that a worker spends on solving and writing.
        last: from the start to the end of the last worker.
        paid: of all workers together.
        merge: of the stores.
        lost: workers that failed.
    """

    read: float
    mean: float
    last: float
    paid: float
    merge: float
    lost: int


def moments(load: Load) -> tuple[float, float]:
    """Mean and standard deviation of the solving time: of 10^6 draws between the quantiles."""
    drawn = np.interp(np.random.default_rng(0).random(1_000_000), LEVELS, load.seconds)
    return float(drawn.mean()), float(drawn.std())


def by_shards(count: int, load: Load, rng: np.random.Generator, split: bool) -> Outcome:
    """An array of shards; failed workers start again with ``--skip-solved``."""
    mean, spread = moments(load)
    sizes = rng.multinomial(count, np.full(WORKERS, 1 / WORKERS))
    speeds = rng.lognormal(0, SPREAD, WORKERS)
    read = load.read * (sizes if split else count) / speeds
    solve = np.maximum(0, sizes * mean + np.sqrt(sizes) * spread * rng.standard_normal(WORKERS)) / speeds
    write = sizes * WRITE / speeds
    lost = rng.poisson((read + solve + write) / 3600 * FAILURES)
    whole = START + read + solve + write + lost * (RESTART + START + read)
    return Outcome(
        float(np.mean(read)),
        float(np.mean(solve + write)),
        float(whole.max()),
        float(whole.sum()),
        count * MERGE,
        int(lost.sum()),
    )


def by_ray(count: int, load: Load, rng: np.random.Generator) -> Outcome:
    """A driver that deals chunks to free workers; a failed worker's chunk is dealt again."""
    mean, spread = moments(load)
    chunk = max(CHUNK, -(-count // MOST_DEALS))
    chunks = -(-count // chunk)
    speeds = rng.lognormal(0, SPREAD, WORKERS)
    drawn = np.maximum(0, chunk * mean + np.sqrt(chunk) * spread * rng.standard_normal(chunks))
    fails = rng.random(chunks) < drawn / 3600 * FAILURES
    read = START + count * load.read
    free = [(read, worker) for worker in range(WORKERS)]
    ready = read  # when the driver has time for the next chunk
    lost = 0
    for seconds, failed in zip(drawn.tolist(), fails.tolist(), strict=True):
        since, worker = heapq.heappop(free)
        begin = max(since, ready)
        ready = max(ready, begin) + chunk * (DRIVER + WRITE)
        ends = begin + seconds / speeds[worker]
        if failed:  # lost in the middle, started again, and the chunk is solved from its start
            lost += 1
            ends += 0.5 * seconds / speeds[worker] + RESTART
        heapq.heappush(free, (ends, worker))
    last = max(max(ends for ends, _ in free), ready)
    return Outcome(read, float(drawn.sum() / WORKERS), last, last * WORKERS, 0.0, lost)


COLUMNS = (
    "instances",
    "way",
    "read",
    "solve and write",
    "last worker",
    "over the mean",
    "writes of a worker",
    "rows/s, of a server's",
    "driver, GB",
    "store, GB",
    "merge",
    "failures",
    "cost, $",
)


def duration(seconds: float) -> str:
    """A time in the largest of s, min and h of which it has at least two."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.1f} s"


def table(load: Load, largest: float, seed: int) -> list[str]:
    """The Markdown table of one kind of instance."""
    mean, _ = moments(load)
    lines = [
        f"{load.name}: {mean * 1000:.1f} ms an instance in the mean, {load.seconds[-1]:.2f} s at most.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|" + "---|" * len(COLUMNS),
    ]
    for power in range(6, 10):
        count = 10**power
        if count > largest:
            break
        for number, way in enumerate(("shards", "split", "ray")):
            rng = np.random.default_rng([seed, power, number])
            made = by_ray(count, load, rng) if way == "ray" else by_shards(count, load, rng, way == "split")
            memory = f"{count * load.kilobytes / 1e6:,.0f}" if way == "ray" else "–"
            cells = (
                f"10^{power}",
                way,
                duration(made.read),
                duration(made.mean),
                duration(made.last),
                f"{100 * (made.last / (made.read + made.mean) - 1):.0f} %",
                f"{100 * WRITE / (mean + WRITE):.1f} %",
                f"{count / made.last / SERVER:,.1f}",
                memory,
                f"{count * BYTES / 1e9:,.1f}",
                duration(made.merge) if made.merge else "–",
                str(made.lost),
                f"{(made.paid + made.merge) / 3600 * PRICE:,.2f}"
                if made.paid < 9e5
                else f"{made.paid / 3600 * PRICE:,.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def measure(path: str, name: str) -> None:
    """Print the inputs that depend on the problems, measured on this machine."""
    import resource

    import mull
    from mull.engine import Budget, Task, solve
    from mull.engine.fleet.work import Worker, packed_setup, packed_work, unpacked_answers
    from mull.problems import load

    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    problems = [problem for file in sorted(Path(path).glob("*")) or [Path(path)] for problem in load(str(file))]
    digests = {problem.digest for problem in problems}
    read = (time.process_time() - began) / len(problems)
    kilobytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / len(problems)
    solver, task = mull.solver(name), Task(Budget(seconds=None))
    some = problems[:: max(1, len(problems) // 1000)][:1000]
    seconds = np.array([solution.seconds for solution in solve(some, solver, task)])
    quantiles = ", ".join(f"{value:.5f}" for value in np.quantile(seconds, LEVELS))
    chunk = some[:CHUNK]
    began = time.process_time()
    work = packed_work(chunk, None, 0.0, float("inf"))
    packed = time.process_time() - began
    answers = Worker(packed_setup(solver, task), "cpu").solve(work)
    began = time.process_time()
    unpacked_answers(answers, chunk)
    driver = (packed + time.process_time() - began) / len(chunk)
    print(f"{len(problems)} problems, {len(digests)} different; {len(some)} solved by {name}")
    print(f"read {read:.3g} s, memory {kilobytes:.3g} kB, driver {driver:.3g} s; quantiles of seconds: {quantiles}")


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--measure"]:
        measure(arguments[1], arguments[2] if len(arguments) > 2 else "cpsat")
        return
    seed = int(arguments[0]) if arguments else 0
    largest = float(arguments[1]) if len(arguments) > 1 else 1e9
    print("\n\n".join("\n".join(table(load, largest, seed)) for load in LOADS))


if __name__ == "__main__":
    main(sys.argv[1:])
