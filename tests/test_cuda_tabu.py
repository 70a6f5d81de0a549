"""The CUDA kernel of tabu search against the kernel of the CPU, move for move."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mull.engine import AllDifferent, Budget, Compare, ConstraintGraph, Problem, Status, Task, solve
from mull.engine.constraints.base import Constraint
from mull.engine.moves import nvrtc
from mull.engine.moves.instance import compile_moves
from mull.engine.preferences import soft, with_soft
from mull.solvers.kernels import cuda_tabu
from mull.solvers.kernels.cuda_instance import CudaInstance
from mull.solvers.kernels.difference_chains import Rule, assignments, move_chains, start_chains
from mull.solvers.kernels.difference_state import COUNT, NEWER
from mull.solvers.tabu import Tabu

pytest_plugins = ["cuda_emulation"]
pytestmark = pytest.mark.slow


def graph(seed: int, variables: int, values: int, chance: float, groups: int, weighted: bool) -> ConstraintGraph:
    """A random graph of differences. Some variables lack a value; soft constraints have random weights."""
    rng = random.Random(seed)
    names = [f"v{i}" for i in range(variables)]
    domains = {
        name: tuple(sorted(rng.sample(range(values), values - (rng.random() < 0.1 and values > 2)))) for name in names
    }
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i] if rng.random() < chance]
    constraints: list[Constraint] = [Compare(a, "!=", b) for a, b in pairs if not weighted or rng.random() < 0.3]
    constraints += [AllDifferent(tuple(rng.sample(names, min(values, 4)))) for _ in range(groups)]
    made = ConstraintGraph(domains, constraints)
    if weighted:
        made = with_soft(made, [soft(Compare(a, "!=", b), rng.randint(1, 9)) for a, b in pairs])
    return made


CASES = {
    "colours": [(1, 40, 5, 0.35, 0, False), (2, 25, 3, 0.2, 0, False), (3, 9, 40, 0.9, 0, False)],
    "groups": [(4, 40, 6, 0.1, 12, False)],
    "weights": [(5, 24, 4, 0.5, 0, True), (6, 24, 4, 0.3, 6, True)],
    "wide": [(7, 60, 70, 0.99, 0, False)],
}


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("patience", [0, 25])
def test_difference_kernel_makes_the_moves_of_the_cpu(
    place: str, case: str, patience: int, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shared:
        monkeypatch.setattr(nvrtc, "shared_memory", lambda device: 0)
    rng = random.Random(case)
    problems = []
    for number, shape in enumerate(CASES[case]):
        made = graph(*shape)
        names = [name for name in made.domains if name.startswith("v")]
        chosen = rng.sample(names, len(names) // 8 if number == 0 else 0)
        problems.append(Problem(made, {name: rng.choice(made.domains[name]) for name in chosen}))
    rule = Rule(round(0.6 * 65536), 10, patience)
    instance = CudaInstance.of(problems, 2, place)
    reference = compile_moves(problems, 2)
    labels = range(2 * len(problems))
    streams = instance.streams(labels)
    chains = cuda_tabu.init(instance, streams, rule)
    instance.problem[:] = labels  # chains stop at their own solutions only
    state = start_chains(reference, streams, rule)
    for steps in (1, 70, 129):
        chains, info, taken = cuda_tabu.advance(instance, chains, steps, rule)
        assert taken == steps
        while steps:
            state, other, made_moves = move_chains(reference, state, steps, lambda: False, rule)
            steps -= made_moves
        figures, expected = chains.figures.cpu().numpy(), state.chains.figures.copy()
        columns = np.delete(np.arange(figures.shape[1]), NEWER)
        assert figures[:, columns].tolist() == expected[:, columns].tolist()
        best = cuda_tabu.decode(instance, chains)
        assert (best == assignments(reference, state.chains.best)).all()
        assert info.violations is not None
        assert ((info.violations == 0) == (other.violations == 0)).all()
        assert np.asarray(info.cost).tolist() == np.asarray(other.cost).tolist()
    if patience:
        assert (chains.parents.cpu().numpy() == state.chains.parents).all()
    assert chains.figures[:, COUNT].min() >= 0


def test_tabu_solves_a_batch_on_the_kernel(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "cpu":
        made = lambda self, problems, copies, device: CudaInstance.of(problems, copies, place)
        monkeypatch.setattr(Tabu, "compile", made)
    problems = [Problem(graph(seed, 30, 5, 0.15, 2, False)) for seed in range(4)]
    task = Task(Budget(seconds=60, batch=16), seed=3, device=place)
    first, second = (solve(problems, Tabu(), task) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.status is Status.SOLVED
        assert one.assignment == other.assignment
