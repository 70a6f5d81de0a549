"""The tests check the shapes that annotations state, where jaxtyping and beartype are installed; mull runs without them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from mull.engine import compile_problems
from mull.problems import load


def test_a_wrong_shape_is_refused() -> None:
    jaxtyping = pytest.importorskip("jaxtyping")
    pytest.importorskip("beartype")
    instance = compile_problems(load("queens:4"), copies=3)
    right = torch.zeros(3, 4, dtype=torch.int64)
    assert instance.violations(right).shape == (3,)
    for wrong in (right[0], right.float(), right[..., None]):
        with pytest.raises(jaxtyping.TypeCheckError):
            instance.violations(wrong)


def test_mull_needs_no_jaxtyping() -> None:
    code = """
import sys
sys.modules["jaxtyping"] = sys.modules["beartype"] = None
import mull
import mull.engine.training.loss, mull.solvers.decimation
from mull.engine import compile_problems
assert compile_problems(mull.load("queens:6")).uniform().shape == (1, 6, 6)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
