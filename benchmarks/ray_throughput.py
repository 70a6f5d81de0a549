"""Throughput of two processes and of two Ray actors against one process on one core, and the CPU time of the driver.

``python benchmarks/ray_throughput.py --count 100000 --repeat 3`` solves the same small problems in turn in one process
on one core (``alone``), by ``--device cpu,cpu`` (``local``), and by a Ray actor on each of two cores (``ray``). Each
measurement is a fork of one process that has made the problems. It prints seconds from the call to the last answer, the
CPU seconds of the driver, and those of all processes.

Other programs on the cores lengthen the seconds. So the last figures compare CPU seconds: those of one process, divided
by half of those of the driver, the workers and Ray together. It is the ratio of throughputs on two cores that are free.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import mull
from mull.engine import Budget, Problem, Solution, Task, solve
from mull.engine.fleet import Fleet, LocalCrew, RayCrew
from mull.engine.fleet.work import limit_threads
from mull.problems import load

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TICKS = os.sysconf("SC_CLK_TCK")
STEPS = 2000


class Measured(NamedTuple):
    """Seconds of a call.

    Args:
        wall: from the call to the last answer.
        driver: CPU seconds of the process that made the call.
        all: CPU seconds of it and its descendants.
        answers: whether each problem is solved, and the assignments.
    """

    wall: float
    driver: float
    all: float
    answers: list[tuple[bool, tuple[object, ...]]]


def descendants(root: int) -> list[int]:
    """A process and the processes that it started, directly or not."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [root]
    for parent in found:
        found += [pid for pid, other in parents.items() if other == parent]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system seconds of processes, with those of their ended children."""
    total = 0
    for pid in pids:
        try:
            total += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return total / TICKS


def measured(problems: Sequence[Problem], solver: str, fleet: Callable[[], Fleet | None]) -> Measured:
    """Solve problems, and measure the call."""
    crew = fleet()
    rows: list[tuple[bool, tuple[object, ...]]] = []
    before, began, own = cpu_seconds(descendants(os.getpid())), time.perf_counter(), time.process_time()
    spent = 0.0
    left = len(problems)

    def arrived(solution: Solution) -> None:
        nonlocal spent, left
        left -= 1
        if not left:  # the actors are still there
            spent = cpu_seconds(descendants(os.getpid())) - before

    answers = solve(problems, mull.solver(solver), Task(Budget(None, STEPS)), on_solution=arrived, fleet=crew)
    wall, own = time.perf_counter() - began, time.process_time() - own
    rows = [(a.status.solved, tuple((a.assignment or {}).values())) for a in answers]
    return Measured(wall, own, spent, rows)


def alone() -> Fleet | None:
    """One process on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    limit_threads(1)
    return None


def local() -> Fleet | None:
    """Two processes of this host."""
    return Fleet(LocalCrew(("cpu", "cpu")))


def on_ray() -> Fleet | None:
    """Two actors in a running cluster of two cores."""
    import ray

    quiet = {"logging_level": "ERROR", "log_to_driver": False, "include_dashboard": False}
    ray.init("local", num_cpus=2, **quiet)
    return Fleet(RayCrew(device="cpu"))


def in_fork(call: Callable[[], Measured]) -> Measured:
    """The result of a call in a fork of this process, which has used neither torch nor Ray."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _send(theirs, call())
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    result: Measured = ours.recv()
    os.waitpid(pid, 0)
    return result


def _send(connection: Connection, value: Measured) -> None:
    connection.send(value)


def main() -> None:
    """Measure in turn, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", default="sat:20:80", help="text of the generated problems")
    parser.add_argument("--solver", default="probsat")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--ways", default="alone,local,ray", help="first the one that the others are compared with")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the first problem")
    options = parser.parse_args()
    problems = [p for i in range(options.count) for p in load(options.problems, seed=options.seed + i)]
    ways = {"alone": alone, "local": local, "ray": on_ray}
    chosen = {name: ways[name] for name in options.ways.split(",")}
    found: dict[str, list[Measured]] = {name: [] for name in chosen}
    for _ in range(options.repeat):
        for name, fleet in chosen.items():
            m = in_fork(partial(measured, problems, options.solver, fleet))
            found[name].append(m)
            solved = sum(row[0] for row in m.answers)
            print(
                f"{name}: {m.wall:.1f} s, {len(problems) / m.wall:.0f} problems/s, {solved} solved,"
                f" driver {m.driver:.1f} CPU s, all {m.all:.1f} CPU s",
                flush=True,
            )
            if m.answers != found[next(iter(chosen))][0].answers:
                sys.exit("the answers differ")
    one, *others = found
    for name in others:
        pairs = list(zip(found[one], found[name], strict=True))
        print(
            f"{one} / {name}: {median(a.wall / b.wall for a, b in pairs):.2f} by seconds,"
            f" {median(2 * a.all / b.all for a, b in pairs):.2f} by CPU seconds; the driver takes"
            f" {median(2 * b.driver / b.all for _, b in pairs):.1%} of a core that is free"
        )


if __name__ == "__main__":
    main()
