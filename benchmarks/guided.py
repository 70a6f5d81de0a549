"""``guided`` beside ``cpsat`` and ``localsearch`` on twenty optimisation models, each alone, in turn.

    python benchmarks/guided.py --seconds 60 --seed 0

The models are drawn from fixed seeds: job shops, tours, quadratic assignments, cuts, coverings, packings, colourings and
schedules. All are minimised. Each line is one model; the last one counts on how many ``guided`` is best or equal.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import cpmpy as cp

import mull

SOLVERS = ("cpsat", "localsearch", "guided")


def job_shop(n: int, m: int, seed: int) -> Any:
    """n jobs of one operation on each of m machines; minimise the makespan."""
    random = Random(seed)
    order = [random.sample(range(m), m) for _ in range(n)]
    length = [[random.randint(1, 99) for _ in range(m)] for _ in range(n)]
    horizon = sum(map(sum, length)) // 2
    start = cp.intvar(0, horizon, shape=(n, m), name="start")
    end = cp.intvar(0, horizon, name="end")
    model = cp.Model()
    for j in range(n):
        for k in range(m - 1):
            model += start[j, k] + length[j][k] <= start[j, k + 1]
        model += start[j, m - 1] + length[j][m - 1] <= end
    for machine in range(m):
        places = [(j, order[j].index(machine)) for j in range(n)]
        model += cp.NoOverlap([start[p] for p in places], [length[j][k] for j, k in places])
    model.minimize(end)
    return model


def tour(n: int, seed: int) -> Any:
    """A shortest tour of n points in a square."""
    random = Random(seed)
    points = [(random.randint(0, 999), random.randint(0, 999)) for _ in range(n)]
    far = [[int(((a - c) ** 2 + (b - d) ** 2) ** 0.5) for c, d in points] for a, b in points]
    following = cp.intvar(0, n - 1, shape=n, name="next")
    model = cp.Model(cp.Circuit(following))
    model.minimize(cp.sum(cp.cpm_array(far[i])[following[i]] for i in range(n)))
    return model


def quadratic_assignment(n: int, seed: int) -> Any:
    """n plants to n places; flows times distances."""
    random = Random(seed)
    flow = [[random.choice((0, 0, random.randint(1, 9))) for _ in range(n)] for _ in range(n)]
    far = [random.randint(1, 9) for _ in range(n * n)]
    place = cp.intvar(0, n - 1, shape=n, name="place")
    model = cp.Model(cp.AllDifferent(place))
    table = cp.cpm_array(far)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and flow[i][j]]
    model.minimize(cp.sum(flow[i][j] * table[n * place[i] + place[j]] for i, j in pairs))
    return model


def cut(n: int, edges: int, seed: int) -> Any:
    """Uncut edges of a graph of n vertices split in two."""
    random = Random(seed)
    side = cp.boolvar(shape=n, name="side")
    pairs = [random.sample(range(n), 2) for _ in range(edges)]
    model = cp.Model()
    model.minimize(cp.sum(side[a] == side[b] for a, b in pairs))
    return model


def covering(n: int, rows: int, seed: int) -> Any:
    """Sets of least cost that cover all rows."""
    random = Random(seed)
    chosen = cp.boolvar(shape=n, name="chosen")
    model = cp.Model([cp.any([chosen[i] for i in random.sample(range(n), 8)]) for _ in range(rows)])
    model.minimize(cp.sum(random.randint(5, 30) * each for each in chosen))
    return model


def packing(n: int, bins: int, seed: int) -> Any:
    """n objects into bins; minimise the fullest bin."""
    random = Random(seed)
    size = [random.randint(20, 99) for _ in range(n)]
    place = cp.intvar(0, bins - 1, shape=n, name="place")
    full = cp.intvar(0, sum(size), name="full")
    model = cp.Model([cp.sum([size[i] * (place[i] == b) for i in range(n)]) <= full for b in range(bins)])
    model.minimize(full)
    return model


def colouring(n: int, edges: int, colours: int, seed: int) -> Any:
    """Colours with weights; neighbours differ; minimise the weight."""
    random = Random(seed)
    colour = cp.intvar(0, colours - 1, shape=n, name="colour")
    pairs = {tuple(sorted(random.sample(range(n), 2))) for _ in range(edges)}
    model = cp.Model([colour[a] != colour[b] for a, b in sorted(pairs)])
    model.minimize(cp.sum(colour[i] * random.randint(1, 9) for i in range(n)))
    return model


MODELS: dict[str, Callable[[], Any]] = {
    **{f"job shop {n}x{m}": partial(job_shop, n, m, n) for n, m in ((10, 10), (15, 10), (20, 10), (20, 15))},
    **{f"tour {n}": partial(tour, n, n) for n in (40, 70, 100)},
    **{f"assignment {n}": partial(quadratic_assignment, n, n) for n in (12, 16, 20)},
    **{f"cut {n}": partial(cut, n, 5 * n, n) for n in (80, 150, 300)},
    **{f"covering {n}": partial(covering, n, n, n) for n in (200, 400)},
    **{f"packing {n}": partial(packing, n, n // 6, n) for n in (60, 120)},
    **{f"colouring {n}": partial(colouring, n, 6 * n, 12, n) for n in (100, 200, 400)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="limit of each run")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--only", default="", help="models whose name contains this")
    arguments = parser.parse_args()
    best = 0
    models = {name: make for name, make in MODELS.items() if arguments.only in name}
    print("model", *SOLVERS, sep="\t")
    for name, make in models.items():
        problem = mull.from_cpmpy(make())
        found = []
        for solver in SOLVERS:
            answer = mull.solve(problem, solver, seconds=arguments.seconds, seed=arguments.seed)
            found.append((answer.objective if answer.status.solved else None, answer.status.value))
        print(name, *(f"{value} {status}" for value, status in found), sep="\t", flush=True)
        values = [value for value, _ in found]
        others = [value for value in values[:-1] if value is not None]
        best += values[-1] is not None and values[-1] <= min(others, default=values[-1])
    print(f"guided is best or equal on {best} of {len(models)}")


if __name__ == "__main__":
    main()
