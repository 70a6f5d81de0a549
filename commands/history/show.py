"""``solve history show``: one run with its trace and its answers."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from mull.terminal import solutions_summary

from .. import completion
from ..common import json_option, store_option
from ..tables import quantity
from .chart import chart
from .filters import open_existing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mull.engine import Trace
    from mull.engine.store import RunRow

MAX_DRAWN = 10
"""Answers drawn of a run with several solutions."""
LAID_OUT = ("acrostic", "cryptogram")
"""Families whose answers are readable only with the words of the stored graph."""


@click.command("show")
@click.argument("run_id", metavar="ID", shell_complete=completion.ids)
@json_option
@store_option
def history_show(run_id: str, as_json: bool, url: str | None) -> None:
    """Show one run: how it was made, its trace and its answer.

    ID is the id of a run, its first or last characters, or `last` for the newest run.
    """
    with open_existing(url) as store:
        row = store.run(run_id)
        if as_json:
            click.echo(json.dumps(row.to_json(), ensure_ascii=False))
            return
        # Each line is printed at once: drawing the answer imports the problem's family, and with it torch for a second.
        for line in described(row):
            click.echo(line)


def described(row: RunRow) -> Iterator[str]:
    """The lines that describe a run: problem, solver, budget, outcome, trace and answer.

    Args:
        row: the run, with its trace and answer.
    """
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
    if row.flops is not None or row.joules is not None:
        costs = [quantity(v, unit) for v, unit in ((row.flops, "FLOPs"), (row.joules, "J")) if v is not None]
        yield f"cost       {', '.join(costs)}"
    if row.distinct is not None:
        accuracy = "" if row.accuracy is None else f", accuracy {row.accuracy:.1%}"
        yield f"solutions  {solutions_summary(row)}{accuracy}"
    if row.trace is not None and len(row.trace.iteration):
        yield from _trace_charts(row.trace, row.family == "training")
    if row.assignment is not None:
        yield from _answers(row)


def _trace_charts(trace: Trace, training: bool) -> Iterator[str]:
    """Charts of energy and violations by iteration, or of the loss of a training.

    They use braille characters if the encoding of the output contains them.
    """
    width = min(shutil.get_terminal_size().columns, 100)
    try:
        "⣿│└─".encode(sys.stdout.encoding or "ascii")
        braille = True
    except (UnicodeEncodeError, LookupError):
        braille = False
    lines = {"energy by iteration": trace.energy, "violations by iteration": trace.violations}
    if training:  # a training stores its loss as energy, and the unsolved share as residual
        lines = {"loss by step": trace.energy, "share not solved by step": trace.residual}
    for title, values in lines.items():
        yield ""
        yield from chart(title, trace.iteration.tolist(), values.tolist(), width, braille=braille)


def _answers(row: RunRow) -> Iterator[str]:
    from mull.engine import Problem
    from mull.problems import families

    known = families()
    family = known.get(row.family) or known["graph"]
    draw = family.draw
    if row.payload and row.family in LAID_OUT:
        draw = family.restored(Problem.from_json(row.payload), row.objective is not None).show
    hidden = frozenset((row.payload or {}).get("auxiliary", ()))
    answers = row.solutions or (row.assignment or {},)
    for assignment in answers[:MAX_DRAWN]:
        yield ""
        shown = assignment if row.family in LAID_OUT else {n: v for n, v in assignment.items() if n not in hidden}
        yield draw(shown)
    if len(answers) > MAX_DRAWN:
        yield f"\nand {len(answers) - MAX_DRAWN} more; --json prints all"
