"""Small graphs of every constraint kind, drawn by hypothesis.

A kind of mull's own needs an entry in the ``DRAWN`` dictionary of one of these modules: a function
``(draw, names, domains) -> Constraint`` over a graph of 2 to 4 variables with 1 to 3 values each.
``DOMAINS`` may hold, for the same kind, a function ``(draw, size) -> domains`` where the kind needs special ones.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from mull.engine import ConstraintGraph

Draw = Callable[[st.SearchStrategy[Any]], Any]

DRAWN: dict[str, Callable[..., Any]] = {}
DOMAINS: dict[str, Callable[..., Any]] = {}

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    _found = importlib.import_module(_module.name)
    DRAWN |= _found.DRAWN
    DOMAINS |= getattr(_found, "DOMAINS", {})


@st.composite
def graphs(draw: Draw, kind: str) -> ConstraintGraph:
    """A small graph of one kind: 2 to 4 variables, 1 to 3 constraints."""
    size = draw(st.integers(2, 4))
    domains = DOMAINS.get(kind, _any)(draw, size)
    names = list(domains)
    return ConstraintGraph(domains, [DRAWN[kind](draw, names, domains) for _ in range(draw(st.integers(1, 3)))])


def _any(draw: Draw, size: int) -> dict[str, tuple[int, ...]]:
    values = st.lists(st.integers(-2, 3), min_size=1, max_size=3, unique=True)
    return {f"v{i}": tuple(draw(values)) for i in range(size)}
