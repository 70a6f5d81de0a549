"""Tables with ``*``: each is one constraint, with the solutions of their rows, counted once each."""

from __future__ import annotations

import random
from itertools import product

import cpmpy as cp
import pytest

from mull import solve
from mull.engine import ConstraintGraph, Problem
from mull.engine.constraints import MDD
from mull.problems.models import building, natives
from mull.problems.models.building import Builder
from mull.problems.models.starred import MOST_ARCS, Row, diagram


def rows(seed: int, width: int = 3) -> list[Row]:
    rng = random.Random(seed)
    cells = (None, None, 0, 1, 2, 9)  # 9 is outside the domains
    return [tuple(rng.choice(cells) for _ in range(width)) for _ in range(rng.randint(1, 6))]


def matches(given: list[Row], values: tuple[int, ...]) -> bool:
    return any(all(cell in (None, value) for cell, value in zip(row, values, strict=True)) for row in given)


@pytest.mark.parametrize("seed", range(30))
def test_a_diagram_has_the_paths_of_the_rows(seed: int) -> None:
    given = rows(seed, 4)
    found = diagram(given, [range(3), (0, 1, 2), (2, 1, 0), (1,)])
    assert found is not None
    expected = {x for x in product(range(3), range(3), range(3), (1,)) if matches(given, x)}
    if not expected:
        assert not found.arcs
        return
    constraint = MDD(("a", "b", "c", 1), found.arcs, 0, found.accepting)
    assert {(*x, 1) for x in product(range(3), repeat=3) if constraint.check(x)} == expected
    assert len({arc[:2] for arc in found.arcs}) == len(found.arcs)  # one arc for a node and a value


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("large", [False, True])
def test_solutions_of_a_table_are_counted_once(seed: int, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given = rows(seed)
    if large:  # as where the diagram is too large
        monkeypatch.setattr(building, "diagram", lambda *_: None)
        monkeypatch.setattr(natives, "diagram", lambda *_: None)
    expected = {x for x in product(range(3), repeat=3) if matches(given, x)}
    to = Builder()
    to.domains.update(dict.fromkeys("abc", range(3)))
    to.table(("a", "b", "c"), given, True)
    found = solve(Problem(ConstraintGraph(to.domains, to.constraints)), "cpsat", solutions=1000)
    assert len(found.solutions or ()) == len(expected)
    x, b = cp.intvar(0, 2, shape=3), cp.boolvar()
    short = cp.ShortTable(list(x), [["*" if cell is None else cell for cell in row] for row in given])
    assert cp.Model(short).solveAll(solver="mull") == len(expected)
    assert cp.Model(b == short).solveAll(solver="mull") == 27


def test_a_table_with_stars_is_one_constraint() -> None:
    rng = random.Random(1)
    given = [tuple(rng.choice((None, *range(14))) for _ in range(5)) for _ in range(500)]
    to = Builder()
    to.domains.update({f"x{k}": range(14) for k in range(40)})
    for k in range(36):
        to.table([f"x{k + i}" for i in range(5)], given, True)
    assert len(to.constraints) == 36  # in place of a variable and five clauses for each row
    assert not to.auxiliary


def test_too_large_a_diagram_is_not_made() -> None:
    assert diagram([(None, 1), (2, None)], [range(MOST_ARCS + 1), range(5)]) is None


def test_auxiliary_variables_of_a_model_do_not_count() -> None:
    x = cp.intvar(0, 3, shape=3)
    model = cp.Model(cp.Element(list(x), x[0] - 1) == 2)
    solver = cp.SolverLookup.get("mull", model)
    count = solver.solveAll()
    values = product(range(4), repeat=3)
    assert count == sum(1 <= a <= 3 and (a, b, c)[a - 1] == 2 for a, b, c in values)
    shown = solver.solution.problem
    assert not shown.auxiliary & {v.name for v in x}
    assert shown.auxiliary == frozenset(shown.graph.domains) - {v.name for v in x}
