"""Automata and decision diagrams."""

from typing import Any

from hypothesis import strategies as st

from mull.engine.constraints import MDD, Regular

from .parts import SMALL, terms

STATES = st.integers(0, 2)


def _regular(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    transitions = draw(st.lists(st.tuples(STATES, SMALL, STATES), max_size=9))
    accepting = draw(st.lists(STATES, max_size=3, unique=True))
    return Regular(draw(terms(names, 1, 4)), tuple(transitions), draw(STATES), tuple(accepting))


def _mdd(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    items = draw(terms(names, 1, 4))
    levels = range(len(items))
    arcs = [(level * 3, level * 3 + 3) for level in levels]  # node = 3 * level + 0, 1 or 2; the root is 0
    steps = st.tuples(STATES, SMALL, STATES)
    transitions = [
        (low + (a if low else 0), value, high + b)
        for low, high in arcs
        for a, value, b in draw(st.lists(steps, max_size=4))
    ]
    last = 3 * len(items)
    return MDD(items, tuple(transitions), 0, tuple(last + state for state in draw(st.lists(STATES, unique=True))))


DRAWN = {"MDD": _mdd, "Regular": _regular}
