"""Filters and comparisons: the database and plain Python give the same results."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from math import comb
from statistics import quantiles
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mull.engine import Budget, Status
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.store import Filter, RunRow, Store, StoreError, query
from mull.engine.store.compare import quartiles, sign_test

START = 1_700_000_000.0


def wanted(row: RunRow, where: Filter) -> bool:
    """Whether a run passes a filter, in plain Python."""
    return (
        (where.problem is None or row.problem.startswith(where.problem.lower()) or row.source == where.problem)
        and (where.family is None or row.family == where.family)
        and (where.solver is None or where.solver in (row.solver, row.via))
        and (where.status is None or row.status == where.status)
        and (where.device is None or row.device.split(":")[0] == where.device or row.device == where.device)
        and (where.since is None or row.created.timestamp() >= where.since.timestamp())
        and (where.text is None or any(where.text.casefold() in each.casefold() for each in (row.source, row.detail)))
        and (where.before is None or row.id < where.before)
    )


@pytest.fixture
def filled(store: Store, runs: Any) -> Store:
    rng = random.Random(0)
    made = []
    for n in range(300):
        status = rng.choice([Status.SOLVED, Status.UNSOLVED, Status.FAILED])
        problem = runs.problem(
            rng.randrange(16), rng.choice(["row", "line"]), rng.choice(["Äpfel/A.txt", "b_%.txt", None])
        )
        made.append(
            runs.one(
                at=START + n,
                problem=problem,
                solver=rng.choice(["descent", "cpsat"]),
                via=rng.choice(["auto", None]),
                device=rng.choice(["cpu", "cuda", "cuda:1"]),
                detail="Lost its Way" if status is Status.FAILED else "",
                status=status,
                iterations=3,
            )
        )
    rng.shuffle(made)
    store.write(made)
    return store


@pytest.mark.parametrize(("few", "recent"), [(200, 5000), (1, 5000), (1, 2)])
def test_every_filter_and_every_pair_select_the_same_runs_as_python(
    filled: Store, runs: Any, monkeypatch: pytest.MonkeyPatch, few: int, recent: int
) -> None:
    monkeypatch.setattr(query, "FEW", few)  # the plans for long histories, too
    monkeypatch.setattr(query, "RECENT", recent)
    everything = filled.runs(None)
    assert [row.id for row in everything] == sorted((row.id for row in everything), reverse=True)
    digest = runs.problem(5).digest
    values: dict[str, list[Any]] = {
        "problem": [digest, digest[:6].upper(), digest[:1], "row:3", "b_%.txt", "none"],
        "family": ["row", "none"],
        "solver": ["cpsat", "auto", "none"],
        "status": ["failed", "optimal"],
        "device": ["cpu", "cuda", "cuda:1", "cud"],
        "since": [datetime.fromtimestamp(START + 250), datetime.fromtimestamp(START + 5, UTC), datetime.now()],
        "text": ["äpfel", "WAY", "_%", "ow:1", "xyz", ""],
        "before": [everything[100].id, everything[-1].id, "0"],
    }
    single = [{name: value} for name, some in values.items() for value in some]
    pairs = [a | b for i, a in enumerate(single) for b in single[i + 1 :: 3] if set(a) != set(b)]
    for conditions in [{}, *single, *pairs]:
        where = Filter(**conditions)
        ids = [row.id for row in everything if wanted(row, where)]
        assert [row.id for row in filled.runs(7, where)] == ids[:7], where
        assert filled.count(where) == len(ids), where
    where = Filter(text="b_")
    assert [row.id for row in filled.each(where)] == [row.id for row in everything if wanted(row, where)][::-1]


def test_before_needs_no_existing_run(filled: Store) -> None:
    first = filled.runs(10)
    filled.delete([first[-1].id])
    assert filled.runs(1, Filter(before=first[-1].id))[0].id < first[-1].id


def test_a_comparison_has_the_expected_statistics(store: Store, runs: Any) -> None:
    limit = Budget(seconds=10.0)
    for n, seconds in enumerate([(1.0, 2.0), (1.0, 3.0), (4.0, 2.0), (1.0, 1.0)]):
        at = runs.problem(n)
        store.write(
            [
                runs.one(problem=at, solver="fast", seconds=seconds[0], iterations=10 * (n + 1), budget=limit),
                runs.one(problem=at, solver="slow", seconds=seconds[1], iterations=7, budget=limit),
            ]
        )
    extra = runs.problem(9)
    lost = runs.one(problem=extra, solver="fast", via="auto", status=Status.UNSOLVED, seconds=3.0, budget=limit)
    endless = runs.one(problem=extra, solver="fast", status=Status.UNSOLVED, seconds=3.0, budget=Budget(seconds=None))
    trained = runs.one(solver="fast", status=Status.TRAINED)
    store.write([lost, endless, trained])

    named = store.compare(["slow", "fast"])
    fast, slow = named.summaries  # both solved all: the lower PAR-2 comes first
    assert named.shared
    assert (fast.solver, fast.problems, fast.runs, fast.solved, fast.par2) == ("fast", 4, 4, 4, 1.75)
    assert fast.iterations == (17.5, 25.0, 32.5)
    assert (slow.solver, slow.par2, slow.iterations) == ("slow", 2.0, (7.0, 7.0, 7.0))
    with pytest.warns(MullDeprecationWarning, match="use Comparison.pairwise"):
        assert named.duels == named.pairwise
    (test,) = named.pairwise
    assert (test.first, test.second, test.wins, test.losses, test.ties) == ("fast", "slow", 2, 1, 1)
    assert test.p == pytest.approx(1.0)
    assert (named.best("solved"), named.best("iterations"), named.best("par2")) == (
        frozenset({"fast", "slow"}),
        frozenset({"slow"}),
        frozenset({"fast"}),
    )
    assert named.to_json()["best"]["par2"] == ["fast"]

    overview = {s.solver: s for s in store.compare().summaries}
    assert set(overview) == {"fast", "slow", "auto"}
    assert not store.compare().shared
    assert store.compare().best("par2") == set()
    assert overview["auto"].par2 == 20.0  # twice the limit
    assert overview["fast"].par2 == (1.75 * 4 + 6.0) / 5  # no limit: twice the time spent
    assert store.compare(where=Filter(solver="slow")).summaries == (slow,)
    with pytest.raises(StoreError, match="nobody"):
        store.compare(["fast", "nobody"])
    with pytest.raises(StoreError, match="all of"):
        store.compare(["slow", "auto"])
    assert store.compare(where=Filter(family="none")).summaries == ()


def test_many_runs_on_a_problem_count_as_one_problem(store: Store, runs: Any) -> None:
    store.write([runs.one(seconds=1.0, iterations=n) for n in (1, 2, 3)])
    store.write([runs.one(problem=runs.problem(1), seconds=5.0, iterations=4)])
    (summary,) = store.compare().summaries
    assert (summary.problems, summary.runs, summary.par2) == (2, 4, 3.0)
    assert summary.iterations == (1.75, 2.5, 3.25)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_exact(wins: int, losses: int) -> None:
    n = wins + losses
    tail = sum(comb(n, k) for k in range(min(wins, losses) + 1))
    assert sign_test(wins, losses) == pytest.approx(min(1.0, 2 * tail / 2**n))
    assert sign_test(wins, losses) == sign_test(losses, wins)


def test_the_sign_test_works_for_large_counts() -> None:
    assert 0 < sign_test(50_500, 49_500) < 0.002


@given(st.lists(st.integers(0, 10**9), min_size=2).map(sorted))
def test_quartiles_are_those_of_the_standard_library(numbers: list[int]) -> None:
    found = quartiles(numbers)
    assert found is not None
    assert tuple(found) == pytest.approx(quantiles(numbers, n=4, method="inclusive"))
