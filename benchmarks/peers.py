"""mull beside other programs on the same files, the same cores and the same limit, in turn.

    python -m venv peers
    peers/bin/pip install python-sat passagemath-kissat ortools gcol networkx dwave-samplers simulated-bifurcation
    python benchmarks/peers.py --python peers/bin/python --quick
    python benchmarks/peers.py --python peers/bin/python --sets sat250,maxcut --repeat 5

The packages are optional: a program whose package is missing is skipped and named, as are solvers that mull does not have.
``peer_programs.py`` runs a program on files. All programs run as whole processes, including their start, on the first
``--cores`` cores that this process may use. Programs of one thread work on several files side by side.

Two kinds of sets: *solved* counts the files that were solved within the limit, and compares the seconds of the whole call.
*best* gives every program the limit for each file, and compares the objectives. A ratio of seconds above 1 says how many
times longer a program took than the best of mull's solvers; it is left out where the program solved fewer files. A gap says
how far an objective is from the best one found by any program. All files are drawn from ``--seed``.

The tables are Markdown. ``--repeat`` runs each program so many times, and the median is printed; but a program that has run
for more than 30 s on a set is not repeated there. In a set of formulas, a program that solves none of the first files, one
for each core, does not get the others. The full table takes about 25 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Set:
    """Files of one kind, and the programs that run on them.

    Args:
        best: whether objectives are compared, else solved files.
        mull: solvers of mull, with their options after blanks.
        peers: keys of ``peer_programs.PROGRAMS``.
        seconds: limit for each file: for a quick run, for a full one.
        make: (folder, random numbers, quick) -> the files.
        largest: whether the objective is maximised.
    """

    best: bool
    mull: tuple[str, ...]
    peers: tuple[str, ...]
    seconds: tuple[float, float]
    make: Callable[[Path, random.Random, bool], Iterator[Path]]
    largest: bool = False


# Files
# ---------------------------------------------------------------------------------------------------------------------


def formula(folder: Path, name: str, n: int, m: int, rng: random.Random) -> Path:
    """Uniform random 3-SAT."""
    lines = [f"p cnf {n} {m}"]
    for _ in range(m):
        lines.append(" ".join(str(rng.choice((1, -1)) * v) for v in rng.sample(range(1, n + 1), 3)) + " 0")
    return written(folder / f"{name}.cnf", lines)


def written(path: Path, lines: Sequence[str]) -> Path:
    """The path of a new file with these lines."""
    path.write_text("\n".join(lines) + "\n")
    return path


def threshold(n: int, ratio: float, count: tuple[int, int]) -> Callable[[Path, random.Random, bool], Iterator[Path]]:
    """Formulas of a ratio of clauses to variables; ``satisfiable`` filters them."""

    def make(folder: Path, rng: random.Random, quick: bool) -> Iterator[Path]:
        for number in range(count[not quick]):
            yield formula(folder, f"uf{n}-{number}", n, round(ratio * n), rng)

    return make


def graph_lines(n: int, found: Sequence[tuple[int, int]], weights: Sequence[int] = ()) -> list[str]:
    """The lines of a .col file."""
    named = [f"n {v} {weight}" for v, weight in enumerate(weights, 1)]
    return [f"p edge {n} {len(found)}", *named, *(f"e {u} {v}" for u, v in found)]


def uniform(n: int, density: float, rng: random.Random) -> list[tuple[int, int]]:
    """The edges of a random graph, as those of Johnson, Aragon, McGeoch and Schevon (1991)."""
    return [(u, v) for v in range(1, n + 1) for u in range(1, v) if rng.random() < density]


def flat(n: int, k: int, rng: random.Random) -> list[tuple[int, int]]:
    """The edges of a flat graph (Culberson and Luo 1996): k hidden classes of equal size, half of the pairs between classes.

    Between any two classes, the degrees of the vertices of a class differ by at most one: flatness 0.
    """
    order = rng.sample(range(1, n + 1), n)
    classes = [order[c::k] for c in range(k)]
    found: list[tuple[int, int]] = []
    for second in range(k):
        for first in range(second):
            rows, columns = classes[first], classes[second]
            count = (len(rows) * len(columns) + rng.randrange(2)) // 2
            wanted = [count // len(rows) + (place < count % len(rows)) for place in range(len(rows))]
            degree = dict.fromkeys(columns, 0)
            for u, edges in zip(rng.sample(rows, len(rows)), wanted, strict=True):
                for v in sorted(columns, key=lambda v: (degree[v], rng.random()))[:edges]:
                    degree[v] += 1
                    found.append((min(u, v), max(u, v)))
    return sorted(found)


def leighton(n: int, k: int, count: int, rng: random.Random) -> list[tuple[int, int]]:
    """The edges of a graph with chromatic number k, made of cliques of at most k vertices (Leighton 1979).

    Vertices of a clique have different remainders modulo k. The paper's numbers of cliques of each size are not known
    here: sizes are uniform, and the last ones fit the number of edges.
    """
    found: set[tuple[int, int]] = set()
    size = k
    while len(found) < count:
        while size * (size - 1) // 2 > count - len(found):
            size -= 1
        chosen = [c + k * rng.randrange(n // k) for c in rng.sample(range(k), size)]
        found.update((min(u, v) + 1, max(u, v) + 1) for i, u in enumerate(chosen) for v in chosen[:i])
        size = rng.randint(2, k)
    return sorted(found)


Graphs = Sequence[tuple[str, int, int, Callable[[random.Random], list[tuple[int, int]]]]]
"""Name, vertices, number of colours, edges."""


def coloring(quick: Graphs, full: Graphs) -> Callable[[Path, random.Random, bool], Iterator[Path]]:
    """Files of some graphs, the number of colours at the end of their names."""

    def make(folder: Path, rng: random.Random, is_quick: bool) -> Iterator[Path]:
        for name, n, k, edges in quick if is_quick else full:
            yield written(folder / f"{name}-{k}.col", graph_lines(n, edges(rng)))

    return make


EASY: Graphs = (
    ("dsjc125.1", 125, 6, lambda rng: uniform(125, 0.1, rng)),
    ("dsjc125.5", 125, 18, lambda rng: uniform(125, 0.5, rng)),
    ("flat200_20", 200, 20, lambda rng: flat(200, 20, rng)),
    ("le450_15b", 450, 15, lambda rng: leighton(450, 15, 8169, rng)),
)
MIXED: Graphs = (
    *EASY,
    ("dsjc250.5", 250, 29, lambda rng: uniform(250, 0.5, rng)),
    ("dsjc500.1", 500, 13, lambda rng: uniform(500, 0.1, rng)),
    ("flat300_28", 300, 31, lambda rng: flat(300, 28, rng)),
    ("le450_15c", 450, 15, lambda rng: leighton(450, 15, 16680, rng)),
    ("le450_25c", 450, 26, lambda rng: leighton(450, 25, 17343, rng)),
)
HARD: Graphs = (
    # DSJC250.5 has a colouring with 28 colours. Most random graphs of this size have one too, but not all need.
    ("dsjc250.5", 250, 28, lambda rng: uniform(250, 0.5, rng)),
    ("le450_15a", 450, 15, lambda rng: leighton(450, 15, 8168, rng)),
    ("flat300_26", 300, 26, lambda rng: flat(300, 26, rng)),
)


def weighted(folder: Path, rng: random.Random, quick: bool) -> Iterator[Path]:
    """Graphs with weights of vertices."""
    for n, density, k in ((40, 0.3, 9), (80, 0.2, 9)) if quick else ((60, 0.3, 11), (100, 0.1, 8), (125, 0.5, 26)):
        weights = [rng.randint(1, 20) for _ in range(n)]
        yield written(folder / f"w{n}-{k}.wcol", graph_lines(n, uniform(n, density, rng), weights))


def cuts(folder: Path, rng: random.Random, quick: bool) -> Iterator[Path]:
    """Graphs as rudy made them for the G-set: random ones as G1, G22 and G43, and a toroidal grid with weights 1 and -1."""
    sizes = [(800, 0.06)] if quick else [(800, 0.06), (2000, 0.01), (1000, 0.02)]
    for n, density in sizes:
        most = n * (n - 1) // 2
        pairs = [(u, v) for v in range(1, n + 1) for u in range(1, v)]
        chosen = sorted(rng.sample(pairs, round(density * most)))
        lines = [f"{u} {v} 1" for u, v in chosen]
        yield written(folder / f"rudy{n}.mc", [f"{n} {len(lines)}", *lines])
    rows, columns = (10, 10) if quick else (20, 40)
    lines = [
        f"{r * columns + c + 1} {(r + down) % rows * columns + (c + 1 - down) % columns + 1} {rng.choice((-1, 1))}"
        for r in range(rows)
        for c in range(columns)
        for down in (0, 1)
    ]
    yield written(folder / f"torus{rows * columns}.mc", [f"{rows * columns} {len(lines)}", *lines])


def tours(folder: Path, rng: random.Random, quick: bool) -> Iterator[Path]:
    """Random cities in a square."""
    for n in (20, 50) if quick else (50, 100, 200):
        points = [f"{i} {rng.randrange(1000)} {rng.randrange(1000)}" for i in range(1, n + 1)]
        head = ["TYPE: TSP", f"DIMENSION: {n}", "EDGE_WEIGHT_TYPE: EUC_2D", "NODE_COORD_SECTION"]
        yield written(folder / f"cities{n}.tsp", [*head, *points, "EOF"])


def assignments(folder: Path, rng: random.Random, quick: bool) -> Iterator[Path]:
    """Random flows between places of a grid, as those of Nugent, Vollmann and Ruml (1968)."""
    for rows, columns in ((3, 3), (3, 4)) if quick else ((3, 4), (4, 5), (5, 6)):
        n = rows * columns
        places = [divmod(k, columns) for k in range(n)]
        far = [[abs(a - c) + abs(b - d) for c, d in places] for a, b in places]
        flow = [[0] * n for _ in range(n)]
        for i in range(n):
            for j in range(i):
                flow[i][j] = flow[j][i] = rng.choice((0, 0, 0, 1, 2, 3, 4, 5, 6, 10))
        yield written(folder / f"grid{n}.dat", [str(n), *(" ".join(map(str, row)) for row in (*flow, *far))])


def queens(folder: Path, rng: random.Random, quick: bool) -> Iterator[Path]:
    """Boards by their size. mull generates them by the size; the other programs read it from the file."""
    for n in (100, 1000) if quick else (1000, 10_000):
        yield written(folder / f"queens-{n}.queens", [str(n)])


SETS = {
    "sat250": Set(False, ("probsat",), ("cadical", "kissat", "ortools"), (20, 60), threshold(250, 4.26, (20, 200))),
    "satlarge": Set(False, ("probsat",), ("cadical", "kissat", "ortools"), (20, 30), threshold(10_000, 4.2, (3, 20))),
    "coloring": Set(False, ("localsearch",), ("gcol", "networkx", "ortools"), (10, 10), coloring(EASY, MIXED)),
    "colorings": Set(False, ("localsearch",), ("gcol", "networkx", "ortools"), (10, 60), coloring(HARD[1:2], HARD)),
    "queens": Set(False, ("localsearch",), ("ortools",), (20, 20), queens),
    "weighted": Set(True, ("localsearch", "lns"), ("ortools",), (10, 10), weighted),
    "maxcut": Set(
        True, ("localsearch",), ("dwave-tabu", "dwave-anneal", "bifurcation", "ortools"), (10, 20), cuts, True
    ),
    "tsp": Set(True, ("anneal", "lns"), ("ortools", "ortools-routing"), (10, 10), tours),
    "qap": Set(True, ("anneal", "lns"), ("ortools",), (10, 10), assignments),
}
LONG = 30.0
"""Seconds on a set after which a program is not repeated."""


# Runs
# ---------------------------------------------------------------------------------------------------------------------

Outcome = tuple[float, dict[str, float | None]]
"""Seconds of the whole call, and the value of each file: 1 for solved, or the objective."""


def run_peer(python: str, name: str, seconds: float, cores: int, paths: Sequence[Path]) -> Outcome | str:
    """The outcome of another program, or the reason why it did not run."""
    command = [python, str(HERE / "peer_programs.py"), name, str(seconds), str(cores), *map(str, paths)]
    since = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    spent = time.monotonic() - since
    if done.returncode:
        reasons = done.stderr.strip().split("\n")
        return reasons[-1]
    return spent, {record["path"]: record["value"] for record in map(json.loads, done.stdout.splitlines())}


def run_while_solving(python: str, name: str, seconds: float, cores: int, paths: Sequence[Path]) -> Outcome | str:
    """As ``run_peer``, but a program that solves none of the first formulas does not get the others."""
    if paths[0].suffix != ".cnf" or len(paths) <= cores:
        return run_peer(python, name, seconds, cores, paths)
    first = run_peer(python, name, seconds, cores, paths[:cores])
    if isinstance(first, str) or not any(first[1].values()):
        return first
    rest = run_peer(python, name, seconds, cores, paths[cores:])
    return rest if isinstance(rest, str) else (first[0] + rest[0], first[1] | rest[1])


def run_mull(solver: str, seconds: float, best: bool, paths: Sequence[Path], seed: int) -> Outcome | str:
    """The outcome of one of mull's solvers, or the reason why it did not run."""
    program = [str(Path(sys.executable).parent / "solve"), "--no-store", "--json", "-s", *solver.split()]
    found: dict[str, float | None] = {str(path): None for path in paths}
    since = time.monotonic()
    groups = [[path] for path in paths] if best or paths[0].suffix != ".cnf" else [list(paths)]
    for group in groups:
        kind = group[0].suffix
        extra = ["-k", group[0].stem.rsplit("-", 1)[1]] if kind in (".col", ".wcol") else []
        if kind == ".wcol":
            extra += ["--family", "coloring"]
        limit = ["--limit", str(seconds * len(group)), "--seed", str(seed)]
        inputs = [f"queens:{path.stem[7:]}" if kind == ".queens" else str(path) for path in group]
        done = subprocess.run([*program, *extra, *limit, *inputs], check=False, capture_output=True, text=True)
        if done.returncode == 2:
            return done.stderr.strip().split("\n")[0]
        for record in map(json.loads, done.stdout.splitlines()):
            if record["status"] in ("solved", "optimal"):
                path = record["source"]["path"] if len(group) > 1 else str(group[0])
                found[path] = record["objective"] if best else 1.0
    return time.monotonic() - since, found


