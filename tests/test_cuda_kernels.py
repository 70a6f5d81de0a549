"""The CUDA kernel of probSAT against the kernel of the CPU, move for move: emulated on a CPU, and on a GPU if there is one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from clause_walk import graph

from mull.engine import Budget, Problem, Status, Task, solve
from mull.engine.moves import nvrtc
from mull.engine.moves.instance import compile_moves
from mull.solvers.kernels import clause_chains, cuda_probsat
from mull.solvers.kernels.cuda_instance import CudaInstance
from mull.solvers.probsat import ProbSat

pytest_plugins = ["cuda_emulation"]


# Clauses --------------------------------------------------------------------------------------------------------------


def weights(length: int, ratio: float, most: int) -> np.ndarray:
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
def test_clause_kernel_makes_the_moves_of_the_cpu(
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
    instance, reference = CudaInstance.of(problems, 2, place), compile_moves(problems, 2)
    instance.problem[:] = range(2 * len(problems))  # chains stop at their own solutions only
    streams = instance.streams(range(2 * len(problems)))
    made = clause_chains.prepared(reference, ("test",), weights)
    chains = cuda_probsat.init(instance, streams, made)
    expected = clause_chains.start_chains(reference, streams, made)
    assert (chains.assignment.cpu().numpy() == expected.assignment).all()
    assert (chains.kind.cpu().numpy() == expected.kind).all()
    for steps in (1, 60, 119):
        chains, info, taken = cuda_probsat.advance(instance, chains, steps, made)
        assert taken == steps
        while steps:
            expected, other, moves = clause_chains.move_chains(reference, expected, steps, bool, made)
            steps -= moves
        assert (cuda_probsat.decode(chains) == expected.assignment).all()
        assert (chains.clock.cpu().numpy() == expected.clock).all()
        assert info.violations is not None
        assert info.violations.tolist() == expected.count.tolist() == np.asarray(other.violations).tolist()


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
