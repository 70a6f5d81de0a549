"""CPMpy's globals and functions that mull has as kinds, by CPMpy's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cpmpy.expressions.utils import STAR

from ...engine.constraints import (
    MDD,
    Abs,
    AllDifferent,
    AllEqual,
    Among,
    Circuit,
    Clause,
    Constraint,
    Cumulative,
    Division,
    Element,
    GlobalCardinality,
    Increasing,
    Inverse,
    LexLess,
    LexLessEq,
    Maximum,
    Minimum,
    Modulo,
    NoOverlap,
    NValues,
    Power,
    Precedence,
    Product,
    Regular,
    Reify,
    Table,
    Xor,
)
from .starred import diagram

if TYPE_CHECKING:
    from .lowering import Lowering

Stated = Constraint | bool
"""A constraint, or its truth where it is constant."""


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _all_different(to: Lowering, flat: Any) -> Stated:
    return AllDifferent(to.distinct(flat.args))


def _all_different_except(to: Lowering, flat: Any) -> Stated:
    items, exempt = flat.args
    return AllDifferent(to.distinct(items), _integers(exempt))


def _all_equal(to: Lowering, flat: Any) -> Stated:
    return AllEqual(to.terms(flat.args))


def _all_equal_except(to: Lowering, flat: Any) -> Stated:
    items, exempt = flat.args
    return AllEqual(to.terms(items), _integers(exempt))


def _circuit(to: Lowering, flat: Any) -> Stated:
    return Circuit(to.terms(flat.args))


def _inverse(to: Lowering, flat: Any) -> Stated:
    forward, backward = flat.args
    return Inverse(to.terms(forward), to.terms(backward))


def _table(to: Lowering, flat: Any) -> Stated:
    items, rows = flat.args
    return Table(to.distinct(items), tuple(_integers(row) for row in rows))


def _short_table(to: Lowering, flat: Any) -> Stated:
    items, given = flat.args
    terms = to.terms(items)
    rows = [tuple(None if isinstance(cell, str) and cell == STAR else int(cell) for cell in row) for row in given]
    found = diagram(rows, [(term,) if isinstance(term, int) else to.domains[term] for term in terms])
    if found is not None:
        return MDD(terms, found.arcs, 0, found.accepting) if found.arcs else False
    names, chosen = to.distinct(items), []
    for row in rows:  # a truth for each row, which follows from the items
        cells = [(name, value) for name, value in zip(names, row, strict=True) if value is not None]
        if not cells:
            return True
        scope, values = zip(*cells, strict=True)
        truth = to.auxiliary()
        to.definitions.append(Reify((truth, 1), Table(scope, (values,))))
        chosen.append((truth, 1))
    return Clause(tuple(chosen))


def _negative_table(to: Lowering, flat: Any) -> Stated:
    items, rows = flat.args
    return Table(to.distinct(items), tuple(_integers(row) for row in rows), allowed=False)


def _in_domain(to: Lowering, flat: Any) -> Stated:
    item, values = flat.args
    return Table(to.distinct([item]), tuple((int(value),) for value in values))


def _regular(to: Lowering, flat: Any) -> Stated:
    items, _, start, accepting = flat.args
    numbers = flat.node_map
    # Of several transitions for one state and value, CPMpy's Regular keeps the last.
    arcs = tuple((numbers[a], int(value), numbers[b]) for (a, value), b in flat.trans_dict.items())
    states = (numbers[state] for state in accepting if state in numbers)
    return Regular(to.terms(items), arcs, numbers.get(start, len(numbers)), tuple(states))


def _mdd(to: Lowering, flat: Any) -> Stated:
    (items,) = flat.args
    nodes: dict[Any, int] = {}
    arcs = tuple(
        (nodes.setdefault(node, len(nodes)), int(value), nodes.setdefault(after, len(nodes)))
        for node, row in flat.mapping.items()
        for value, after in row.items()
    )
    # CPMpy accepts every path that has as many arcs as there are items: all of them end in the one sink.
    return MDD(to.terms(items), arcs, nodes.setdefault(flat.root_node, len(nodes)), (nodes[flat.sink_node],))


def _xor(to: Lowering, flat: Any) -> Stated:
    literals, constant = [], False
    for part in flat.args:
        if to.is_constant(part):
            constant ^= bool(part)
        else:
            literals.append(to.literal(part))
    return to.parity(literals, constant)


def _cumulative(to: Lowering, flat: Any) -> Stated:
    start, duration, *end, demand, capacity = flat.args
    to.add_ends(start, duration, end)
    return Cumulative(to.terms(start), to.terms(duration), to.terms(demand), to.term(capacity))


def _no_overlap(to: Lowering, flat: Any) -> Stated:
    start, duration, *end = flat.args
    to.add_ends(start, duration, end)
    return NoOverlap(to.terms(start), to.terms(duration))


def _cumulative_optional(to: Lowering, flat: Any) -> Stated:
    start, duration, *end, demand, capacity, present = flat.args
    to.add_ends(start, duration, end, present)
    durations, demands = to.where(present, duration), to.where(present, demand)
    return Cumulative(to.terms(start), durations, demands, to.term(capacity))


def _no_overlap_optional(to: Lowering, flat: Any) -> Stated:
    start, duration, *end, present = flat.args
    to.add_ends(start, duration, end, present)
    return NoOverlap(to.terms(start), to.where(present, duration))


def _precedence(to: Lowering, flat: Any) -> Stated:
    items, order = flat.args
    return Precedence(to.terms(items), _integers(order))


def _cardinality(to: Lowering, flat: Any) -> Stated:
    items, values, counts = flat.args
    return GlobalCardinality(to.terms(items), _integers(values), to.terms(counts), bool(flat.closed))


def _ordered(strict: bool, reverse: bool) -> Callable[[Lowering, Any], Stated]:
    def state(to: Lowering, flat: Any) -> Stated:
        items = to.terms(flat.args)
        return Increasing(items[::-1] if reverse else items, strict)

    return state


def _lex(strict: bool) -> Callable[[Lowering, Any], Stated]:
    def state(to: Lowering, flat: Any) -> Stated:
        left, right = (to.terms(side) for side in flat.args)
        return LexLess(left, right) if strict else LexLessEq(left, right)

    return state


def _minimum(to: Lowering, left: Any, right: Any) -> Stated:
    return Minimum(to.terms(left.args), to.term(right))


def _maximum(to: Lowering, left: Any, right: Any) -> Stated:
    return Maximum(to.terms(left.args), to.term(right))


def _abs(to: Lowering, left: Any, right: Any) -> Stated:
    return Abs(to.term(left.args[0]), to.term(right))


def _product(to: Lowering, left: Any, right: Any) -> Stated:
    return Product(to.terms(left.args), to.term(right))


def _division(to: Lowering, left: Any, right: Any) -> Stated:
    return Division(to.term(left.args[0]), to.term(left.args[1]), to.term(right))


def _modulo(to: Lowering, left: Any, right: Any) -> Stated:
    return Modulo(to.term(left.args[0]), to.term(left.args[1]), to.term(right))


def _power(to: Lowering, left: Any, right: Any) -> Stated:
    return Power(to.term(left.args[0]), to.term(left.args[1]), to.term(right))


def _element(to: Lowering, left: Any, right: Any) -> Stated:
    array, index = left.args
    return Element(to.terms(array), to.term(index), to.term(right))


def _among(to: Lowering, left: Any, right: Any) -> Stated:
    items, values = left.args
    return Among(to.terms(items), _integers(values), to.term(right))


def _n_values(to: Lowering, left: Any, right: Any) -> Stated:
    return NValues(to.terms(left.args), to.term(right))


def _n_values_except(to: Lowering, left: Any, right: Any) -> Stated:
    items, exempt = left.args
    return NValues(to.terms(items), to.term(right), (int(exempt),))


_STATED: Mapping[str, tuple[type[Constraint], Callable[[Lowering, Any], Stated]]] = {
    "alldifferent": (AllDifferent, _all_different),
    "alldifferent_except0": (AllDifferent, _all_different_except),
    "alldifferent_except_n": (AllDifferent, _all_different_except),
    "allequal": (AllEqual, _all_equal),
    "allequal_except_n": (AllEqual, _all_equal_except),
    "circuit": (Circuit, _circuit),
    "inverse": (Inverse, _inverse),
    "table": (Table, _table),
    "short_table": (MDD, _short_table),
    "negative_table": (Table, _negative_table),
    "indomain": (Table, _in_domain),
    "regular": (Regular, _regular),
    "mdd": (MDD, _mdd),
    "xor": (Xor, _xor),
    "cumulative": (Cumulative, _cumulative),
    "no_overlap": (NoOverlap, _no_overlap),
    "cumulative_optional": (Cumulative, _cumulative_optional),
    "no_overlap_optional": (NoOverlap, _no_overlap_optional),
    "precedence": (Precedence, _precedence),
    "gcc": (GlobalCardinality, _cardinality),
    "increasing": (Increasing, _ordered(False, False)),
    "decreasing": (Increasing, _ordered(False, True)),
    "strictly_increasing": (Increasing, _ordered(True, False)),
    "strictly_decreasing": (Increasing, _ordered(True, True)),
    "lex_less": (LexLess, _lex(True)),
    "lex_lesseq": (LexLessEq, _lex(False)),
}

GLOBALS: Mapping[str, Callable[[Lowering, Any], Stated]] = {name: state for name, (_, state) in _STATED.items()}
"""How each global constraint is stated; all others are decomposed by CPMpy."""

# They state more than their kind: start + duration = end.
_WITH_ENDS = frozenset({"cumulative", "no_overlap", "cumulative_optional", "no_overlap_optional"})

REIFIED = (
    frozenset(name for name, (kind, _) in _STATED.items() if kind.post_negation is not Constraint.post_negation)
    - _WITH_ENDS
)
"""The globals that may stand under a reification: those whose kind CP-SAT can negate."""

FUNCTIONS: Mapping[str, Callable[[Lowering, Any, Any], Stated]] = {
    "min": _minimum,
    "max": _maximum,
    "abs": _abs,
    "mul": _product,
    "div": _division,
    "mod": _modulo,
    "pow": _power,
    "element": _element,
    "among": _among,
    "nvalue": _n_values,
    "nvalue_except": _n_values_except,
}
"""How each function is stated as ``function(...) = variable``."""
