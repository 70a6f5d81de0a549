"""The contract that every mull solver keeps: its checks are tests that ask for one fixture."""

import pytest
from mull_bifurcation import Bifurcation

from mull.plugins.conformance import TestContract  # noqa: F401  (pytest finds its tests)


@pytest.fixture
def solver() -> type[Bifurcation]:
    return Bifurcation
