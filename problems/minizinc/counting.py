"""Global constraints of FlatZinc that count values or fill bins and knapsacks."""

from __future__ import annotations

from collections.abc import Sequence

from ...engine import constraints as kinds
from ...engine.values import Term
from .build import Builder
from .draft import Stated
from .rules import LARGEST_SET, Rule, at_least, plain
from .syntax import Value


def _count(op: str) -> Rule:
    """``count op c``, where FlatZinc states ``c`` first: ``count_leq`` is c <= count."""

    def rule(to: Builder, arguments: list[Value]) -> Stated:
        items, value, count = to.terms(arguments[0]), to.term(arguments[1]), to.term(arguments[2])
        return _counted(to, items, value, op, count)

    return rule


def _counted(to: Builder, items: Sequence[Term], value: Term, op: str, count: Term) -> Stated:
    if isinstance(value, int):
        if op == "==":
            return plain(kinds.Among(tuple(items), (value,), count))
        number = to.fresh(range(len(items) + 1))
        to.require(plain(kinds.Among(tuple(items), (value,), number)))
        return to.compare((1,), (number,), op, count)
    truths = [to.truth(to.compare((1, -1), (item, value), "==")) for item in items]
    return to.compare([1] * len(truths), truths, op, count)


def _number_of(op: str) -> Rule:
    """``at_least(n, x, v)`` and its like."""
    return lambda to, arguments: _counted(
        to, to.terms(arguments[1]), to.integer(arguments[2]), op, to.integer(arguments[0])
    )


def _among(to: Builder, arguments: list[Value]) -> Stated:
    values = to.values(arguments[2])
    if len(values) > LARGEST_SET:
        raise to.error(f"a set of {len(values)} values is too large")
    return plain(kinds.Among(to.terms(arguments[1]), tuple(sorted(values)), to.term(arguments[0])))


def _n_values(to: Builder, arguments: list[Value]) -> Stated:
    return plain(kinds.NValues(to.terms(arguments[1]), to.term(arguments[0])))


def _cardinality(closed: bool) -> Rule:
    def rule(to: Builder, arguments: list[Value]) -> Stated:
        items, values, counts = to.terms(arguments[0]), to.integers(arguments[1]), to.terms(arguments[2])
        return plain(kinds.GlobalCardinality(items, values, counts, closed))

    return rule


def _cardinality_between(closed: bool) -> Rule:
    def rule(to: Builder, arguments: list[Value]) -> Stated | list[Stated]:
        items, values = to.terms(arguments[0]), to.integers(arguments[1])
        least, most = map(to.integers, arguments[2:])
        numbers = tuple(to.fresh(range(len(items) + 1)) for _ in values)
        to.require(plain(kinds.GlobalCardinality(items, values, numbers, False)))
        limits = [to.linear({number: 1}, ">=", low) for number, low in zip(numbers, least, strict=True)]
        limits += [to.linear({number: 1}, "<=", high) for number, high in zip(numbers, most, strict=True)]
        if closed:
            limits.append(to.linear(dict.fromkeys(numbers, 1), "==", len(items)))
        return limits

    return rule


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
    to.require(plain(kinds.BinPacking(tuple(bins), tuple(sizes), tuple(loads))))
    limits = [to.linear({load: 1}, "<=", most) for load, most in zip(loads[1:], capacities, strict=False)]
    inside = [to.linear({each: 1}, "<=", len(capacities)) for each in bins if isinstance(each, str)]
    return [*(at_least(to, each, 1) for each in bins), *inside, *limits]


def _bin_packing_loads(to: Builder, arguments: list[Value]) -> list[Stated]:
    loads, bins, sizes = to.terms(arguments[0]), to.terms(arguments[1]), to.integers(arguments[2])
    # Bins count from 1: bin 0 stays empty.
    return [*(at_least(to, each, 1) for each in bins), plain(kinds.BinPacking(bins, sizes, (0, *loads)))]


def _knapsack(to: Builder, arguments: list[Value]) -> list[Stated]:
    weights, profits = map(to.integers, arguments[:2])
    counts, weight, profit = to.terms(arguments[2]), to.term(arguments[3]), to.term(arguments[4])
    packed = kinds.Knapsack(counts, weights, weight, profits, profit)
    return [*(at_least(to, each, 0) for each in counts), plain(packed)]


def _member_of(to: Builder, arguments: list[Value]) -> Stated:
    return _counted(to, to.terms(arguments[0]), to.term(arguments[1]), ">=", 1)


COUNTING: dict[str, tuple[Rule, tuple[int, ...]]] = {
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
    "fzn_global_cardinality": (_cardinality(False), (3,)),
    "fzn_global_cardinality_closed": (_cardinality(True), (3,)),
    "fzn_global_cardinality_low_up": (_cardinality_between(False), (4,)),
    "fzn_global_cardinality_low_up_closed": (_cardinality_between(True), (4,)),
    "fzn_bin_packing": (_bin_packing, (3,)),
    "fzn_bin_packing_capa": (_bin_packing_capacities, (3,)),
    "fzn_bin_packing_load": (_bin_packing_loads, (3,)),
    "fzn_knapsack": (_knapsack, (5,)),
}
"""How each constraint is stated, and how many arguments it has without the Boolean of ``_reif`` and ``_imp``."""
