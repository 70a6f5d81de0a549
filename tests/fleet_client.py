"""A driver outside of a cluster, as a program: it solves by Ray's client and is cancelled after 11 answers."""

from __future__ import annotations

import json
import sys

from fleet_solvers import Cancelled, Slow, small

from mull.engine import solve
from mull.engine.fleet import Fleet, RayCrew


def main(address: str) -> None:
    """Print the status and the assignment of each answer as JSON."""
    call = Cancelled(11)
    Slow.chunk = 1
    crew = RayCrew(address, "cpu", cores=2)
    answers = solve(small(12, once=(11,)), Slow(), call.task, on_solution=call.arrived.append, fleet=Fleet(crew))
    print(json.dumps([[answer.status, answer.assignment] for answer in answers]))


if __name__ == "__main__":
    main(sys.argv[1])
