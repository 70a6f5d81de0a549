"""The move form of every kind: its degree is that of the tensor form, and its changes lead from one to the next."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from drawn import graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mull.engine import (
    AllDifferent,
    Clause,
    Compare,
    ConstraintGraph,
    Count,
    Linear,
    Problem,
    Table,
    Xor,
    compile_problems,
)
from mull.engine.constraints import (
    KINDS,
    MDD,
    Abs,
    AllDifferentLists,
    AllEqual,
    Among,
    BinPacking,
    Circuit,
    Connected,
    Constraint,
    Cumulative,
    Division,
    Element,
    GlobalCardinality,
    Increasing,
    Inverse,
    Knapsack,
    LexLess,
    Maximum,
    Minimum,
    Modulo,
    NoOverlap,
    NoOverlap2D,
    NValues,
    Power,
    Precedence,
    Product,
    Regular,
    Reify,
    SubCircuit,
)
from mull.engine.moves.form import MoveForm
from mull.engine.values import Domain, Value

quick = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def _code(value: Value) -> int:
    return value if isinstance(value, int) else (1 << 61) + int.from_bytes(value.encode(), "big") % (1 << 20)


class Guarded:
    """An array that refuses places outside, negative ones too: compiled code would read other memory there.

    Args:
        array: one-dimensional.
    """

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return Guarded(self.array[place])
        assert 0 <= place < len(self.array)
        return self.array[place]

    def __setitem__(self, place: int, value: int) -> None:
        assert 0 <= place < len(self.array)
        self.array[place] = value


class Chain:
    """One assignment and the memory of one constraint.

    Args:
        constraint: the constraint.
        form: its move form.
        domains: of the graph.
    """

    def __init__(self, constraint: Constraint, form: MoveForm, domains: Mapping[str, Domain]) -> None:
        self.form = form
        names = list(domains)
        self.values = np.zeros(len(names), dtype=np.int64)
        self.scope = np.array([names.index(name) for name in constraint.scope], dtype=np.int32)
        self.memory = np.full(form.memory, 7, dtype=np.int64)  # a chain does not clear it first

    def _call(self, function: Callable[..., int], slot: int = 0, new: int = 0) -> int:
        arrays = [Guarded(array) for array in (self.values, self.scope, self.form.params, self.memory)]
        return int(function(arrays[0], arrays[1], len(self.scope), arrays[2], arrays[3], slot, new))

    def start(self, values: Sequence[Value]) -> int:
        self.values[:] = [_code(value) for value in values]
        return self._call(self.form.functions.start)

    def change(self, slot: int, new: Value) -> int:
        return self._call(self.form.functions.change, slot, _code(new))

    def suggest(self, slot: int, draw: int) -> int:
        assert self.form.functions.suggest is not None
        return self._call(self.form.functions.suggest, slot, draw)

    def blame(self, slot: int) -> int:
        return self._call(self.form.functions.blame, slot) if self.form.functions.blame else 1

    def apply(self, slot: int, new: Value) -> int:
        found = self._call(self.form.functions.apply or self.form.functions.change, slot, _code(new))
        self.values[self.scope[slot]] = _code(new)
        return found


def _degrees(constraint: Constraint, domains: Mapping[str, Domain], rows: Sequence[Sequence[int]]) -> list[int]:
    """The degree by the tensor form, for rows of domain indices."""
    instance = compile_problems([Problem(ConstraintGraph(domains, [constraint]))], len(rows))
    return instance.check(torch.tensor(rows))[1].tolist()


def check_laws(constraint: Constraint, domains: Mapping[str, Domain], walk: Sequence[tuple[int, int]]) -> None:
    """Check that the move form agrees with the tensor form.

    Args:
        constraint: the constraint.
        domains: of its variables; few assignments.
        walk: moves (slot, position in the domain), both modulo the sizes.
    """
    form = constraint.move_form(domains, _code)
    assert form is not None
    rows = list(itertools.product(*(range(len(domain)) for domain in domains.values())))
    degrees = dict(zip(rows, _degrees(constraint, domains, rows), strict=True))
    chain, places = Chain(constraint, form, domains), [list(domains).index(name) for name in constraint.scope]

    def check_moves(row: tuple[int, ...]) -> None:
        before = chain.values.copy(), chain.memory.copy()
        for slot, name in enumerate(constraint.scope):
            for d, value in enumerate(domains[name]):
                moved = tuple(d if k == places[slot] else old for k, old in enumerate(row))
                change = chain.change(slot, value)
                assert change == degrees[moved] - degrees[row]
                assert change >= 0 or chain.blame(slot)
        assert (before[0] == chain.values).all()
        assert form.functions.apply is not None or (before[1] == chain.memory).all()

    def named(row: tuple[int, ...]) -> list[Value]:
        return [domain[d] for domain, d in zip(domains.values(), row, strict=True)]

    for row in rows:
        assert chain.start(named(row)) == degrees[row]
        check_moves(row)
    row = rows[len(walk) % len(rows)]
    chain.start(named(row))
    for slot, d in walk:
        slot %= len(constraint.scope)
        domain = domains[constraint.scope[slot]]
        d %= len(domain)
        moved = tuple(d if k == places[slot] else old for k, old in enumerate(row))
        assert chain.apply(slot, domain[d]) == degrees[moved] - degrees[row]
        row = moved
        check_moves(row)


WALKS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=6)


@pytest.mark.parametrize("kind", sorted(KINDS))
@quick
@given(data=st.data())
def test_the_degree_and_its_changes_are_those_of_the_tensor_form(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    check_laws(graph.constraints[0], graph.domains, data.draw(WALKS))


def _automaton(random: np.random.Generator) -> dict[str, Any]:
    arcs = {tuple(map(int, random.integers(0, 4, 3))) for _ in range(14)}
    return {"transitions": tuple(arcs), "start": 0, "accepting": (1, 2)}


def _diagram(random: np.random.Generator, names: Sequence[str]) -> MDD:
    arcs = {
        (level * 3 + (int(a) if level else 0), int(value), level * 3 + 3 + int(b))
        for level in range(len(names))
        for a, value, b in random.integers(0, 3, (7, 3))
    }
    return MDD(tuple(names), tuple(arcs), 0, (len(names) * 3, len(names) * 3 + 1))


GRID = [(v, v + 1) for v in range(12) if v % 4 < 3] + [(v, v + 4) for v in range(8)]

LARGER: dict[str, tuple[int, range, Callable[[np.random.Generator, tuple[str, ...]], Constraint]]] = {
    "AllDifferentLists": (
        10,
        range(3),
        lambda _, n: AllDifferentLists(tuple(zip(n[::2], n[1::2], strict=True)), ((0, 0),)),
    ),
    "AllEqual": (9, range(4), lambda _, n: AllEqual((*n, n[0], 2), (3,))),
    "BinPacking": (9, range(-1, 4), lambda _, n: BinPacking((*n[:6], 1), (1, 2, 3, 4, 5, 6, 7), (*n[6:], 3))),
    "Circuit": (8, range(8), lambda _, n: Circuit(n)),
    "Circuit with exits and constants": (7, range(-1, 10), lambda _, n: Circuit((*n, 3, n[2]))),
    "Connected": (12, range(2), lambda _, n: Connected(n, tuple(GRID))),
    "Cumulative": (8, range(-1, 6), lambda _, n: Cumulative((*n[:4], 2), (2, 3, n[4], 1, 4), (1, n[5], 2, 2, 3), n[6])),
    "Cumulative of one variable": (
        3,
        range(5),
        lambda _, n: Cumulative((*n, n[0]), (2, n[0], 1, 4), (2, 1, 1, n[1]), n[2]),
    ),
    "GlobalCardinality": (8, range(5), lambda _, n: GlobalCardinality(n[:6], (3, 1, 3), (n[6], n[7], n[0]), True)),
    "Inverse": (8, range(-1, 5), lambda _, n: Inverse(n[:4], n[4:])),
    "LexLess": (10, range(3), lambda _, n: LexLess((*n[:5], n[0]), (*n[5:], 2))),
    "MDD": (6, range(3), _diagram),
    "Maximum": (7, range(5), lambda _, n: Maximum((*n[:6], n[0]), n[6])),
    "NValues": (8, range(0, 400, 57), lambda _, n: NValues((*n[:7], n[0], 57), n[7], (114,))),
    "NoOverlap": (8, range(-1, 6), lambda _, n: NoOverlap(n[:5], (2, 1, *n[5:]))),
    "NoOverlap2D": (10, range(4), lambda _, n: NoOverlap2D(n[:4], n[4:8], (2, 1, 3, n[8]), (1, 2, n[9], 2))),
    "Precedence": (8, range(4), lambda _, n: Precedence(n, (0, 1, 2, 1, 3))),
    "Regular": (7, range(4), lambda r, n: Regular(n, **_automaton(r))),
    "Regular with repeats": (4, range(4), lambda r, n: Regular((*n, 1, n[0], n[2]), **_automaton(r))),
    "SubCircuit": (8, range(8), lambda _, n: SubCircuit(n)),
}


@pytest.mark.parametrize("name", LARGER)
@pytest.mark.parametrize("seed", range(3))
def test_many_moves_keep_the_memory_of_larger_constraints(name: str, seed: int) -> None:
    size, domain, made = LARGER[name]
    random = np.random.default_rng(seed)
    names = tuple(f"v{i}" for i in range(size))
    domains: dict[str, Domain] = dict.fromkeys(names, domain)
    constraint = made(random, names)
    form = constraint.move_form(domains, _code)
    assert form is not None
    chain, places = Chain(constraint, form, domains), [names.index(each) for each in constraint.scope]
    instance = compile_problems([Problem(ConstraintGraph(domains, [constraint]))], 1 + len(places) * len(domain))
    moves = [(slot, d) for slot in range(len(places)) for d in range(len(domain))]
    row = random.permutation(size) % len(domain)
    degree = chain.start([domain[d] for d in row])
    for _ in range(40):
        rows = np.tile(row, (1 + len(moves), 1))
        for at, (slot, d) in enumerate(moves):
            rows[1 + at, places[slot]] = d
        degrees = instance.check(torch.tensor(rows))[1].tolist()
        assert degree == degrees[0]
        changes = [each - degree for each in degrees[1:]]
        assert [chain.change(slot, domain[d]) for slot, d in moves] == changes
        assert all(change >= 0 or chain.blame(slot) for change, (slot, _) in zip(changes, moves, strict=True))
        # Mostly the best move, so that the walk comes to assignments with degree 0.
        at = int(np.argmin(degrees[1:])) if random.random() < 0.6 else int(random.integers(len(moves)))
        slot, d = moves[at]
        degree += chain.apply(slot, domain[d])
        row[places[slot]] = d


SUGGESTED: dict[str, tuple[Constraint, tuple[int, ...]]] = {
    "AllEqual": (AllEqual(("a", "b", "c")), (5, 5, 9)),
    "Among items": (Among(("a", "b"), (100, 200), 2), (1, 2)),
    "BinPacking items": (BinPacking(("a", "b", "c"), (3, 4, 5), (0, 7, 5)), (1, 1, 1)),
    "Circuit": (Circuit(("a", "b", "c")), (50, 60, 70)),
    "Clause": (Clause((("a", 100), ("b", 200))), (1, 2)),
    "Clause with two values": (Clause((("a", 100), ("a", 300), ("b", 200))), (1, 2)),
    "Count": (Count(("a", "b"), (100, 200), 2, 2), (1, 2)),
    "GlobalCardinality": (GlobalCardinality(("a", "b"), (100, 200), (2, 0)), (1, 2)),
    "GlobalCardinality counts": (GlobalCardinality((5, 7, 5), (5, 7), ("a", "b")), (9, 9)),
    "Inverse": (Inverse(("a", "b"), ("c", "d")), (9, 0, 0, 9)),
    "LexLess": (LexLess(("a", "b"), ("c", "d")), (9, 0, 0, 9)),
    "NValues items": (NValues(("a", "b", "c"), 1), (1, 2, 7)),
    "Regular": (Regular(("a", "b", "c"), ((0, 100, 1), (1, 200, 2), (2, 300, 3)), 0, (3,)), (100, 7, 300)),
    "SubCircuit": (SubCircuit(("a", "b", "c")), (50, 60, 70)),
    "Xor": (Xor((("a", 100), ("b", 200))), (1, 2)),
    "Abs": (Abs("a", "b"), (-5, 3)),
    "Among": (Among(("a", "b"), (1, 2), "c"), (1, 2, 7)),
    "BinPacking": (BinPacking((0, 1, 0), (3, 4, 5), ("a", "b")), (2, 9)),
    "Compare": (Compare("a", "<", "b", 5), (50, 3)),
    "Cumulative": (Cumulative(("a", "b", "c"), (4, 5, 6), (2, 2, 1), 3), (10, 12, 14)),
    "Division": (Division("a", "b", "c"), (100, 7, 3)),
    "Element": (Element((5, 7, "a"), "b", "c"), (9, 1, 5)),
    "Increasing": (Increasing(("a", "b", "c"), True), (5, 90, 20)),
    "Knapsack": (Knapsack((2, 3), (4, 5), "a", (1, 1), "b"), (0, 0)),
    "Linear": (Linear(("a", "b"), (3, -7), "<=", -100), (900, 4)),
    "Linear =": (Linear(("a", "b"), (3, -1), "=", -100), (900, 4)),
    "Linear >=": (Linear(("a", "b"), (3, -7), ">=", 100), (-900, 4)),
    "Linear !=": (Linear(("a", "b"), (1, -1), "!=", 0), (4, 4)),
    "Maximum": (Maximum(("a", "b"), "c"), (5, 90, 20)),
    "Minimum": (Minimum(("a", "b"), "c"), (5, 90, 20)),
    "Modulo": (Modulo("a", "b", "c"), (100, 7, 5)),
    "NValues": (NValues(("a", "b"), "c"), (1, 2, 7)),
    "NoOverlap": (NoOverlap(("a", "b"), (5, 6)), (7, 8)),
    "NoOverlap2D": (NoOverlap2D(("a", "b"), (0, 3), (5, 6), (9, 9)), (7, 8)),
    "Power": (Power("a", 3, "b"), (7, 100)),
    "Product": (Product(("a", "b"), "c"), (7, 5, 100)),
    "Reify": (Reify(("c", 1), Linear(("a", "b"), (1, 1), "=", 50)), (1, 9, 9)),
    "Reify of a satisfied one": (Reify(("c", 1), Linear(("a", "b"), (1, 1), "=", 18)), (0, 9, 9)),
    "Table": (Table(("a", "b"), ((100, 7), (200, 9))), (100, 9)),
}


@pytest.mark.parametrize("name", SUGGESTED)
def test_suggestions_lessen_the_degree_in_wide_domains(name: str) -> None:
    constraint, values = SUGGESTED[name]
    domains: dict[str, Domain] = dict.fromkeys(constraint.scope, range(-1000, 1000))
    form = constraint.move_form(domains, _code)
    assert form is not None
    chain = Chain(constraint, form, domains)
    chain.start(values)
    before = chain.values.copy(), chain.memory.copy()
    changes = [
        chain.change(slot, chain.suggest(slot, draw)) for slot in range(len(constraint.scope)) for draw in range(8)
    ]
    assert min(changes) < 0
    assert (before[0] == chain.values).all()
    assert (before[1] == chain.memory).all()


MIXED = {"a": (1, "red", 2), "b": ("red", 1, "blue"), "c": ("blue", 2)}

STATED: dict[str, tuple[Constraint, dict[str, Any]]] = {
    "strings that differ": (AllDifferent(("a", "b", "c")), MIXED),
    "strings that may repeat": (AllDifferent(("a", "b", "c"), ("red", "green", 5)), MIXED),
    "wide domains": (AllDifferent(("a", "b", "c")), dict.fromkeys("abc", (0, 10**6, -(10**9)))),
    "a clause over strings": (Clause((("a", "red"), ("a", 2), ("b", "red"), ("b", 1), ("c", "blue"))), MIXED),
    "equal strings": (Compare("a", "=", "b"), MIXED),
    "a count of strings": (Count(("a", "b", "c"), ("red", "green", 2), 1, 2), MIXED),
    "tuples of strings": (Table(("a", "b"), (("red", "blue"), (2, 1), ("green", 1), (2, "blue"))), MIXED),
    "forbidden tuples": (Table(("c", "a"), (("blue", "red"), (2, 1)), allowed=False), MIXED),
    "large sums": (Linear(("a", "b"), (3, -1), "=", 10**17), {"a": (0, 10**17), "b": (1, 2 * 10**17)}),
}


@pytest.mark.parametrize("name", STATED)
def test_strings_and_large_numbers_have_move_forms(name: str) -> None:
    constraint, domains = STATED[name]
    check_laws(constraint, domains, [(0, 1), (1, 2), (0, 2), (2, 1), (1, 0)])


def test_only_variables_in_conflict_are_blamed() -> None:
    domains: dict[str, Domain] = {f"v{i}": range(9) for i in range(5)}
    for constraint, values in (
        (AllDifferent(tuple(domains)), (3, 1, 4, 1, 0)),
        (NoOverlap(tuple(domains), (1, 1, 1, 1, 1)), (3, 1, 4, 1, 0)),
        (Increasing(tuple(domains)), (0, 4, 5, 3, 8)),
    ):
        form = constraint.move_form(domains, _code)
        assert form is not None
        chain = Chain(constraint, form, domains)
        assert chain.start(values)
        assert sum(chain.blame(slot) > 0 for slot in range(5)) == 2


def test_wide_domains_take_no_memory_for_each_value() -> None:
    domains: dict[str, Domain] = {f"v{i}": range(10**6) for i in range(10)}
    names = tuple(domains)
    for constraint in (AllDifferent(names), Linear(names, (1,) * 10, "<=", 7)):
        form = constraint.move_form(domains, _code)
        assert form is not None
        assert form.memory + len(form.params) < 200


def test_a_hash_table_of_counts_survives_many_moves() -> None:
    random = np.random.default_rng(0)
    domains: dict[str, Domain] = {f"v{i}": range(0, 10**6, 1000) for i in range(12)}
    constraint = AllDifferent(tuple(domains))
    form = constraint.move_form(domains, _code)
    assert form is not None
    chain = Chain(constraint, form, domains)
    degree = chain.start([0] * 12)
    for _ in range(2000):
        degree += chain.apply(int(random.integers(12)), int(random.integers(20)) * 1000)
        counts = np.unique(chain.values, return_counts=True)[1]
        assert degree == (counts * (counts - 1) // 2).sum()


def test_a_subclass_with_its_own_check_does_not_inherit_the_move_form() -> None:
    class Fewer(Count):
        def check(self, values: Sequence[Value]) -> bool:
            return not super().check(values)

    assert Fewer(("a",), (1,), 0, 0).move_form({"a": (0, 1)}, _code) is None


def test_a_large_table_is_looked_up() -> None:
    rows = tuple((i, i * i % 1009, i % 7) for i in range(100_000))
    domains: dict[str, Domain] = {"a": range(100_000), "b": range(1009), "c": range(7)}
    constraint = Table(("a", "b", "c"), rows)
    form = constraint.move_form(domains, _code)
    assert form is not None
    chain = Chain(constraint, form, domains)
    assert chain.start(rows[777]) == 0
    assert chain.change(2, (rows[777][2] + 1) % 7) == 1
    assert chain.start((777, 0, 0)) == 1
    assert form.memory == 0
