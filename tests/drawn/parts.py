"""Parts of constraints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

SMALL = st.integers(-2, 3)

DRAWN: dict[str, Callable[..., Any]] = {}


def scopes(names: Sequence[str], least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    """Distinct variables."""
    return st.lists(st.sampled_from(names), min_size=least, max_size=len(names), unique=True).map(tuple)


def terms(names: Sequence[str], least: int, most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """A tuple of variables and constants with at least one variable, which may repeat."""
    each = st.one_of(st.sampled_from(names), SMALL)
    return st.lists(each, min_size=least, max_size=most).map(tuple).map(lambda found: _with_variable(found, names))


def _with_variable(found: tuple[Any, ...], names: Sequence[str]) -> tuple[Any, ...]:
    return found if any(isinstance(term, str) for term in found) else (names[0], *found[1:])
