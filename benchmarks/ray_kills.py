"""Ray actors that are killed at random during a call: are all problems answered, as in an undisturbed call?

``python benchmarks/ray_kills.py --count 10000 --kills 20`` solves 9×9 Sudokus by two actors twice. In the second call
it sends SIGKILL to a random actor at random moments, which are numbers of answers. It prints both times, the chunks
that were solved again and the statuses, and exits with 1 if an answer differs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import ray
from ray_throughput import descendants

import mull
from mull.engine import Budget, Solution, Task, solve
from mull.engine.fleet import Fleet, RayCrew
from mull.problems import load


def actors() -> list[int]:
    """The processes of the actors, of those that are still starting, too."""
    found = []
    for pid in descendants(os.getpid()):
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Actor"):
                found.append(pid)
        except OSError:  # it has ended
            continue
    return found


class Killer:
    """Kills an actor at each of some numbers of answers.

    Args:
        moments: numbers of answers, the smallest last.
        chance: source of randomness.
    """

    def __init__(self, moments: list[int], chance: random.Random) -> None:
        self.moments, self.chance = moments, chance
        self.answers = self.kills = 0

    def __call__(self, solution: Solution) -> None:
        """Count an answer."""
        self.answers += 1
        while self.moments and self.answers >= self.moments[-1]:
            there = actors()
            if not there:
                return  # none has started yet: at the next answer
            self.moments.pop()
            os.kill(self.chance.choice(there), signal.SIGKILL)
            self.kills += 1


def main() -> None:
    """Solve twice, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", default="sudoku:9", help="text of the generated problems")
    parser.add_argument("--solver", default="cpsat")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the problems and of the kills")
    options = parser.parse_args()
    problems = [p for i in range(options.count) for p in load(options.problems, seed=options.seed + i)]
    chance = random.Random(options.seed)
    killer = Killer(sorted(chance.sample(range(1, options.count * 9 // 10), options.kills), reverse=True), chance)
    ray.init("local", num_cpus=2, logging_level="ERROR", log_to_driver=False, include_dashboard=False)

    def answers(on_solution: Callable[[Solution], None] | None, notices: list[str]) -> list[Solution]:
        task = Task(Budget(None, 2000), on_notice=notices.append)
        fleet = Fleet(RayCrew(device="cpu"))
        return solve(problems, mull.solver(options.solver), task, on_solution=on_solution, fleet=fleet)

    said: list[str] = []
    began = time.perf_counter()
    calm = answers(None, said)
    between = time.perf_counter()
    disturbed = answers(killer, said)
    ended = time.perf_counter()
    differ = sum((a.status, a.assignment) != (b.status, b.assignment) for a, b in zip(calm, disturbed, strict=True))
    print(
        f"{len(problems)} problems: {between - began:.1f} s undisturbed, {ended - between:.1f} s with {killer.kills} kills;"
        f" {len(said)} chunks were solved again; {dict(Counter(map(str, (a.status for a in disturbed))))};"
        f" {differ} answers differ"
    )
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
