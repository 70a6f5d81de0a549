"""The examples in docstrings run and print what they state."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "compile",
    "constraints.base",
    "constraints.registry",
    "constraints.terms",
    "deprecation",
    "errors",
    "factor",
    "graph",
    "objective",
    "posting",
    "preferences",
    "problem",
    "random",
]
"""The modules of ``mull.engine`` whose examples are complete. Examples elsewhere leave out what they need."""


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"mull.engine.{name}"))
    assert result.attempted
    assert not result.failed