def satisfiable(python: str, paths: Sequence[Path], cores: int) -> list[Path]:
    """The formulas that CaDiCaL or Kissat satisfies; all where neither is installed."""
    for name in ("kissat", "cadical"):
        outcome = run_peer(python, name, 60, cores, paths)
        if not isinstance(outcome, str):
            return [path for path in paths if outcome[1].get(str(path))]
    return list(paths)


def compare(name: str, chosen: Set, arguments: argparse.Namespace, folder: Path) -> None:
    """Run all programs on a set, in turn, and print its table."""
    paths = list(chosen.make(folder, random.Random(f"{name}:{arguments.seed}"), arguments.quick))
    if name == "sat250":
        paths = satisfiable(arguments.python, paths, arguments.cores)[:100]
    seconds = arguments.seconds or chosen.seconds[not arguments.quick]
    runs: dict[str, list[Outcome]] = {}
    skipped: dict[str, str] = {}
    programs = [(f"mull {solver}", True) for solver in chosen.mull] + [(peer, False) for peer in chosen.peers]
    for solver in chosen.mull:  # compiles its kernels, as those of the other programs are
        run_mull(solver, 1, chosen.best, paths[:1], arguments.seed)
    for turn in range(arguments.repeat):
        for program, own in programs:
            if program in skipped or sum(spent for spent, _ in runs.get(program, ())) > LONG:
                continue
            outcome = (
                run_mull(program.removeprefix("mull "), seconds, chosen.best, paths, arguments.seed + turn)
                if own
                else run_while_solving(arguments.python, program, seconds, arguments.cores, paths)
            )
            if isinstance(outcome, str):
                skipped[program] = outcome
            else:
                runs.setdefault(program, []).append(outcome)
    print(f"\n`{name}`: {len(paths)} files, {seconds:g} s each, {arguments.cores} cores.\n")
    print_best(runs, paths, chosen.largest) if chosen.best else print_solved(runs, len(paths))
    for program, reason in skipped.items():
        print(f"\nSkipped: {program} ({reason[:90]}).")
    sys.stdout.flush()


