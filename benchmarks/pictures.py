"""Time and size of the GIF of a run: the states of a hard board until it settles, drawn after solving.

    python benchmarks/pictures.py
    python benchmarks/pictures.py --problems sudoku:25:0.5 queens:50 --solver minconflicts

Each problem is solved once, and its states are recorded. ``seconds`` are those of drawing the frames and of writing the
GIF, the median of some repetitions. ``worst`` is a film of as many frames as there may be, with random values and
beliefs, so that no two frames are alike.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from statistics import median

import mull
from mull.engine import Budget, Problem, Task
from mull.pictures import picture
from mull.pictures.frames import MOST, Frame, Frames, film
from mull.pictures.rasters import most_frames, to_gif


def made(problem: Problem, states: Sequence[Frame], repeat: int) -> tuple[float, int, int]:
    """Median seconds of a GIF, its frames drawn, and its bytes."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        drawn = film(problem, states, most_frames(picture(problem, states[-1].assignment)))[1]
        content = to_gif(drawn)
        seconds.append(time.perf_counter() - start)
    return median(seconds), len(drawn), len(content)


def random_states(problem: Problem, rng: random.Random) -> list[Frame]:
    """As many frames as there may be, each with random values and, of small domains, random beliefs."""
    domains = problem.graph.domains
    states = [Frame(0, -1, {})]
    for i in range(MOST + 1):
        values = {name: rng.choice(domain) for name, domain in domains.items()}
        beliefs = {}
        for name, domain in domains.items():
            weights = [rng.random() ** 3 for _ in domain]
            beliefs[name] = [weight / sum(weights) for weight in weights]
        states.append(Frame(i, 0, values, beliefs if len(domains) <= 100 else None))
    return states


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["sudoku:9:0.3", "sudoku:25:0.5", "queens:50"])
    parser.add_argument("--solver", default="minconflicts")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of each run")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("| problem | states | frames | seconds | KB | worst: frames | seconds | KB |\n|" + "---|" * 8)
    for name in args.problems:
        (problem,) = mull.load(name)
        recorder = Frames([problem])
        task = recorder.follow(Task(Budget(seconds=args.limit), seed=args.seed))
        solution = mull.solve(problem, args.solver, task)
        states = recorder.of(problem, solution)
        cells = [name, f"{len(states)}"]
        for each in (states, random_states(problem, random.Random(args.seed))):
            seconds, frames, size = made(problem, each, args.repeat)
            cells += [f"{frames}", f"{seconds:.2f}", f"{size / 1000:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
