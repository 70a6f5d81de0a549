"""The kinds that state a function of terms."""

from hypothesis import strategies as st

from mull.engine import Abs, Division, Maximum, Minimum, Modulo, Power, Product

from .parts import SMALL, terms


def _one(draw, names):
    return draw(st.one_of(st.sampled_from(names), SMALL))


def _of_list(kind):
    return lambda draw, names, domains: kind(draw(terms(names, 1, 3)), _one(draw, names))


def _of_two(kind):
    def drawn(draw, names, domains):
        left, right = draw(terms(names, 2, 2))
        return kind(left, right, _one(draw, names))

    return drawn


def _abs(draw, names, domains):
    return Abs(draw(st.sampled_from(names)), _one(draw, names))


DRAWN = {
    "Abs": _abs,
    "Division": _of_two(Division),
    "Maximum": _of_list(Maximum),
    "Minimum": _of_list(Minimum),
    "Modulo": _of_two(Modulo),
    "Power": _of_two(Power),
    "Product": _of_list(Product),
}
