"""The examples in docstrings run and print what they state."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import mull

EXAMPLE = re.compile(r"^\s+>>> ", re.MULTILINE)


def modules() -> list[str]:
    """The modules of the package whose source has an example."""
    found = pkgutil.walk_packages(mull.__path__, "mull.")
    return sorted(each.name for each in found if EXAMPLE.search(_source(each)))


def _source(module: pkgutil.ModuleInfo) -> str:
    spec = module.module_finder.find_spec(module.name, None)
    return Path(spec.origin).read_text() if spec and spec.origin else ""


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert not result.failed
