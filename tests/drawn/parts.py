"""Parts of constraints."""

from hypothesis import strategies as st

SMALL = st.integers(-2, 3)

DRAWN = {}


def scopes(names, least=1):
    """Distinct variables."""
    return st.lists(st.sampled_from(names), min_size=least, max_size=len(names), unique=True).map(tuple)


def terms(names, least, most):
    """A tuple of variables and constants with at least one variable, which may repeat."""
    each = st.one_of(st.sampled_from(names), SMALL)
    return st.lists(each, min_size=least, max_size=most).map(tuple).map(lambda found: _with_variable(found, names))


def _with_variable(found, names):
    return found if any(isinstance(term, str) for term in found) else (names[0], *found[1:])
