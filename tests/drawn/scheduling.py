"""Tasks and rectangles."""

from hypothesis import strategies as st

from mull.engine.constraints import Cumulative, NoOverlap, NoOverlap2D

from .parts import terms


def _lists(draw, names, count):
    size = draw(st.integers(1, 3))
    return [draw(terms(names, size, size)) for _ in range(count)]


def _cumulative(draw, names, domains):
    return Cumulative(*_lists(draw, names, 3), draw(terms(names, 1, 1))[0] if draw(st.booleans()) else 2)


def _no_overlap(draw, names, domains):
    return NoOverlap(*_lists(draw, names, 2))


def _no_overlap_2d(draw, names, domains):
    return NoOverlap2D(*_lists(draw, names, 4))


DRAWN = {"Cumulative": _cumulative, "NoOverlap": _no_overlap, "NoOverlap2D": _no_overlap_2d}
