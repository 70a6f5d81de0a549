"""CUDA kernels against plain Python, move for move: emulated on a CPU, and on a GPU where there is one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cuda_emulation import emulated, needs_compiler

from mull.engine import Budget, Clause, ConstraintGraph, Problem, Status, Task, solve
from mull.engine.moves import nvrtc
from mull.solvers.kernels import cuda_probsat
from mull.solvers.kernels.cuda_clauses import ClauseChains, Formula
from mull.solvers.kernels.cuda_instance import GOLDEN, STARTS, CudaInstance
from mull.solvers.probsat import ProbSat

MASK = (1 << 64) - 1
SHARED = 228 << 10


def mixed(x: int) -> int:
    x &= MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def below(bits: int, n: int) -> int:
    return ((bits >> 32) * n) >> 32


@pytest.fixture(
    params=[pytest.param("cpu", marks=needs_compiler), pytest.param("cuda", marks=pytest.mark.gpu)], scope="session"
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The device of the kernels; on ``cpu`` they are emulated, with the shared memory of a large GPU."""
    where: str = request.param
    if where == "cuda" and not torch.cuda.is_available():
        pytest.skip("no accelerator")
    return where


@pytest.fixture(autouse=True, scope="session")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Kernels for the device ``cpu``."""
    real, memory = nvrtc.kernel, nvrtc.shared_memory
    fake = emulated(tmp_path_factory.mktemp("kernels"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nvrtc, "kernel", lambda *args: (fake if args[3] == "cpu" else real)(*args))
        patch.setattr(nvrtc, "shared_memory", lambda device: SHARED if device == "cpu" else memory(device))
        yield


# Clauses --------------------------------------------------------------------------------------------------------------


def graph(rng: random.Random, variables: int, clauses: int, lengths: list[int]) -> ConstraintGraph:
    """A random formula. Some clauses repeat a literal or contain a variable and its negation."""
    names = [f"x{i}" for i in range(variables)]
    made = []
    for _ in range(clauses):
        literals: list[tuple[str, int | str]] = [
            (name, rng.randint(0, 1)) for name in rng.sample(names, rng.choice(lengths))
        ]
        if rng.random() < 0.05:
            name, value = literals[0]
            literals.append((name, int(value) ^ rng.randint(0, 1)))
        made.append(Clause(tuple(literals)))
    return ConstraintGraph(dict.fromkeys(names, (0, 1)), made)


def walk(
    f: Formula, table: np.ndarray, key: int, steps: int, start: list[int], fixed: np.ndarray
) -> tuple[list[int], int, int]:
    """probSAT in plain Python: the assignment, the moves made, and the number of violated clauses."""
    clauses = [f.literals[a:b].tolist() for a, b in zip(f.clause_ptr[:-1], f.clause_ptr[1:], strict=True)]
    owners = [f.occurrences[a:b].tolist() for a, b in zip(f.owners[:-1], f.owners[1:], strict=True)]
    value = list(start)
    true = [sum(value[x >> 1] == (x & 1) for x in clause) for clause in clauses]
    violated = [c for c in range(len(clauses)) if not true[c]]
    clock = 0
    while clock < steps and violated:
        draws = [mixed(key + (2 * clock + i) * GOLDEN) for i in range(2)]
        clock += 1
        clause = clauses[violated[below(draws[0], len(violated))]]
        weights = [0 if fixed[x >> 1] else int(table[sum(true[c] == 1 for c in owners[x ^ 1])]) for x in clause]
        if not sum(weights):
            continue
        chosen = int(np.searchsorted(np.cumsum(weights), below(draws[1], sum(weights)), side="right"))
        literal = clause[chosen]
        value[literal >> 1] = literal & 1
        for c in owners[literal]:
            if not true[c]:
                at, last = violated.index(c), violated.pop()
                if last != c:
                    violated[at] = last
            true[c] += 1
        for c in owners[literal ^ 1]:
            true[c] -= 1
            if not true[c]:
                violated.append(c)
    return value, clock, len(violated)


def weights(length: int, most: int) -> np.ndarray:
    return np.array([[(0.9 / (0.9 + b)) ** cb for b in range(most + 1)] for cb in (2.0, 3.0)])


CASES: list[tuple[list[tuple[int, int, list[int]]], bool]] = [
    ([(50, 210, [3]), (40, 150, [3]), (3, 2, [1, 2])], True),  # words of 16 bits; graphs side by side
    ([(20, 300, [2, 5, 9]), (30, 500, [5])], True),
    ([(60, 300, [3, 35, 50])], False),  # clauses longer than a warp
    ([(4000, 4500, [3])], False),  # words of 32 bits
    ([(8, 400, [1, 2])], True),  # more clauses of a literal than lanes
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("shapes", "givens"), CASES)
def test_clause_kernel_makes_the_moves_of_plain_python(
    place: str, shapes: list[tuple[int, int, list[int]]], givens: bool, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shared:
        monkeypatch.setattr(nvrtc, "shared_memory", lambda device: 0)
    rng = random.Random(str(shapes))
    problems = []
    for shape in shapes:
        formula = graph(rng, *shape)
        chosen = rng.sample(sorted(formula.domains), len(formula.domains) // 8 if givens else 0)
        problems.append(Problem(formula, {name: rng.randint(0, 1) for name in chosen}))
    instance = CudaInstance.of(problems, 1, place)
    streams = instance.streams(range(len(problems)))
    chains: ClauseChains = cuda_probsat.init(instance, streams, weights)
    start = chains.assignment.tolist()
    launches, steps = 3, 60
    for _ in range(launches):
        chains, info, taken = cuda_probsat.advance(instance, chains, steps, weights)
        assert taken == steps
    found = cuda_probsat.decode(chains)
    search = instance._cache["probsat", "gpu"]
    assert search.layout.shared == shared
    for row, made in enumerate(instance.graphs):
        clauses = cuda_probsat.formula(made)
        table = search.weights[int(chains.kind[row])].cpu().numpy().view(np.uint32)
        key = int(streams.keys[row])
        stream = mixed(key ^ STARTS)
        for v in np.flatnonzero(~instance.fixed[row, : made.variables]).tolist():
            assert start[row][v] == mixed(stream + v * GOLDEN) >> 63
        value, clock, violated = walk(clauses, table, key, launches * steps, start[row], instance.fixed[row])
        assert found[row, : made.variables].tolist() == value[: made.variables]
        assert int(chains.clock[row]) == clock
        assert info.violations is not None
        assert info.violations[row] == violated == made.violations(found[row : row + 1, : made.variables])[0]


@pytest.fixture
def on(place: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[type], str]:
    """Makes a solver use the kernels: the name of the device to solve on."""

    def chosen(solver: type) -> str:
        if place == "cpu":
            monkeypatch.setattr(
                solver, "compile", lambda self, problems, copies, device: CudaInstance.of(problems, copies, place)
            )
        return place

    return chosen


def test_probsat_solves_a_batch_on_the_kernel(on: Callable[[type], str]) -> None:
    rng = random.Random(1)
    problems = [Problem(graph(rng, 30, 90, [3]), {"x0": 1}) for _ in range(6)]
    device = on(ProbSat)
    task = Task(Budget(seconds=60, batch=24), seed=3, device=device)
    first, second = (solve(problems, ProbSat(), task) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.status is Status.SOLVED
        assert one.assignment is not None
        assert one.assignment["x0"] == 1
        assert one.assignment == other.assignment


# The compiler ---------------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
def test_kernels_are_compiled_once_and_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc, "user_cache_path", lambda name: tmp_path / name)
    source = tmp_path / "one.cu"
    source.write_text('extern "C" __global__ void one(long long n, int* out) { *out = (int)n + ADDED; }')
    said: list[str] = []
    binary = nvrtc.binary(source, (("ADDED", 1),), "sm_80", said.append)
    assert nvrtc.binary(source, (("ADDED", 1),), "sm_80", said.append) == binary
    assert said == ["compiling one.cu for sm_80"]
    out = torch.zeros(1, dtype=torch.int32, device="cuda")
    nvrtc.kernel(source, "one", {"ADDED": 1}, "cuda").launch(1, 1, 0, 41, out)
    assert out.item() == 42
    source.write_text("no C")
    with pytest.raises(nvrtc.CudaError, match=r"cannot compile one\.cu"):
        nvrtc.binary(source, (), "sm_80")
