"""Every kind: the reference check, violation degree, energy and CP-SAT posting agree; gradients are right."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from drawn import graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from mull.engine import (
    AllDifferent,
    Clause,
    Compare,
    ConstraintGraph,
    Count,
    GraphError,
    Linear,
    Problem,
    Reify,
    Table,
    Xor,
    compile_problems,
)
from mull.engine.constraints import KINDS, Constraint, from_json
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.posting import Posting

quick = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def for_every_kind(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test on random constraints of each kind. It takes ``kind`` and ``data``."""
    drawn = quick(given(data=st.data())(test))
    marked: Callable[..., None] = pytest.mark.parametrize("kind", sorted(KINDS))(drawn)
    return marked


def _all(graph: ConstraintGraph) -> tuple[list[dict[str, Any]], torch.Tensor]:
    spans = [range(len(domain)) for domain in graph.domains.values()]
    index = torch.tensor(list(itertools.product(*spans)))
    return compile_problems([Problem(graph)], len(index)).assignments(index), index


@for_every_kind
def test_check_violations_and_energy_agree(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    named, index = _all(graph)
    instance = compile_problems([Problem(graph)], len(index))
    one_hot = torch.nn.functional.one_hot(index, instance.shape[2]).double()
    broken = torch.tensor([len(graph.broken(assignment)) for assignment in named])
    assert torch.equal(instance.violations(index), broken)
    assert torch.allclose(instance.energy(one_hot), instance.check(index)[1].double())


@for_every_kind
def test_energy_is_the_expected_violation_degree(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    _, index = _all(graph)
    instance = compile_problems([Problem(graph)])
    torch.manual_seed(data.draw(st.integers(0, 999)))
    beliefs = torch.randn(instance.shape).masked_fill(~instance.allowed, -torch.inf).softmax(-1).double()
    chance = beliefs[0].expand(len(index), -1, -1).gather(2, index[..., None])[..., 0].prod(1)
    degree = compile_problems([Problem(graph)], len(index)).check(index)[1]
    assert torch.allclose(instance.energy(beliefs)[0], (chance * degree).sum(), atol=1e-6)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_gradients_of_the_energy_are_right(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    instance = compile_problems([Problem(graph)])
    torch.manual_seed(data.draw(st.integers(0, 999)))
    beliefs = torch.rand(instance.shape, dtype=torch.float64) * 0.8 + 0.1
    assert torch.autograd.gradcheck(instance.energy, beliefs.requires_grad_())


@for_every_kind
def test_cp_sat_posting_has_the_same_solutions(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    named, _ = _all(graph)
    assignment = data.draw(st.sampled_from(named))
    posting = Posting(graph.domains, assignment)
    for constraint in graph.constraints:
        constraint.post(posting)
    outcome = cp_model.CpSolver().solve(posting.model)
    assert (outcome == cp_model.OPTIMAL) == (not graph.broken(assignment))


class _Collected(cp_model.CpSolverSolutionCallback):
    """The solutions that CP-SAT enumerates, auxiliary variables left out."""

    def __init__(self, posting: Posting) -> None:
        super().__init__()
        self.posting = posting
        self.found: list[tuple[Any, ...]] = []

    def on_solution_callback(self) -> None:
        names = self.posting.domains
        self.found.append(tuple(self.posting.value(n, self.value(self.posting.variable(n))) for n in names))


def _enumerated(posting: Posting) -> list[tuple[Any, ...]]:
    solver = cp_model.CpSolver()
    solver.parameters.enumerate_all_solutions = True
    collected = _Collected(posting)
    assert solver.solve(posting.model, collected) in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    return sorted(collected.found, key=str)


def _where(graph: ConstraintGraph, holds: Callable[[Sequence[Any]], bool]) -> list[tuple[Any, ...]]:
    names = list(graph.domains)
    (scope,) = (constraint.scope for constraint in graph.constraints[:1])
    every = itertools.product(*graph.domains.values())
    return sorted((row for row in every if holds([row[names.index(name)] for name in scope])), key=str)


@for_every_kind
def test_cp_sat_enumerates_each_solution_once(kind: str, data: st.DataObject) -> None:
    """Auxiliary variables have one value for each solution, so that none is found twice."""
    graph = data.draw(graphs(kind))
    constraint = graph.constraints[0]
    posting = Posting(graph.domains, {}, enumerating=True)
    constraint.post(posting)
    assert _enumerated(posting) == _where(graph, constraint.check)


@for_every_kind
def test_a_posted_negation_has_exactly_the_other_assignments(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    constraint = graph.constraints[0]
    if constraint.negatable:
        posting = Posting(graph.domains, {})
        constraint.post_negation(posting)
        assert _enumerated(posting) == _where(graph, lambda values: not constraint.check(values))


@for_every_kind
def test_a_reified_constraint_holds_exactly_where_its_literal_is_true(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    inner = graph.constraints[0]
    if not inner.negatable:
        return
    graph = ConstraintGraph({**graph.domains, "flag": (0, 1)}, [Reify(("flag", 1), inner)])
    (reified,) = graph.constraints
    posting = Posting(graph.domains, {})
    reified.post(posting)
    assert _enumerated(posting) == _where(graph, reified.check)
    named, index = _all(graph)
    broken = torch.tensor([not reified.check([row[name] for name in reified.scope]) for row in named])
    assert torch.equal(compile_problems([Problem(graph)], len(index)).violations(index), broken.long())


@pytest.mark.parametrize("kind", ["AllDifferent", "Compare"])
@quick
@given(data=st.data())
def test_a_value_symmetric_constraint_holds_after_values_are_exchanged(kind: str, data: st.DataObject) -> None:
    constraint = data.draw(graphs(kind)).constraints[0]
    values = data.draw(st.lists(st.integers(-2, 3), min_size=len(constraint.scope), max_size=len(constraint.scope)))
    renamed = dict(zip(range(-2, 4), data.draw(st.permutations(range(-2, 4))), strict=True))
    if constraint.value_symmetric:
        assert constraint.check(values) == constraint.check([renamed[value] for value in values])


def test_only_kinds_without_meaningful_values_are_value_symmetric() -> None:
    class Narrower(Compare):
        def check(self, values: Sequence[Any]) -> bool:
            return super().check(values) and values[0] != 2

    assert AllDifferent(("a", "b")).value_symmetric
    assert Compare("a", "=", "b").value_symmetric
    others = [
        AllDifferent(("a", "b"), (0,)),
        Compare("a", "<", "b"),
        Compare("a", "!=", "b", 1),
        Narrower("a", "!=", "b"),
    ]
    assert not any(c.value_symmetric for c in (*others, Count(("a",), (1,), 0, 1), Xor((("a", 1),), True)))


@for_every_kind
def test_json_round_trip_keeps_the_digest(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    again = ConstraintGraph.from_json(graph.to_json())
    assert again == graph
    turned = ConstraintGraph(dict(reversed(list(graph.domains.items()))), reversed(graph.constraints))
    assert turned.digest == graph.digest


@for_every_kind
def test_groups_name_literals_of_the_graph(kind: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(kind))
    for constraint in graph.constraints:
        for group in constraint.groups(graph.domains) or ():
            assert all(value in graph.domains[name] for name, value in group.literals)


@quick
@given(data=st.data())
def test_groups_of_a_sum_are_sums_of_positive_weights(data: st.DataObject) -> None:
    """An assignment satisfies a sum exactly where its true literals reach the bound of each group."""
    graph = data.draw(graphs("Linear"))
    values = {name: data.draw(st.sampled_from(domain)) for name, domain in graph.domains.items()}
    for constraint in graph.constraints:
        assert isinstance(constraint, Linear)
        if constraint.op == "!=":
            continue
        groups = constraint.groups(graph.domains)
        assert groups
        reached = []
        for group in groups:
            assert group.role == "linear"
            assert all(weight > 0 for weight in group.weights)
            weighed = zip(group.literals, group.weights, strict=True)
            reached.append(sum(weight for (name, value), weight in weighed if values[name] == value) >= group.target[0])
        assert all(reached) == constraint.check([values[name] for name in constraint.scope])


@for_every_kind
def test_a_pickled_graph_is_the_same(kind: str, data: st.DataObject) -> None:
    """Its constraints are pickled apart, also after it was pickled twice."""
    graph = data.draw(graphs(kind))
    for twice in (pickle.loads(pickle.dumps(graph)), pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(graph))))):
        assert "constraints" not in vars(twice)
        assert twice.constraints == graph.constraints
        assert twice == graph
        assert pickle.loads(pickle.dumps(twice)) == graph


@pytest.mark.parametrize(
    ("constraint", "names"),
    [
        (AllDifferent(()), "empty"),
        (AllDifferent(("a", "a")), "'a'"),
        (AllDifferent(("a", "z")), "'z'"),
        (Clause((("a", 9),)), "'a'"),
        (Compare("a", "~", "b"), "~"),
        (Compare("a", "<", "s"), "'s'"),
        (Linear(("a", "b"), (1,), "<=", 2), "coefficients"),
        (Linear(("a", "s"), (1, 1), "<=", 2), "'s'"),
        (Table(("a", "b"), ((1,),)), "tuple"),
        (Count(("a", "b"), (1,), 2, 1), "least"),
    ],
)
def test_a_constraint_that_is_not_valid_is_refused_by_name(constraint: Constraint, names: str) -> None:
    with pytest.raises(GraphError, match=names):
        ConstraintGraph({"a": (0, 1, 2), "b": (0, 1, 2), "s": ("x", "y")}, [constraint])


@pytest.mark.parametrize("data", [None, 3, {}, {"kind": "Nope"}, {"kind": "Clause"}, {"kind": "Linear", "scope": 3}])
def test_malformed_json_is_refused(data: Any) -> None:
    with pytest.raises(GraphError):
        from_json(data)


def test_the_former_name_of_value_symmetric_still_works() -> None:
    with pytest.warns(MullDeprecationWarning, match="use value_symmetric"):
        assert AllDifferent(("a", "b")).indifferent
    with pytest.warns(MullDeprecationWarning, match="Former.indifferent"):

        class Former(Compare):
            @property
            def indifferent(self) -> bool:
                return True

    assert Former("a", "<", "b").value_symmetric
