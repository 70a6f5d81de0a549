"""Tasks and rectangles."""

from typing import Any

from hypothesis import strategies as st

from mull.engine.constraints import Cumulative, NoOverlap, NoOverlap2D

from .parts import terms


def _lists(draw: Any, names: list[str], count: int) -> Any:
    size = draw(st.integers(1, 3))
    return [draw(terms(names, size, size)) for _ in range(count)]


def _cumulative(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    starts, durations, demands = _lists(draw, names, 3)
    return Cumulative(starts, durations, demands, draw(terms(names, 1, 1))[0] if draw(st.booleans()) else 2)


def _no_overlap(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return NoOverlap(*_lists(draw, names, 2))


def _no_overlap_2d(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return NoOverlap2D(*_lists(draw, names, 4))


DRAWN = {"Cumulative": _cumulative, "NoOverlap": _no_overlap, "NoOverlap2D": _no_overlap_2d}
