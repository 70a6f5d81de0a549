"""mull's conformance checks. They need one fixture: the solver class."""

import pytest
from mull_bifurcation import Bifurcation

from mull.plugins.conformance import TestContract  # noqa: F401  (pytest collects its tests)


@pytest.fixture
def solver() -> type[Bifurcation]:
    return Bifurcation
