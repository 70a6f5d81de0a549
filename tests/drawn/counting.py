"""The kinds that count, pack or order terms."""

from typing import Any

from hypothesis import strategies as st

from mull.engine import (
    AllDifferentLists,
    AllEqual,
    Among,
    BinPacking,
    GlobalCardinality,
    Increasing,
    Knapsack,
    LexLess,
    LexLessEq,
    NValues,
    Precedence,
)

from .parts import SMALL, terms


def _one(draw: Any, names: list[str]) -> Any:
    return draw(st.one_of(st.sampled_from(names), SMALL))


def _values(draw: Any, least: int, most: int) -> Any:
    return tuple(draw(st.lists(SMALL, min_size=least, max_size=most, unique=True)))


def _among(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return Among(draw(terms(names, 1, 4)), _values(draw, 0, 2), _one(draw, names))


def _n_values(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return NValues(draw(terms(names, 1, 4)), _one(draw, names), _values(draw, 0, 1))


def _all_equal(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return AllEqual(draw(terms(names, 1, 4)), _values(draw, 0, 1))


def _all_different_lists(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    width = draw(st.integers(1, 2))
    rows = [draw(terms(names, width, width)) for _ in range(draw(st.integers(1, 3)))]
    exempt = draw(st.lists(st.tuples(*[SMALL] * width), max_size=1))
    return AllDifferentLists(tuple(rows), tuple(exempt))


def _global_cardinality(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    values = draw(st.lists(SMALL, min_size=1, max_size=3))
    counts = draw(terms(names, len(values), len(values)))
    return GlobalCardinality(draw(terms(names, 1, 4)), tuple(values), counts, draw(st.booleans()))


def _increasing(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return Increasing(draw(terms(names, 1, 4)), draw(st.booleans()))


def _bin_packing(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    bins = draw(terms(names, 1, 3))
    sizes = draw(st.lists(st.integers(0, 2), min_size=len(bins), max_size=len(bins)))
    return BinPacking(bins, tuple(sizes), draw(terms(names, 1, 3)))


def _knapsack(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    counts = draw(terms(names, 1, 3))
    each = st.lists(SMALL, min_size=len(counts), max_size=len(counts)).map(tuple)
    return Knapsack(counts, draw(each), _one(draw, names), draw(each), _one(draw, names))


def _lex(kind: Any) -> Any:
    def drawn(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
        length = draw(st.integers(1, 3))
        return kind(draw(terms(names, length, length)), draw(terms(names, length, length)))

    return drawn


def _precedence(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return Precedence(draw(terms(names, 1, 4)), tuple(draw(st.lists(SMALL, max_size=3))))


DRAWN = {
    "AllDifferentLists": _all_different_lists,
    "AllEqual": _all_equal,
    "Among": _among,
    "BinPacking": _bin_packing,
    "GlobalCardinality": _global_cardinality,
    "Increasing": _increasing,
    "Knapsack": _knapsack,
    "LexLess": _lex(LexLess),
    "LexLessEq": _lex(LexLessEq),
    "NValues": _n_values,
    "Precedence": _precedence,
}
