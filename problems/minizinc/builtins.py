"""FlatZinc's constraints in mull's kinds: the builtins of the specification, and the globals' ``fzn_*`` names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

from ...engine import constraints as kinds
from ...engine.values import Term
from ..errors import excerpt
from .build import Builder, Stated
from .syntax import Value

LARGEST_SET = 10_000
"""Most values of a set that is stated value by value."""

Rule = Callable[[Builder, list[Value]], Stated | Sequence[Stated]]
"""Returns what the arguments of a constraint state; several constraints hold together."""


def state(to: Builder, name: str, arguments: list[Value]) -> None:
    """Add a FlatZinc constraint to a graph.

    Args:
        to: the graph under construction.
        name: of the constraint, with ``_reif`` or ``_imp`` where the last argument is its Boolean.
        arguments: as they are written.

    Raises:
        InputError: mull has no kind for it, or the arguments do not fit.
    """
    base, half = name, False
    for suffix in ("_reif", "_imp"):
        if name.endswith(suffix) and name not in FUNCTIONS:
            base, half = name.removesuffix(suffix), suffix == "_imp"
    if name in FUNCTIONS or (base in FUNCTIONS and half):
        rule, count = FUNCTIONS[base]
        _check_count(to, name, arguments, (count + 1,))
        to.reify(to.term(arguments[-1]), _one(to, _listed(rule(to, arguments[:-1]))), half)
        return
    if base not in RULES:
        if base.startswith(("set_", "array_set")):
            raise to.error(
                f"{name}: constraints on set variables are not supported", "model sets by arrays of Booleans"
            )
        if base.startswith("float_") or base == "int2float":
            raise to.error(f"{name}: constraints on floats are not supported", "scale to integers")
        hint = "see docs/models.md for the constraints there are; compile with -G std to decompose globals"
        raise to.error(f"unknown constraint {excerpt(name)}", hint)
    rule, counts = RULES[base]
    reified = base != name
    _check_count(to, name, arguments, [count + reified for count in counts])
    stated = _listed(rule(to, arguments[: len(arguments) - reified]))
    if not reified:
        for each in stated:
            to.require(each)
        return
    literal = to.term(arguments[-1])
    if half:
        for each in stated:
            to.reify(literal, each, half)
    else:
        to.reify(literal, _one(to, stated), half)


def _listed(stated: Stated | Sequence[Stated]) -> Sequence[Stated]:
    return [stated] if isinstance(stated, bool | kinds.Constraint) else stated


def _one(to: Builder, stated: Sequence[Stated]) -> Stated:
    """One constraint that holds exactly where all do."""
    return stated[0] if len(stated) == 1 else _all(to, [to.truth(each) for each in stated])


def _check_count(to: Builder, name: str, arguments: list[Value], counts: Iterable[int]) -> None:
    counts = list(counts)
    if len(arguments) not in counts:
        raise to.error(f"{name} has {' or '.join(map(str, counts))} arguments, not {len(arguments)}")


# Arithmetic and logic
# ----------------------------------------------------------------------------------------------------------------------


def _compare(op: str) -> Rule:
    def rule(to: Builder, arguments: list[Value]) -> Stated:
        terms, constant = to.sum_of((1, -1), [to.term(each) for each in arguments])
        return to.linear(terms, op, -constant)

    return rule


def _linear(op: str) -> Rule:
    def rule(to: Builder, arguments: list[Value]) -> Stated:
        terms, constant = to.sum_of(to.integers(arguments[0]), to.terms(arguments[1]))
        bound = to.term(arguments[2])
        if isinstance(bound, str):
            terms[bound] = terms.get(bound, 0) - 1
            bound = 0
        return to.linear(terms, op, bound - constant)

    return rule


def _plus(to: Builder, arguments: list[Value]) -> Stated:
    a, b, c = map(to.term, arguments)
    terms, constant = to.sum_of((1, 1, -1), (a, b, c))
    return to.linear(terms, "==", -constant)


def _minus(to: Builder, arguments: list[Value]) -> Stated:
    a, b, c = map(to.term, arguments)
    terms, constant = to.sum_of((1, -1, -1), (a, b, c))
    return to.linear(terms, "==", -constant)


def _negated(to: Builder, arguments: list[Value]) -> Stated:
    terms, constant = to.sum_of((1, 1), [to.term(each) for each in arguments])
    return to.linear(terms, "==", -constant)


def _terms(kind: Any, *order: int) -> Rule:
    """A kind whose fields are single terms, in the order of the arguments at these positions."""
    return lambda to, arguments: _plain(to, kind(*(to.term(arguments[i]) for i in order)))


def _function(kind: Any) -> Rule:
    """A kind of two items in one list, and a value."""
    return lambda to, arguments: _plain(to, kind((to.term(arguments[0]), to.term(arguments[1])), to.term(arguments[2])))


def _extreme(kind: Any) -> Rule:
    return lambda to, arguments: _plain(to, kind(to.terms(arguments[1]), to.term(arguments[0])))


def _plain(to: Builder, constraint: kinds.Constraint) -> Stated:
    """A constraint, or its truth where all its terms are integers."""
    return constraint if constraint.scope else constraint.check(())


def _element(to: Builder, arguments: list[Value]) -> list[Stated]:
    index, array, value = to.term(arguments[0]), to.terms(arguments[1]), to.term(arguments[2])
    padded = (0, *array)  # FlatZinc counts from 1
    return [_at_least(to, index, 1), _plain(to, kinds.Element(padded, index, value))]


def _at_least(to: Builder, term: Term, least: int) -> Stated:
    if to.bounds(term)[0] >= least:
        return True
    return to.linear({term: 1}, ">=", least) if isinstance(term, str) else False


def _not(to: Builder, arguments: list[Value]) -> Stated:
    return _parity(to, [to.term(each) for each in arguments], odd=True)


def _parity(to: Builder, terms: Iterable[Term], odd: bool) -> Stated:
    left: dict[str, None] = {}
    for term in terms:
        if isinstance(term, int):
            odd ^= bool(term)
        elif term in left:
            del left[term]
        else:
            left[term] = None
    return kinds.Xor(tuple((name, 1) for name in left), odd) if left else not odd


def _xor(to: Builder, arguments: list[Value]) -> Stated:
    terms = [to.term(each) for each in arguments]
    return _parity(to, terms, odd=len(terms) == 2)  # with three, the last one is the result


def _odd(to: Builder, arguments: list[Value]) -> Stated:
    return _parity(to, to.terms(arguments[0]), odd=True)


def _clause(to: Builder, arguments: list[Value]) -> Stated:
    return to.clause(to.terms(arguments[0]), to.terms(arguments[1]))


def _all(to: Builder, terms: Iterable[Term]) -> Stated:
    """All Booleans are true: one constraint, so that it can be reified."""
    names: dict[str, int] = {}
    for term in terms:
        if isinstance(term, int):
            if not term:
                return False
        else:
            names[term] = 1
    return to.linear(names, "==", len(names))


def _member(to: Builder, arguments: list[Value]) -> Stated | list[Stated]:
    term, values = to.term(arguments[0]), to.values(arguments[1])
    if isinstance(term, int):
        return term in values
    domain = to.domains[term]
    low, high = to.bounds(term)
    if isinstance(values, range):
        if not values or values[-1] < low or values[0] > high:
            return False
        return [_at_least(to, term, values[0]), True if high <= values[-1] else to.linear({term: 1}, "<=", values[-1])]
    if len(values) > LARGEST_SET:
        raise to.error(f"a set of {len(values)} values is too large", f"use an interval, or up to {LARGEST_SET} values")
    rows = tuple((value,) for value in sorted(values) if value in domain)
    return kinds.Table((term,), rows) if rows else False


# Globals
# ----------------------------------------------------------------------------------------------------------------------


def _all_different(to: Builder, arguments: list[Value]) -> Stated:
    return kinds.AllDifferent(to.distinct(to.terms(arguments[0])))


def _all_different_except(to: Builder, arguments: list[Value]) -> Stated:
    exempt = (0,) if len(arguments) == 1 else tuple(sorted(to.values(arguments[1])))
    return kinds.AllDifferent(to.distinct(to.terms(arguments[0])), exempt)


def _list(kind: Any, **fixed: Any) -> Rule:
    return lambda to, arguments: _plain(to, kind(to.terms(arguments[0]), **fixed))


def _decreasing(strict: bool) -> Rule:
    return lambda to, arguments: _plain(to, kinds.Increasing(to.terms(arguments[0])[::-1], strict))


def _lists(kind: Any) -> Rule:
    return lambda to, arguments: _plain(to, kind(*map(to.terms, arguments)))


def _circuit(to: Builder, arguments: list[Value]) -> list[Stated]:
    successors = to.terms(arguments[0])
    alone = [_not_at(to, term, i) for i, term in enumerate(successors, 1)] if len(successors) > 1 else []
    return [*alone, *_listed(_subcircuit(to, arguments))]


def _not_at(to: Builder, term: Term, value: int) -> Stated:
    return to.linear({term: 1}, "!=", value) if isinstance(term, str) else term != value


def _subcircuit(to: Builder, arguments: list[Value]) -> Stated:
    return _plain(to, kinds.SubCircuit((0, *to.terms(arguments[0]))))  # vertices count from 1: vertex 0 stays alone


def _inverse(to: Builder, arguments: list[Value]) -> Stated:
    forward, backward = map(to.terms, arguments)
    return _plain(to, kinds.Inverse((0, *forward), (0, *backward)))


def _table(to: Builder, arguments: list[Value]) -> Stated:
    items, flat = to.terms(arguments[0]), to.integers(arguments[1])
    if not items or len(flat) % len(items):
        raise to.error(f"a table of {len(flat)} values has no rows of {len(items)}")
    rows = tuple(flat[i : i + len(items)] for i in range(0, len(flat), len(items)))
    names = to.distinct(items)
    domains = [to.domains[name] for name in names]
    rows = tuple(row for row in rows if all(value in domain for value, domain in zip(row, domains, strict=True)))
    return kinds.Table(names, tuple(dict.fromkeys(rows))) if rows else False


def _regular(to: Builder, arguments: list[Value]) -> Stated:
    items, states, symbols, flat = to.terms(arguments[0]), *map(to.integer, arguments[1:3]), to.integers(arguments[3])
    start, accepting = to.integer(arguments[4]), to.values(arguments[5])
    if len(flat) != states * symbols:
        raise to.error(f"the transitions are {len(flat)} numbers, not {states} x {symbols}")
    arcs = tuple((i // symbols + 1, i % symbols + 1, following) for i, following in enumerate(flat) if following > 0)
    return _plain(to, kinds.Regular(items, arcs, start, tuple(q for q in sorted(accepting) if 1 <= q <= states)))


def _cumulative(to: Builder, arguments: list[Value]) -> Stated:
    starts, durations, demands = map(to.terms, arguments[:3])
    return _plain(to, kinds.Cumulative(starts, durations, demands, to.term(arguments[3])))


def _strict(sides: int) -> Rule:
    """Boxes of which none is inside another, boxes of size 0 included: one clause for each pair."""

    def rule(to: Builder, arguments: list[Value]) -> Stated | Sequence[Stated]:
        arrays = list(map(to.terms, arguments))
        if all(to.bounds(term)[0] > 0 for array in arrays[sides:] for term in array):
            return (_lists(kinds.NoOverlap) if sides == 1 else _lists(kinds.NoOverlap2D))(to, arguments)
        return [_apart(to, arrays[:sides], arrays[sides:], i, j) for i, j in combinations(range(len(arrays[0])), 2)]

    return rule


def _apart(to: Builder, places: Sequence[Sequence[Term]], sizes: Sequence[Sequence[Term]], i: int, j: int) -> Stated:
    before = []
    for place, size in zip(places, sizes, strict=True):
        for a, b in ((i, j), (j, i)):
            terms, constant = to.sum_of((1, 1, -1), (place[a], size[a], place[b]))
            before.append(to.truth(to.linear(terms, "<=", -constant)))
    return to.clause(before)


def _count(op: str) -> Rule:
    """``count op c``, where FlatZinc states ``c`` first: ``count_leq`` is c <= count."""

    def rule(to: Builder, arguments: list[Value]) -> Stated:
        items, value, count = to.terms(arguments[0]), to.term(arguments[1]), to.term(arguments[2])
        return _counted(to, items, value, op, count)

    return rule


def _counted(to: Builder, items: Sequence[Term], value: Term, op: str, count: Term) -> Stated:
    if isinstance(value, int):
        if op == "==":
            return _plain(to, kinds.Among(tuple(items), (value,), count))
        number = to.fresh(range(len(items) + 1))
        to.require(_plain(to, kinds.Among(tuple(items), (value,), number)))
        return to.linear({number: 1}, op, count)
    truths = [to.truth(_equal(to, item, value)) for item in items]
    terms, constant = to.sum_of([1] * len(truths), truths)
    if isinstance(count, str):
        terms[count] = terms.get(count, 0) - 1
        return to.linear(terms, op, -constant)
    return to.linear(terms, op, count - constant)


def _equal(to: Builder, left: Term, right: Term) -> Stated:
    terms, constant = to.sum_of((1, -1), (left, right))
    return to.linear(terms, "==", -constant)


def _number_of(op: str) -> Rule:
    """``at_least(n, x, v)`` and its like."""
    return lambda to, arguments: _counted(
        to, to.terms(arguments[1]), to.integer(arguments[2]), op, to.integer(arguments[0])
    )


def _among(to: Builder, arguments: list[Value]) -> Stated:
    values = to.values(arguments[2])
    if len(values) > LARGEST_SET:
        raise to.error(f"a set of {len(values)} values is too large")
    return _plain(to, kinds.Among(to.terms(arguments[1]), tuple(sorted(values)), to.term(arguments[0])))


def _n_values(to: Builder, arguments: list[Value]) -> Stated:
    return _plain(to, kinds.NValues(to.terms(arguments[1]), to.term(arguments[0])))


def _cardinality(closed: bool) -> Rule:
    def rule(to: Builder, arguments: list[Value]) -> Stated:
        items, values, counts = to.terms(arguments[0]), to.integers(arguments[1]), to.terms(arguments[2])
        return _plain(to, kinds.GlobalCardinality(items, values, counts, closed))

    return rule


def _cardinality_between(closed: bool) -> Rule:
    def rule(to: Builder, arguments: list[Value]) -> Stated | list[Stated]:
        items, values = to.terms(arguments[0]), to.integers(arguments[1])
        least, most = map(to.integers, arguments[2:])
        numbers = tuple(to.fresh(range(len(items) + 1)) for _ in values)
        to.require(_plain(to, kinds.GlobalCardinality(items, values, numbers, False)))
        limits = [to.linear({number: 1}, ">=", low) for number, low in zip(numbers, least, strict=True)]
        limits += [to.linear({number: 1}, "<=", high) for number, high in zip(numbers, most, strict=True)]
        if closed:
            limits.append(to.linear(dict.fromkeys(numbers, 1), "==", len(items)))
        return limits

    return rule


def _packing(to: Builder, bins: Sequence[Term], sizes: Sequence[int], loads: Sequence[Term]) -> list[Stated]:
    """Bins count from 1: bin 0 stays empty."""
    placed = [_at_least(to, each, 1) for each in bins]
    return [*placed, _plain(to, kinds.BinPacking(tuple(bins), tuple(sizes), (0, *loads)))]


def _bin_packing(to: Builder, arguments: list[Value]) -> list[Stated]:
    bins = to.terms(arguments[1])
    last = max((to.bounds(each)[1] for each in bins), default=0)
    return _packed(to, bins, to.integers(arguments[2]), [to.integer(arguments[0])] * min(last, LARGEST_SET + 1))


def _bin_packing_capacities(to: Builder, arguments: list[Value]) -> list[Stated]:
    return _packed(to, to.terms(arguments[1]), to.integers(arguments[2]), to.integers(arguments[0]))


def _packed(to: Builder, bins: Sequence[Term], sizes: Sequence[int], capacities: Sequence[int]) -> list[Stated]:
    """Each load is at most its capacity. The loads are defined for all values of the bins, so that this can be false."""
    ends = [to.bounds(each) for each in bins]
    first, last = min((low for low, _ in ends), default=0), max((high for _, high in ends), default=0)
    if first < 0 or last > LARGEST_SET:
        raise to.error(f"bins from {first} to {last}", f"bins are numbers from 0 to {LARGEST_SET}")
    loads = [to.fresh(range(sum(sizes) + 1)) for _ in range(max(last, len(capacities)) + 1)]
    to.require(_plain(to, kinds.BinPacking(tuple(bins), tuple(sizes), tuple(loads))))
    limits = [to.linear({load: 1}, "<=", most) for load, most in zip(loads[1:], capacities, strict=False)]
    inside = [to.linear({each: 1}, "<=", len(capacities)) for each in bins if isinstance(each, str)]
    return [*(_at_least(to, each, 1) for each in bins), *inside, *limits]


def _bin_packing_loads(to: Builder, arguments: list[Value]) -> list[Stated]:
    return _packing(to, to.terms(arguments[1]), to.integers(arguments[2]), to.terms(arguments[0]))


def _knapsack(to: Builder, arguments: list[Value]) -> list[Stated]:
    weights, profits = map(to.integers, arguments[:2])
    counts, weight, profit = to.terms(arguments[2]), to.term(arguments[3]), to.term(arguments[4])
    packed = kinds.Knapsack(counts, weights, weight, profits, profit)
    return [*(_at_least(to, each, 0) for each in counts), _plain(to, packed)]


def _precede(to: Builder, arguments: list[Value]) -> Stated:
    values = (to.integer(arguments[0]), to.integer(arguments[1]))
    return _plain(to, kinds.Precedence(to.terms(arguments[2]), values))


def _precede_chain(to: Builder, arguments: list[Value]) -> Stated:
    return _plain(to, kinds.Precedence(to.terms(arguments[1]), to.integers(arguments[0])))


def _member_of(to: Builder, arguments: list[Value]) -> Stated:
    value = to.term(arguments[1])
    return _counted(to, to.terms(arguments[0]), value, ">=", 1)


def _symmetric(to: Builder, arguments: list[Value]) -> Stated:
    return _inverse(to, [arguments[0], arguments[0]])


FUNCTIONS: dict[str, tuple[Rule, int]] = {
    "array_bool_and": (lambda to, arguments: _all(to, to.terms(arguments[0])), 1),
    "array_bool_or": (lambda to, arguments: to.clause(to.terms(arguments[0])), 1),
    "bool_and": (lambda to, arguments: _all(to, map(to.term, arguments)), 2),
    "bool_or": (lambda to, arguments: to.clause(map(to.term, arguments)), 2),
}
"""Constraints whose last argument is the truth of the others, with the number of the others."""

RULES: dict[str, tuple[Rule, tuple[int, ...]]] = {
    "int_eq": (_compare("=="), (2,)),
    "int_ne": (_compare("!="), (2,)),
    "int_le": (_compare("<="), (2,)),
    "int_lt": (_compare("<"), (2,)),
    "int_ge": (_compare(">="), (2,)),
    "int_gt": (_compare(">"), (2,)),
    "int_lin_eq": (_linear("=="), (3,)),
    "int_lin_ne": (_linear("!="), (3,)),
    "int_lin_le": (_linear("<="), (3,)),
    "int_lin_lt": (_linear("<"), (3,)),
    "int_lin_ge": (_linear(">="), (3,)),
    "int_lin_gt": (_linear(">"), (3,)),
    "int_plus": (_plus, (3,)),
    "int_minus": (_minus, (3,)),
    "int_negate": (_negated, (2,)),
    "int_times": (_function(kinds.Product), (3,)),
    "int_min": (_function(kinds.Minimum), (3,)),
    "int_max": (_function(kinds.Maximum), (3,)),
    "int_div": (_terms(kinds.Division, 0, 1, 2), (3,)),
    "int_mod": (_terms(kinds.Modulo, 0, 1, 2), (3,)),
    "int_pow": (_terms(kinds.Power, 0, 1, 2), (3,)),
    "int_pow_fixed": (_terms(kinds.Power, 0, 1, 2), (3,)),
    "int_abs": (_terms(kinds.Abs, 0, 1), (2,)),
    "bool_eq": (_compare("=="), (2,)),
    "bool_ne": (_compare("!="), (2,)),
    "bool_le": (_compare("<="), (2,)),
    "bool_lt": (_compare("<"), (2,)),
    "bool_ge": (_compare(">="), (2,)),
    "bool_gt": (_compare(">"), (2,)),
    "bool_lin_eq": (_linear("=="), (3,)),
    "bool_lin_ne": (_linear("!="), (3,)),
    "bool_lin_le": (_linear("<="), (3,)),
    "bool_not": (_not, (2,)),
    "bool_xor": (_xor, (2, 3)),
    "bool_clause": (_clause, (2,)),
    "bool2int": (_compare("=="), (2,)),
    "array_bool_xor": (_odd, (1,)),
    "set_in": (_member, (2,)),
    **{f"array_{kind}_element": (_element, (3,)) for kind in ("int", "bool", "var_int", "var_bool")},
    "array_int_minimum": (_extreme(kinds.Minimum), (2,)),
    "array_int_maximum": (_extreme(kinds.Maximum), (2,)),
    "fzn_all_different_int": (_all_different, (1,)),
    "fzn_alldifferent_except_0": (_all_different_except, (1,)),
    "fzn_all_different_except_0": (_all_different_except, (1,)),
    "fzn_alldifferent_except": (_all_different_except, (2,)),
    "fzn_all_different_except": (_all_different_except, (2,)),
    **{f"fzn_all_equal_{kind}": (_list(kinds.AllEqual), (1,)) for kind in ("int", "bool")},
    **{f"fzn_increasing_{kind}": (_list(kinds.Increasing), (1,)) for kind in ("int", "bool")},
    **{f"fzn_decreasing_{kind}": (_decreasing(False), (1,)) for kind in ("int", "bool")},
    "fzn_strictly_increasing_int": (_list(kinds.Increasing, strict=True), (1,)),
    "fzn_strictly_decreasing_int": (_decreasing(True), (1,)),
    **{f"fzn_lex_less_{kind}": (_lists(kinds.LexLess), (2,)) for kind in ("int", "bool")},
    **{f"fzn_lex_lesseq_{kind}": (_lists(kinds.LexLessEq), (2,)) for kind in ("int", "bool")},
    "fzn_circuit": (_circuit, (1,)),
    "fzn_subcircuit": (_subcircuit, (1,)),
    "fzn_inverse": (_inverse, (2,)),
    "fzn_symmetric_all_different": (_symmetric, (1,)),
    **{f"fzn_table_{kind}": (_table, (2,)) for kind in ("int", "bool")},
    "fzn_regular": (_regular, (6,)),
    "fzn_cumulative": (_cumulative, (4,)),
    "fzn_disjunctive": (_lists(kinds.NoOverlap), (2,)),
    "fzn_disjunctive_strict": (_strict(1), (2,)),
    "fzn_diffn": (_strict(2), (4,)),
    "fzn_diffn_nonstrict": (_lists(kinds.NoOverlap2D), (4,)),
    "fzn_count_eq": (_count("=="), (3,)),
    "fzn_count_neq": (_count("!="), (3,)),
    "fzn_count_leq": (_count(">="), (3,)),
    "fzn_count_lt": (_count(">"), (3,)),
    "fzn_count_geq": (_count("<="), (3,)),
    "fzn_count_gt": (_count("<"), (3,)),
    "fzn_at_least_int": (_number_of(">="), (3,)),
    "fzn_at_most_int": (_number_of("<="), (3,)),
    "fzn_exactly_int": (_number_of("=="), (3,)),
    "fzn_among": (_among, (3,)),
    "fzn_nvalue": (_n_values, (2,)),
    "fzn_member_int": (_member_of, (2,)),
    "fzn_member_bool": (_member_of, (2,)),
    "fzn_minimum_int": (_extreme(kinds.Minimum), (2,)),
    "fzn_maximum_int": (_extreme(kinds.Maximum), (2,)),
    "fzn_global_cardinality": (_cardinality(False), (3,)),
    "fzn_global_cardinality_closed": (_cardinality(True), (3,)),
    "fzn_global_cardinality_low_up": (_cardinality_between(False), (4,)),
    "fzn_global_cardinality_low_up_closed": (_cardinality_between(True), (4,)),
    "fzn_bin_packing": (_bin_packing, (3,)),
    "fzn_bin_packing_capa": (_bin_packing_capacities, (3,)),
    "fzn_bin_packing_load": (_bin_packing_loads, (3,)),
    "fzn_knapsack": (_knapsack, (5,)),
    "fzn_value_precede_int": (_precede, (3,)),
    "fzn_value_precede_chain_int": (_precede_chain, (2,)),
}
"""How each constraint is stated, and how many arguments it has without the Boolean of ``_reif`` and ``_imp``."""
