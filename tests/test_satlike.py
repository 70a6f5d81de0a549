"""SATLike against plain Python, move for move; the invariants of its state; soft clauses and objectives."""

from __future__ import annotations

import random

import numpy as np
import pytest
from clause_walk import below, mixed
from hypothesis import given, settings
from hypothesis import strategies as st

from mull.engine import (
    AllDifferent,
    Budget,
    Clause,
    ConstraintGraph,
    Objective,
    Problem,
    Reify,
    Status,
    Task,
    soft,
    solve,
    with_soft,
)
from mull.engine.moves.instance import MoveInstance
from mull.plugins.conformance import CHECKS, Check
from mull.problems import load
from mull.solvers.cpsat import CpSat
from mull.solvers.kernels.cuda_instance import GOLDEN
from mull.solvers.kernels.weighted_chains import Prepared, WeightedChains
from mull.solvers.kernels.weighted_clauses import BEST, COST, DRAWS, GIVEN, GOOD, HARD, NONE, SAMPLE, SOFT
from mull.solvers.satlike import SatLike


def never() -> bool:
    return False


def started(made: list[Problem], copies: int = 1) -> tuple[MoveInstance, WeightedChains, Prepared]:
    solver = SatLike()
    instance = solver.compile(made, copies, "cpu")
    chains = solver.init(instance, instance.streams(list(range(len(made) * copies))))
    return instance, chains, solver._prepared(instance)


