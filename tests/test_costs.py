"""The fast costs of scheduling kinds and automata differ from the degrees after each move by a constant for each variable."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mull.engine import (
    MDD,
    Constraint,
    ConstraintGraph,
    Cumulative,
    NoOverlap,
    NoOverlap2D,
    Problem,
    Regular,
    compile_problems,
)
from mull.engine.constraints.tensor_form import TensorForm

STATES = st.integers(0, 3)
ACCEPTING = st.lists(STATES, min_size=1, max_size=2, unique=True).map(tuple)
LENGTHS = st.lists(st.integers(-1, 4), min_size=3, max_size=3).map(tuple)


@pytest.mark.parametrize("kind", ["Cumulative", "MDD", "NoOverlap", "NoOverlap2D", "Regular"])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_costs_agree_with_degrees(kind: str, data: st.DataObject) -> None:
    names = tuple(f"v{i}" for i in range(6))
    values = st.lists(st.integers(-3, 6), min_size=1, max_size=5, unique=True)
    arcs = tuple(data.draw(st.lists(st.tuples(STATES, st.integers(-1, 2), STATES), max_size=8)))
    drawn: dict[str, Callable[[], list[Constraint]]] = {
        "Cumulative": lambda: [
            Cumulative(names[:3], data.draw(LENGTHS), data.draw(LENGTHS), data.draw(st.integers(-1, 5))),
            Cumulative(names[3:], data.draw(LENGTHS), data.draw(LENGTHS), data.draw(st.integers(-1, 5))),
        ],
        "NoOverlap": lambda: [
            NoOverlap(names[:3], data.draw(LENGTHS)),
            NoOverlap(names[3:], data.draw(LENGTHS)),
        ],
        "Regular": lambda: [
            Regular(names[:4], arcs, 0, data.draw(ACCEPTING)),
            Regular(names[1:5], arcs, 0, data.draw(ACCEPTING)),
        ],
        "MDD": lambda: [MDD(names[:4], arcs, 0, data.draw(ACCEPTING))],
        "NoOverlap2D": lambda: [NoOverlap2D(names[:3], names[3:], data.draw(LENGTHS), data.draw(LENGTHS))],
    }
    graph = ConstraintGraph({name: data.draw(values) for name in names}, drawn[kind]())
    instance = compile_problems([Problem(graph)], 2)
    factor = instance.factors[0]
    assert factor.kind.costs.__func__ is not TensorForm.costs.__func__  # type: ignore[attr-defined]
    index = torch.tensor([[data.draw(st.integers(0, len(d) - 1)) for d in graph.domains.values()] for _ in range(2)])
    rows = torch.arange(2).repeat_interleave(factor.count)
    scopes, p = factor.pick(rows, torch.arange(factor.count).repeat(2))
    own = index[rows[:, None], scopes]
    size = instance.shape[2]
    fast = factor.kind.costs(own, p, size)
    slow = TensorForm.costs.__func__(factor.kind, own, p, size)  # type: ignore[attr-defined]
    allowed = instance.allowed[0][scopes]
    difference = torch.where(allowed, fast - slow, 0)
    first = (fast - slow).gather(2, own[..., None])
    assert torch.equal(difference, torch.where(allowed, first, 0))
