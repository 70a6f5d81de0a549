"""``solve solvers check``: the conformance suite on one solver."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from .. import completion
from ..common import json_option

if TYPE_CHECKING:
    from mull.engine import AbstractSolver


LABELS = {"ok": "ok", "skipped": "skipped", "failed": "FAILED"}
STEPS = 100
"""Training steps after which a small lattice net solves most 4x4 Sudokus."""


@click.command("check")
@click.argument("name", shell_complete=completion.solvers)
@json_option
def solvers_check(name: str, as_json: bool) -> int:
    """Run the conformance checks on a solver.

    Every built-in solver passes them. A learned solver without weights for the small problems of the checks is first
    trained on 4x4 Sudokus for a few seconds. These weights are deleted afterwards.

    Exit code: 0 if no check failed, 1 otherwise.
    """
    from mull.plugins import load
    from mull.plugins.conformance import CHECKS, outcome

    solver = load(name)
    counts = {"ok": 0, "skipped": 0, "failed": 0}
    with _temporary_weights(solver):
        for check in CHECKS:
            status, reason = outcome(check, solver)
            counts[status] += 1
            what = (check.__doc__ or "").strip().split("\n")[0]
            if as_json:
                fault = reason if status == "failed" else None
                row = {"check": check.__name__, "what": what, "status": status, "fault": fault, "reason": reason}
                click.echo(json.dumps(row))
            else:
                click.echo(f"{LABELS[status]:<9}{what}" + (f"\n         {reason}" if reason else ""))
    skipped = f", {counts['skipped']} skipped because they do not apply" if counts["skipped"] else ""
    click.echo(f"{name}: {counts['ok']} of {len(CHECKS)} checks pass{skipped}", err=True)
    return 1 if counts["failed"] else 0


@contextmanager
def _temporary_weights(solver: type[AbstractSolver]) -> Iterator[None]:
    """Train a learned solver that has no weights for the checks' problems; delete the weights at the end."""
    from mull.plugins.conformance import satisfiable
    from mull.solvers.learned import Learned

    if not issubclass(solver, Learned) or any(solver().supports(p.graph) is None for p in satisfiable()):
        yield
        return
    from mull.engine.weights import HOME

    click.echo(f"{solver.name} has no weights for the small problems of the checks: training for seconds", err=True)
    before = os.environ.get(HOME)
    with TemporaryDirectory() as folder:
        os.environ[HOME] = folder
        try:
            _train_briefly(solver, Path(folder))
            yield
        finally:
            os.environ.pop(HOME)
            if before is not None:
                os.environ[HOME] = before


def _train_briefly(solver: type[AbstractSolver], folder: Path) -> None:
    from mull import __version__
    from mull.engine.training import Recipe
    from mull.problems.streams import stream
    from mull.solvers.learned import Learned
    from mull.solvers.train import train

    assert issubclass(solver, Learned)
    sizes: dict[str, Any] = {"hidden": 32, "inner": 64}
    if "lattice" in solver.presets[solver.model_fields["preset"].default]:
        sizes["backbone"] = "lattice"  # else the first backbone of the preset, which a plugin may have added
    small = solver(**sizes)
    recipe = Recipe(batch=32, lr=1e-2, warmup=10, ema=0.9, block=1, validation=0)
    pair = (stream("sudoku:4:0.5"), stream("sudoku:4:0.5", "validation"))
    train(small, [pair], recipe, name="practice", folder=folder, version=__version__, steps=STEPS)