def weighted(seed: int, variables: int, clauses: int, hard: float, lengths: tuple[int, ...] = (2, 3)) -> Problem:
    """Random hard and soft clauses; some soft clauses have one literal, and are terms of the objective."""
    rng = random.Random(seed)
    names = [f"x{i}" for i in range(variables)]
    firm, softs = [], []
    for _ in range(clauses):
        literals = tuple((name, rng.randint(0, 1)) for name in rng.sample(names, rng.choice(lengths)))
        if rng.random() < hard:
            firm.append(Clause(literals))
        else:
            softs.append(soft(Clause(literals), rng.randint(1, 9)))
    units = {name: rng.randint(-5, 5) for name in rng.sample(names, variables // 3)}
    return Problem(with_soft(ConstraintGraph(dict.fromkeys(names, (0, 1)), firm, Objective(units)), softs))


class Reference:
    """SATLike in plain Python, which computes counts and scores from the assignment at every move."""

    def __init__(self, made: Prepared, t: int, key: int, start: list[int], fixed: list[bool], good: list[int]) -> None:
        f = made.soft[t].formula
        self.clauses = [f.literals[a:b].tolist() for a, b in zip(f.clause_ptr[:-1], f.clause_ptr[1:], strict=True)]
        first = sum(len(each.weight) for each in made.soft[:t])
        part = slice(first, first + len(self.clauses))
        self.cost, self.rise, self.limit, self.own = (
            each[part].tolist() for each in (made.weight, made.rise, made.limit, made.begin)
        )
        self.key, self.value, self.fixed, self.good = key, list(start), fixed, list(good)
        self.owners = [f.occurrences[a:b].tolist() for a, b in zip(f.owners[:-1], f.owners[1:], strict=True)]
        self.stamp = [0] * len(start)
        self.clock = 0
        violated = [c for c in range(len(self.clauses)) if not self.true(c)]
        self.hard = [c for c in violated if not self.cost[c]]
        self.soft = [c for c in violated if self.cost[c]]

    def true(self, c: int) -> list[int]:
        return [x >> 1 for x in self.clauses[c] if self.value[x >> 1] == (x & 1)]

    def score(self, v: int) -> int:
        points = GIVEN if self.fixed[v] else 0
        for c, clause in enumerate(self.clauses):
            if any(x >> 1 == v for x in clause):
                true = self.true(c)
                points += self.own[c] * (not true) - self.own[c] * (true == [v])
        return points

    def refresh(self, touched: list[int]) -> None:
        """Update the list of good variables for variables in the order in which their scores change."""
        for v in touched:
            points = self.score(v)
            if points > 0 and v not in self.good:
                self.good.append(v)
            elif points <= 0 and v in self.good:
                at, last = self.good.index(v), self.good.pop()
                if last != v:
                    self.good[at] = last

    def best_of(self, candidates: list[int]) -> int:
        chosen = -1
        for u in candidates:
            if chosen < 0 or (self.score(u), -self.stamp[u]) > (self.score(chosen), -self.stamp[chosen]):
                chosen = u
        return chosen

    def draw(self, i: int) -> int:
        return mixed(self.key + (self.clock * DRAWS + i) * GOLDEN)


def require_invariants(made: Prepared, t: int, chains: WeightedChains, row: int, fixed: np.ndarray) -> None:
    """Counts, lists, weights and scores are those of the assignment."""
    value = chains.assignment[row].tolist()
    f = made.soft[t].formula
    reference = Reference(made, t, 0, value, fixed.tolist(), [])
    reference.own = chains.dynamic[row].tolist()
    figures = chains.figures[row]
    clauses = len(reference.clauses)
    hard, count = int(figures[HARD]), int(figures[SOFT])
    assert sorted(chains.listed[row, :hard].tolist()) == reference.hard
    assert sorted(chains.listed[row, clauses - count : clauses].tolist()) == reference.soft
    assert figures[COST] == sum(reference.cost[c] for c in reference.soft)
    scores = [reference.score(v) for v in range(f.variables)]
    assert chains.score[row, : f.variables].tolist() == scores
    good = chains.good[row, : figures[GOOD]].tolist()
    assert sorted(good) == [v for v, points in enumerate(scores) if points > 0]
    assert all(chains.place[row, v] == good.index(v) for v in good)
    best = chains.best[row].tolist()
    if figures[BEST] != NONE:
        reference.value = best
        violated = [c for c in range(clauses) if not reference.true(c)]
        assert not [c for c in violated if not reference.cost[c]]
        assert sum(reference.cost[c] for c in violated) == figures[BEST]


@pytest.mark.parametrize(("seed", "hard"), [(1, 0.0), (2, 0.5), (3, 0.9), (4, 1.0)])
def test_the_kernel_flips_the_variables_of_plain_python(seed: int, hard: float) -> None:
    """One move at a time: the rule of the reference, given the kernel's lists, gives the kernel's flip."""
    instance, chains, made = started([weighted(seed, 30, 130, hard)])
    solver = SatLike()
    fixed = instance.fixed[0].tolist()
    for _ in range(150):
        figures = chains.figures[0]
        if not figures[HARD] + figures[SOFT]:
            break
        value, clauses = chains.assignment[0].tolist(), len(made.weight)
        reference = Reference(made, 0, int(chains.key[0]), value, fixed, chains.good[0, : figures[GOOD]].tolist())
        reference.own = chains.dynamic[0].tolist()
        reference.stamp, reference.clock = chains.stamp[0].tolist(), int(figures[0])
        if not reference.good:
            listed = chains.listed[0]
            violated = listed[: figures[HARD]].tolist() or listed[::-1][: figures[SOFT]].tolist()
            for c in violated:
                reference.own[c] += reference.rise[c] * (reference.own[c] < reference.limit[c])
            clause = reference.clauses[violated[below(reference.draw(0), len(violated))]]
            flipped = reference.best_of([x >> 1 for x in clause])
        elif len(reference.good) <= SAMPLE:
            flipped = reference.best_of(reference.good)
        else:
            draws = (below(reference.draw(i), len(reference.good)) for i in range(SAMPLE))
            flipped = reference.best_of([reference.good[d] for d in draws])
        expected = [value[v] ^ (v == flipped) for v in range(len(value))]
        chains, _, taken = solver.advance(instance, chains, 1, never)
        assert taken == 1
        assert chains.assignment[0].tolist() == expected
        assert chains.dynamic[0].tolist() == reference.own
        assert clauses == len(reference.own)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_state_stays_consistent(data: st.DataObject) -> None:
    variables = data.draw(st.integers(2, 7))
    names = [f"v{i}" for i in range(variables)]
    values: list[tuple[int | str, ...]] = [(0, 1), (7, -2), (5, 9)]
    domains = {name: data.draw(st.sampled_from(values)) for name in names}
    domains["v0"] = (3, 4)

    def clause() -> Clause:
        pairs = data.draw(st.lists(st.tuples(st.sampled_from(names), st.integers(0, 1)), min_size=1, max_size=6))
        return Clause(tuple((name, domains[name][d]) for name, d in pairs))

    hard = [clause() for _ in range(data.draw(st.integers(1, 10)))]
    softs = [soft(clause(), data.draw(st.integers(1, 9))) for _ in range(data.draw(st.integers(0, 8)))]
    units = data.draw(st.dictionaries(st.sampled_from(names), st.integers(-4, 4)))
    maximise = data.draw(st.booleans())
    graph = with_soft(ConstraintGraph(domains, hard, Objective(units, 3, maximise)), softs)
    known = data.draw(st.sets(st.sampled_from(names), max_size=variables - 1))
    problem = Problem(graph, {name: domains[name][1] for name in known})
    solver = SatLike()
    instance, chains, made = started([problem], 2)
    for moves in (0, 1, 3, 60):
        chains, info, _ = solver.advance(instance, chains, moves, never)
        for row in range(2):
            require_invariants(made, 0, chains, row, instance.fixed[row])
        decoded = solver.decode(instance, chains)
        assert info.violations is not None
        assert info.cost is not None
        assert instance.check(decoded)[0].tolist() == info.violations.tolist()
        feasible = info.violations == 0
        assert instance.cost(decoded)[feasible].tolist() == info.cost[feasible].tolist()


@pytest.mark.parametrize("hard", [0.0, 0.3])
def test_optima_of_small_problems_are_found(hard: float) -> None:
    problems = [weighted(seed, 14, 60, hard) for seed in range(4)]
    best = solve(problems, CpSat())
    found = solve(problems, SatLike(), Task(Budget(iterations=20_000)))
    assert all(each.status is Status.OPTIMAL for each in best)
    assert [each.objective for each in found] == [each.objective for each in best]


def test_a_chain_goes_on_after_all_weights_are_the_largest() -> None:
    rng = random.Random(1)
    names = [f"x{i}" for i in range(300)]
    pairs = [rng.sample(names, 2) for _ in range(2400)]
    apart = [Clause(((one, 0), (other, 0))) for one, other in pairs]
    graph = with_soft(
        ConstraintGraph(dict.fromkeys(names, (0, 1)), apart),
        [soft(Clause(((name, 1),)), rng.randint(1, 99)) for name in names],
    )
    few, many = (
        solve([Problem(graph)], SatLike(copies=1), Task(Budget(None, iterations=n), seed=1))[0]
        for n in (40_000, 400_000)
    )
    assert few.objective is not None
    assert many.objective is not None
    assert many.objective < few.objective


def test_reified_clauses_are_soft_and_their_literals_are_filled_in() -> None:
    problem = weighted(7, 12, 50, 0.3)
    assert any(isinstance(each, Reify) for each in problem.graph.constraints)
    (solution,) = solve([problem], SatLike(), Task(Budget(iterations=5_000)))
    assert solution.status is Status.SOLVED
    assert solution.objective is not None


def test_wcnf_files_are_searched() -> None:
    (problem,) = load("wcnf:30:150")
    (best,) = solve([problem], CpSat())
    (found,) = solve([problem], SatLike(), Task(Budget(iterations=50_000)))
    assert (found.status, found.objective) == (Status.SOLVED, best.objective)


def test_formulas_without_soft_clauses_are_solved() -> None:
    (problem,) = load("sat:60:230")
    (solution,) = solve([problem], SatLike(), Task(Budget(iterations=100_000)))
    assert solution.status is Status.SOLVED


def test_answers_are_equal_alone_and_in_company() -> None:
    problems = [weighted(seed, 30, 120, 0.4) for seed in range(4)]
    task = Task(Budget(restarts=1, iterations=3_000), seed=5)
    together = solve(problems, SatLike(), task)
    for problem, solution in zip(problems, together, strict=True):
        (alone,) = solve([problem], SatLike(), task)
        assert alone.assignment == solution.assignment


def test_a_given_penalty_makes_its_clause_hard() -> None:
    graph = with_soft(
        ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Clause((("a", 0), ("b", 0)))]),
        [soft(Clause((("a", 1),)), 1), soft(Clause((("b", 1),)), 5)],
    )
    (free,) = solve([Problem(graph)], SatLike(), Task(Budget(iterations=500)))
    assert (free["a"], free["b"], free.objective) == (0, 1, 1)
    (forced,) = solve([Problem(graph, {"violated 1": 0})], SatLike(), Task(Budget(iterations=500)))
    assert (forced["a"], forced["b"], forced.objective) == (1, 0, 5)


def test_other_graphs_are_refused() -> None:
    wide = ConstraintGraph({"a": (0, 1, 2)}, [Clause((("a", 1),))])
    two = ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [AllDifferent(("a", "b"))])
    other = with_soft(ConstraintGraph({"a": (0, 1), "b": (0, 1)}, []), [soft(AllDifferent(("a", "b")), 2)])
    assert all(SatLike().supports(each) for each in (wide, two, other))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_satlike_conforms(check: Check) -> None:
    check(SatLike)
