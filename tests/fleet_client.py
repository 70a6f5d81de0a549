"""A driver outside of a cluster, as a program: it solves by Ray's client and is cancelled after 11 answers."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace

from fleet_solvers import STEPS, Slow, small

from mull.engine import Solution, solve
from mull.engine.fleet import Fleet, RayCrew


def main(address: str) -> None:
    """Print the status and the assignment of each answer as JSON."""
    stop = threading.Event()
    arrived: list[Solution] = []

    def keep(solution: Solution) -> None:
        arrived.append(solution)
        if len(arrived) == 11:
            stop.set()

    Slow.chunk = 1
    task = replace(STEPS, cancelled=stop.is_set)
    crew = RayCrew(address, "cpu", cores=2)
    answers = solve(small(12, once=(11,)), Slow(), task, on_solution=keep, fleet=Fleet(crew))
    print(json.dumps([[answer.status, answer.assignment] for answer in answers]))


if __name__ == "__main__":
    main(sys.argv[1])
