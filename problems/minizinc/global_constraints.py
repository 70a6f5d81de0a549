"""Global constraints of FlatZinc on orders, circuits, tables, automata and schedules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from ...engine import constraints as kinds
from ...engine.values import Term
from .build import Builder
from .draft import Stated
from .rules import Rule, extreme, plain
from .syntax import Value


def _all_different(to: Builder, arguments: list[Value]) -> Stated:
    return kinds.AllDifferent(to.distinct(to.terms(arguments[0])))


def _all_different_except(to: Builder, arguments: list[Value]) -> Stated:
    exempt = (0,) if len(arguments) == 1 else tuple(sorted(to.values(arguments[1])))
    return kinds.AllDifferent(to.distinct(to.terms(arguments[0])), exempt)


def _list(kind: Any, **fixed: Any) -> Rule:
    return lambda to, arguments: plain(kind(to.terms(arguments[0]), **fixed))


def _decreasing(strict: bool) -> Rule:
    return lambda to, arguments: plain(kinds.Increasing(to.terms(arguments[0])[::-1], strict))


def _lists(kind: Any) -> Rule:
    return lambda to, arguments: plain(kind(*map(to.terms, arguments)))


def _circuit(to: Builder, arguments: list[Value]) -> list[Stated]:
    successors = to.terms(arguments[0])
    alone = [to.compare((1,), (term,), "!=", i) for i, term in enumerate(successors, 1)] if len(successors) > 1 else []
    return [*alone, _subcircuit(to, arguments)]


def _subcircuit(to: Builder, arguments: list[Value]) -> Stated:
    return plain(kinds.SubCircuit((0, *to.terms(arguments[0]))))  # vertices count from 1: vertex 0 stays alone


def _inverse(to: Builder, arguments: list[Value]) -> Stated:
    forward, backward = map(to.terms, arguments)
    return plain(kinds.Inverse((0, *forward), (0, *backward)))


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
    return plain(kinds.Regular(items, arcs, start, tuple(q for q in sorted(accepting) if 1 <= q <= states)))


def _cumulative(to: Builder, arguments: list[Value]) -> Stated:
    starts, durations, demands = map(to.terms, arguments[:3])
    return plain(kinds.Cumulative(starts, durations, demands, to.term(arguments[3])))


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
            before.append(to.truth(to.compare((1, 1, -1), (place[a], size[a], place[b]), "<=")))
    return to.clause(before)


def _precede(to: Builder, arguments: list[Value]) -> Stated:
    values = (to.integer(arguments[0]), to.integer(arguments[1]))
    return plain(kinds.Precedence(to.terms(arguments[2]), values))


def _precede_chain(to: Builder, arguments: list[Value]) -> Stated:
    return plain(kinds.Precedence(to.terms(arguments[1]), to.integers(arguments[0])))


def _symmetric(to: Builder, arguments: list[Value]) -> Stated:
    return _inverse(to, [arguments[0], arguments[0]])


GLOBALS: dict[str, tuple[Rule, tuple[int, ...]]] = {
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
    "fzn_minimum_int": (extreme(kinds.Minimum), (2,)),
    "fzn_maximum_int": (extreme(kinds.Maximum), (2,)),
    "fzn_value_precede_int": (_precede, (3,)),
    "fzn_value_precede_chain_int": (_precede_chain, (2,)),
}
"""How each constraint is stated, and how many arguments it has without the Boolean of ``_reif`` and ``_imp``."""