def print_solved(runs: dict[str, list[Outcome]], count: int) -> None:
    """Print the solved files and seconds of each program, and the ratio to the fastest of mull's solvers."""
    spent = {program: median(seconds for seconds, _ in outcomes) for program, outcomes in runs.items()}
    solved = {
        program: median(sum(1 for value in values.values() if value) for _, values in outcomes)
        for program, outcomes in runs.items()
    }
    own = [program for program in runs if program.startswith("mull ")]
    most, base = min(((-solved[program], spent[program]) for program in own), default=(0, 0.0))
    print("| program | solved | seconds | ratio |\n|---|---|---|---|")
    for program, outcomes in runs.items():
        ratio = f"{spent[program] / base:.2f}" if most and solved[program] >= -most else "-"
        tried = max(len(values) for _, values in outcomes)
        given_up = f", {tried} tried" if tried < count else ""
        print(f"| {program} | {solved[program]:g} of {count}{given_up} | {spent[program]:.2f} | {ratio} |")


def print_best(runs: dict[str, list[Outcome]], paths: Sequence[Path], largest: bool) -> None:
    """Print the objectives of each program by file, and the mean gap to the best ones."""
    values: dict[str, list[float | None]] = {}
    for program, outcomes in runs.items():
        values[program] = []
        for path in paths:
            known = [value for _, found in outcomes if (value := found.get(str(path))) is not None]
            values[program].append(median(known) if known else None)
    best = []
    for i in range(len(paths)):
        known = [value for found in values.values() if (value := found[i]) is not None]
        best.append((max if largest else min)(known, default=0))
    print("| program | mean gap | " + " | ".join(path.stem for path in paths) + " |")
    print("|---|---|" + "---|" * len(paths))
    for program, found in values.items():
        gaps = [
            abs(value - top) / max(1.0, abs(top)) for value, top in zip(found, best, strict=True) if value is not None
        ]
        gap = f"{100 * sum(gaps) / len(gaps):.3f} %" if len(gaps) == len(paths) else "-"
        print(f"| {program} | {gap} | " + " | ".join("-" if v is None else f"{v:g}" for v in found) + " |")


def main() -> None:
    """Read the arguments, pin this process and its children to the cores, and run the sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="interpreter with the packages of the other programs")
    parser.add_argument("--sets", default=",".join(SETS), help="names of sets, with commas between them")
    parser.add_argument("--seconds", type=float, help="limit for each file")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="repetitions; the median is printed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="small sets and limits: some minutes")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    for name in arguments.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            compare(name, SETS[name], arguments, Path(folder))


if __name__ == "__main__":
    main()
