"""``solve history show``."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from mull.terminal import several

from .. import completion
from ..common import json_option, store_option
from .chart import chart
from .filters import open_existing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mull.engine import Trace
    from mull.engine.store import RunRow

DRAWN = 10
"""Of several answers so many are drawn."""


@click.command("show")
@click.argument("run_id", metavar="ID", shell_complete=completion.ids)
@json_option
@store_option
def history_show(run_id: str, as_json: bool, url: str | None) -> None:
    """Show one run: by its id, the start or the end of it, or `last`."""
    with open_existing(url) as store:
        row = store.run(run_id)
        if as_json:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
            return
        for line in _described(row):  # at once: to draw the answer takes the problem's family, and that torch
            click.echo(line)


def _described(row: RunRow) -> Iterator[str]:
    """What, by whom, where, how it went, and the answer drawn."""
    options = " ".join(f"{key}={value}" for key, value in row.options.items() if value is not None)
    limits = {key: value for key, value in (row.budget or {}).items() if value is not None and key != "copies"}
    budget = " ".join(f"{key}={value:g}" for key, value in limits.items())
    objective = "" if row.objective is None else f", objective {row.objective}"
    wall = "" if row.wall is None else f" of solving ({row.wall:.3f} s of the call)"
    violations = "no assignment" if row.violations is None else f"{row.violations} violated"
    yield f"run        {row.id}, {row.created:%Y-%m-%d %H:%M:%S}"
    yield f"problem    {row.source} ({row.family}, {row.size} variables, {row.problem[:12]})"
    yield f"solver     {row.solver} {row.version}{f' by {row.via}' if row.via else ''}, seed {row.seed}"
    yield f"options    {options or '-'}"
    if row.checkpoint is not None:
        yield f"weights    sha256 {row.checkpoint}"
    yield f"budget     {budget or ('unknown' if row.budget is None else 'none')}"
    yield f"ran on     {row.host}, {row.device}"
    yield f"versions   {' '.join(f'{name} {version}' for name, version in row.versions.items())}"
    yield f"outcome    {row.status}{f': {row.detail}' if row.detail else ''}"
    yield f"           {row.iterations} iterations, {row.seconds:.3f} s{wall}, {violations}{objective}"
    if row.distinct is not None:
        accuracy = "" if row.accuracy is None else f", accuracy {row.accuracy:.1%}"
        yield f"solutions  {several(row)}{accuracy}"
    if row.trace is not None and len(row.trace.iteration):
        yield from _course(row.trace, row.family == "training")
    if row.assignment is not None:
        yield from _answers(row)


def _course(trace: Trace, training: bool) -> Iterator[str]:
    """Energy and violations by iteration, in dots where the output's encoding has them; of a training its loss."""
    width = min(shutil.get_terminal_size().columns, 100)
    try:
        "⣿│└─".encode(sys.stdout.encoding or "ascii")
        braille = True
    except (UnicodeEncodeError, LookupError):
        braille = False
    lines = {"energy by iteration": trace.energy, "violations by iteration": trace.violations}
    if training:  # see solvers.teach.Lesson
        lines = {"loss by step": trace.energy, "share not solved by step": trace.residual}
    for title, values in lines.items():
        yield ""
        yield from chart(title, trace.iteration.tolist(), values.tolist(), width, braille=braille)


def _answers(row: RunRow) -> Iterator[str]:
    from mull.problems import families

    known = families()
    draw = (known.get(row.family) or known["graph"]).draw
    answers = row.solutions or (row.assignment or {},)
    for assignment in answers[:DRAWN]:
        yield ""
        yield draw(assignment)
    if len(answers) > DRAWN:
        yield f"\nand {len(answers) - DRAWN} more: --json has them all"
