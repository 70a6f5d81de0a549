"""A process forked after torch was used solves, although the threads of its parent's pool do not exist in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import os, signal, torch
from mull.engine import Budget, Task, solve
from mull.problems import load
from mull.solvers.descent import Descent

torch.set_num_threads(2)
task = lambda: Task(Budget(seconds=None, iterations=10))
solve(load("sat:150:600"), Descent(), task())
child = os.fork()
if not child:
    signal.alarm(60)
    solve(load("sat:150:600"), Descent(), task())
    os._exit(torch.get_num_threads() != 1)
os._exit(os.waitpid(child, 0)[1] != 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_solves_with_one_thread() -> None:
    assert subprocess.run([sys.executable, "-c", PROGRAM], check=False).returncode == 0
