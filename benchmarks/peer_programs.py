"""One other program on some files, for ``peers.py``: prints a line of JSON for each file.

    python benchmarks/peer_programs.py PROGRAM SECONDS CORES FILE ...

It imports the program's package and nothing of mull, so that it also runs in an environment without mull. The suffix of a
file states its set: .cnf, .col (its name ends in ``-K``, the number of colours), .wcol, .mc, .queens, .tsp or .dat. A program of one
thread gets SECONDS times CORES on one core for each file, and several files run side by side. OR-Tools gets all cores and
SECONDS. Exit code 3: a package is missing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Process
from pathlib import Path
from typing import Any

Result = float | None
"""What a program found: 1 for solved, an objective, or None."""


def clauses(path: str) -> list[list[int]]:
    """The clauses of a DIMACS file."""
    lines = (line.split() for line in Path(path).read_text().split("\n"))
    return [[int(word) for word in words[:-1]] for words in lines if words and words[0] not in ("c", "p", "%")]


def edges(path: str) -> tuple[int, list[tuple[int, int, int]], dict[int, int]]:
    """The number of vertices, the edges with weights, and the weights of vertices of a .col or rudy file."""
    n, found, weights = 0, [], {}
    for words in (line.split() for line in Path(path).read_text().split("\n")):
        match words:
            case ["p", _, count, _] | [count, _]:
                n = int(count)
            case ["n", v, weight]:
                weights[int(v)] = int(weight)
            case ["e", u, v]:
                found.append((int(u), int(v), 1))
            case [u, v, weight] if u.isdigit():
                found.append((int(u), int(v), int(weight)))
    return n, found, weights


def distances(path: str) -> list[list[int]]:
    """The rounded Euclidean distances of a .tsp file."""
    lines = [line.split() for line in Path(path).read_text().split("\n")]
    points = [(float(words[1]), float(words[2])) for words in lines if len(words) == 3 and words[0].isdigit()]
    return [[int(((a - c) ** 2 + (b - d) ** 2) ** 0.5 + 0.5) for c, d in points] for a, b in points]


def colors_of(path: str) -> int:
    """The number of colours that the name of a file states."""
    return int(Path(path).stem.rsplit("-", 1)[1])


def cadical(path: str, seconds: float, cores: int) -> Result:
    """CaDiCaL of python-sat, in a process that is ended when time is up: CaDiCaL cannot be interrupted."""
    import pysat.solvers  # noqa: F401

    child = Process(target=_cadical, args=(path,))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
    return 1.0 if child.exitcode == 10 else None


def _cadical(path: str) -> None:
    from pysat.solvers import Solver

    with Solver("cadical195", bootstrap_with=clauses(path)) as solver:
        sys.exit(10 if solver.solve() else 20)


def kissat(path: str, seconds: float, cores: int) -> Result:
    """The program kissat of passagemath-kissat."""
    import importlib.util
    import subprocess

    spec = importlib.util.find_spec("passagemath_kissat")
    if spec is None or not spec.origin:
        raise ImportError("passagemath_kissat")
    program = Path(spec.origin).parent.parent / "sage_wheels" / "bin" / "kissat"
    command = [str(program), "-q", "-n", f"--time={max(1, int(seconds))}", path]
    done = subprocess.run(command, check=False, capture_output=True)
    return 1.0 if done.returncode == 10 else None


def gcol(path: str, seconds: float, cores: int) -> Result:
    """TabuCol and the hybrid evolutionary algorithm of gcol, in turn, with more iterations each time."""
    import gcol as package
    import networkx as nx

    n, found, _ = edges(path)
    graph = nx.Graph()
    graph.add_nodes_from(range(1, n + 1))
    graph.add_edges_from((u, v) for u, v, _ in found)
    k, limit, end = colors_of(path), 1000, time.monotonic() + seconds
    while time.monotonic() < end:
        for method in (2, 4):
            try:
                package.node_k_coloring(graph, k, opt_alg=method, it_limit=limit)
                return 1.0
            except ValueError:
                continue
        limit *= 2
    return None


def networkx(path: str, seconds: float, cores: int) -> Result:
    """The greedy colouring by saturation of networkx."""
    import networkx as package

    n, found, _ = edges(path)
    graph = package.Graph([(u, v) for u, v, _ in found])
    graph.add_nodes_from(range(1, n + 1))
    used = 1 + max(package.greedy_color(graph, "DSATUR").values())
    return 1.0 if used <= colors_of(path) else None


def _quadratic(path: str) -> tuple[int, list[tuple[int, int, int]]]:
    n, found, _ = edges(path)
    return n, found


def _cut(found: Sequence[tuple[int, int, int]], side: Any) -> float:
    return float(sum(weight for u, v, weight in found if side[u] != side[v]))


def dwave_tabu(path: str, seconds: float, cores: int) -> Result:
    """The tabu sampler of dwave-samplers, on the Ising form."""
    from dwave.samplers import TabuSampler

    n, found = _quadratic(path)
    couplings = {(u, v): float(weight) for u, v, weight in found}
    spins = TabuSampler().sample_ising(
        dict.fromkeys(range(1, n + 1), 0.0), couplings, timeout=int(1000 * seconds), seed=1
    )
    return _cut(found, spins.first.sample)


def dwave_anneal(path: str, seconds: float, cores: int) -> Result:
    """The simulated annealing sampler of dwave-samplers: repeated with more sweeps while time is left."""
    from dwave.samplers import SimulatedAnnealingSampler

    n, found = _quadratic(path)
    couplings = {(u, v): float(weight) for u, v, weight in found}
    best, sweeps, seed, spent, began = 0.0, 200, 1, 0.0, time.monotonic()
    while time.monotonic() - began + 2 * spent < seconds:
        since = time.monotonic()
        spins = SimulatedAnnealingSampler().sample_ising(
            dict.fromkeys(range(1, n + 1), 0.0), couplings, num_reads=4, num_sweeps=sweeps, seed=seed
        )
        spent, seed = time.monotonic() - since, seed + 1
        sweeps = min(20_000, 2 * sweeps)
        best = max(best, _cut(found, spins.first.sample))
    return best


def bifurcation(path: str, seconds: float, cores: int) -> Result:
    """Simulated bifurcation, discrete and ballistic in turn, while time is left."""
    import simulated_bifurcation as package
    import torch

    torch.set_num_threads(1)
    n, found = _quadratic(path)
    matrix = torch.zeros(n, n)
    for u, v, weight in found:
        matrix[u - 1, v - 1] += weight
    best, number, end = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        torch.manual_seed(number)
        mode = ("discrete", "ballistic")[number % 2]
        left = max(0.1, end - time.monotonic())
        spins, _ = package.minimize(matrix, domain="spin", mode=mode, agents=64, verbose=False, timeout=left)
        best = max(best, _cut(found, {v + 1: int(spins[v]) for v in range(n)}))
        number += 1
    return best


def ortools(path: str, seconds: float, cores: int) -> Result:
    """CP-SAT on a model that its users would write."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    kind = Path(path).suffix
    objective: Any = None
    if kind == ".cnf":
        literals: dict[int, Any] = {}
        for clause in clauses(path):
            for literal in clause:
                literals.setdefault(abs(literal), None)
        literals = {v: model.new_bool_var("") for v in literals}
        for clause in clauses(path):
            model.add_bool_or([literals[v] if v > 0 else ~literals[-v] for v in clause])
    elif kind in (".col", ".wcol"):
        n, found, weights = edges(path)
        k = colors_of(path)
        has = [[model.new_bool_var("") for _ in range(k)] for _ in range(n + 1)]
        for v in range(1, n + 1):
            model.add_exactly_one(has[v])
        for u, v, _ in found:
            for c in range(k):
                model.add_at_most_one([has[u][c], has[v][c]])
        if kind == ".wcol":
            costs = [model.new_int_var(0, max(weights.values()), "") for _ in range(k)]
            for v, weight in weights.items():
                for c in range(k):
                    model.add(costs[c] >= weight).only_enforce_if(has[v][c])
            objective = sum(costs)
    elif kind == ".mc":
        n, found, _ = edges(path)
        sides = [model.new_bool_var("") for _ in range(n + 1)]
        terms = []
        for u, v, weight in found:
            cut = model.new_bool_var("")
            model.add_bool_xor([sides[u], sides[v], ~cut])
            terms.append(-weight * cut)
        objective = sum(terms)
    elif kind == ".queens":
        n = int(Path(path).read_text())
        if n > 2000:  # a Boolean for each square would fill the memory
            return None
        board = [model.new_int_var(0, n - 1, "") for _ in range(n)]
        for slope in (0, 1, -1):
            model.add_all_different([row + slope * i for i, row in enumerate(board)])
    elif kind == ".tsp":
        far = distances(path)
        arcs = [(i, j, model.new_bool_var("")) for i in range(len(far)) for j in range(len(far)) if i != j]
        model.add_circuit(arcs)
        objective = sum(far[i][j] * arc for i, j, arc in arcs)
    else:
        numbers = [int(word) for word in Path(path).read_text().split()]
        n = numbers[0]
        rows = [numbers[1 + k * n : 1 + (k + 1) * n] for k in range(2 * n)]
        places = [model.new_int_var(0, n - 1, "") for _ in range(n)]
        model.add_all_different(places)
        objective = 0
        for i in range(n):
            for j in range(n):
                if rows[i][j] and i != j:
                    apart = model.new_int_var(0, max(map(max, rows[n:])), "")
                    table = [(a, b, rows[n + a][b]) for a in range(n) for b in range(n) if a != b]
                    model.add_allowed_assignments([places[i], places[j], apart], table)
                    objective += rows[i][j] * apart
    if objective is not None:
        model.minimize(objective)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = cores
    solver.parameters.max_time_in_seconds = seconds
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return 1.0 if objective is None else abs(solver.objective_value)


