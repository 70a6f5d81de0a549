"""The tests check the shapes that annotations state, if jaxtyping and beartype are installed; mull runs without them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from mull.engine import Instance, compile_problems
from mull.engine.role_tensors import stack_roles
from mull.engine.training.loss import Target
from mull.problems import load
from mull.solvers.ebt import Ebt, EbtNet
from mull.solvers.gram import balanced_kl
from mull.solvers.ired import Ired, IredNet

checked = pytest.mark.skipif(
    not (find_spec("jaxtyping") and find_spec("beartype")), reason="jaxtyping or beartype is not installed"
)
SIZES = {"hidden": 16, "inner": 16, "layers": 1}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return compile_problems(load("queens:4"), copies=3)


def refuses(function: Callable[[Tensor], object], *wrong: Tensor) -> None:
    """Each wrong argument raises an error of the shape."""
    for argument in wrong:
        with pytest.raises(TypeError, match="Type-check"):
            function(argument)


@checked
def test_assignments_of_a_wrong_shape_are_refused(instance: Instance) -> None:
    right = torch.zeros(3, 4, dtype=torch.int64)
    assert instance.violations(right).shape == (3,)
    refuses(instance.violations, right[0], right.float(), right[..., None])


@checked
def test_row_numbers_of_a_wrong_shape_are_refused(instance: Instance) -> None:
    _, v, d = instance.shape
    roles = stack_roles([graph.roles for graph in instance.graphs], v, d, ["all_different"])
    rows = torch.tensor([0, 0, 0])
    roles["all_different"].rows(rows)
    refuses(roles["all_different"].rows, rows[None], rows.float())


@checked
def test_candidates_of_a_wrong_shape_are_refused(instance: Instance) -> None:
    energies, denoising = Ebt(**SIZES), Ired(**SIZES)
    shape = energies.shape(roles=tuple(instance.graphs[0].roles))
    ebt, ired = energies.reasoner(shape), denoising.reasoner(shape)
    assert isinstance(ebt, EbtNet)
    assert isinstance(ired, IredNet)
    view = ebt.backbone.view(instance)
    answer = torch.zeros(3, 4, dtype=torch.int64)
    assert ebt.energies(view, answer).shape == (3,)
    refuses(lambda wrong: ebt.energies(view, wrong), answer[0], answer.float())
    x, beliefs = ebt.backbone.embed(view), torch.zeros(instance.shape)
    assert ebt.energy(beliefs, x, view)[0].shape == (3,)
    refuses(lambda wrong: ebt.energy(wrong, x, view), beliefs[0], beliefs.long())
    t = torch.ones(3, dtype=torch.int64)
    assert ired.alpha_bar(t).shape == (3, 1, 1)
    refuses(ired.alpha_bar, t[:, None], t.float())


@checked
def test_targets_and_moments_of_a_wrong_shape_are_refused(instance: Instance) -> None:
    target = Target(torch.zeros(3, 4, dtype=torch.int64), instance.allowed, instance.free)
    logits = torch.zeros(instance.shape)
    assert target.cross_entropy(logits).shape == (3,)
    refuses(target.cross_entropy, logits[0], logits.long())
    moments = torch.zeros(3, 4, 5), torch.ones(3, 4, 5)
    assert balanced_kl(moments, moments).shape == (3,)
    refuses(lambda wrong: balanced_kl((wrong, wrong + 1), (wrong, wrong + 1)), torch.zeros(3, 4, 5, 6))


def test_mull_needs_no_jaxtyping() -> None:
    code = """
import sys
sys.modules["jaxtyping"] = sys.modules["beartype"] = None
import mull
task = mull.Task(mull.Budget(seconds=None, iterations=5000))
assert mull.solve(mull.load("queens:5"), "descent", task)[0].status.solved
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
