"""The kinds that state a function of terms."""

from typing import Any

from hypothesis import strategies as st

from mull.engine import Abs, Division, Maximum, Minimum, Modulo, Power, Product

from .parts import SMALL, terms


def _one(draw: Any, names: list[str]) -> Any:
    return draw(st.one_of(st.sampled_from(names), SMALL))


def _of_list(kind: Any) -> Any:
    return lambda draw, names, domains: kind(draw(terms(names, 1, 3)), _one(draw, names))


def _of_two(kind: Any) -> Any:
    def drawn(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
        left, right = draw(terms(names, 2, 2))
        return kind(left, right, _one(draw, names))

    return drawn


def _abs(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
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