def routing(path: str, seconds: float, cores: int) -> Result:
    """The routing library of OR-Tools, with guided local search."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    far = distances(path)
    manager = pywrapcp.RoutingIndexManager(len(far), 1, 0)
    model = pywrapcp.RoutingModel(manager)
    transit = model.RegisterTransitCallback(lambda a, b: far[manager.IndexToNode(a)][manager.IndexToNode(b)])
    model.SetArcCostEvaluatorOfAllVehicles(transit)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(int(1000 * seconds))
    found = model.SolveWithParameters(parameters)
    return float(found.ObjectiveValue()) if found else None


PROGRAMS: dict[str, Callable[[str, float, int], Result]] = {
    "cadical": cadical,
    "kissat": kissat,
    "ortools": ortools,
    "ortools-routing": routing,
    "gcol": gcol,
    "networkx": networkx,
    "dwave-tabu": dwave_tabu,
    "dwave-anneal": dwave_anneal,
    "bifurcation": bifurcation,
}
THREADED = ("ortools",)
"""Programs that use all cores by themselves."""


def timed(program: str, path: str, seconds: float, cores: int) -> dict[str, object]:
    """The result of a program on a file, and its seconds."""
    since = time.monotonic()
    value = PROGRAMS[program](path, seconds, cores)
    return {"path": path, "value": value, "seconds": time.monotonic() - since}


def main() -> None:
    """Run the program that the arguments name."""
    program, seconds, cores, *paths = sys.argv[1:]
    count, limit = int(cores), float(seconds)
    try:
        if program in THREADED:
            for path in paths:
                print(json.dumps(timed(program, path, limit, count)), flush=True)
            return
        with ProcessPoolExecutor(count) as pool:
            waiting = [pool.submit(timed, program, path, limit * count, 1) for path in paths]
            for future in waiting:
                print(json.dumps(future.result()), flush=True)
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
