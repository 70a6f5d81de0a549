"""The comparison that a bench prints: a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from mull.engine.status import amount

from ..tables import table

if TYPE_CHECKING:
    from mull.engine.store.bench import BenchSummary
    from mull.engine.store.rows import RunRow


def print_table(summaries: Sequence[BenchSummary]) -> None:
    """Print one line for each solver, and the ties; a star marks the best figure of a column.

    Args:
        summaries: the solvers, best first.
    """
    optimised = any(s.optimised for s in summaries)
    stars = _stars(summaries)
    columns = ["solver", "runs", "solved", "proved", "failed", "PAR-2 s"]
    columns += ["best objective", "gap area s"] if optimised else []
    rows = []
    for s in summaries:
        cells = {
            "solved": f"{s.solved}/{s.runs}",
            "proved": str(s.proved),
            "par2": f"{s.par2:.3g}",
            "best": f"{s.best}/{s.optimised} ({s.tied} tied)",
            "gap": "-" if s.gap is None else f"{s.gap:.3g}",
        }
        cells = {name: f"{text} *" if s.solver in stars[name] else text for name, text in cells.items()}
        row = [s.solver, str(s.runs), cells["solved"], cells["proved"], str(s.failed), cells["par2"]]
        rows.append([*row, cells["best"], cells["gap"]] if optimised else row)
    table(columns, rows)
    titles = {"solved": "solved", "proved": "proved", "par2": "PAR-2", "best": "best objective", "gap": "gap area"}
    for name, title in titles.items():
        if len(stars[name]) > 1:
            click.echo(f"tie: {title}: {', '.join(sorted(stars[name]))}")


def _stars(summaries: Sequence[BenchSummary]) -> dict[str, set[str]]:
    """Figure -> the solvers with its best value; none if there is one solver, or the numbers of runs differ."""
    costs: dict[str, list[float]] = {
        "solved": [-s.solved for s in summaries],
        "proved": [-s.proved for s in summaries],
        "par2": [s.par2 for s in summaries],
        "best": [-s.best for s in summaries],
        "gap": [float("inf") if s.gap is None else s.gap for s in summaries],
    }
    comparable = len(summaries) > 1 and len({(s.runs, s.optimised) for s in summaries}) == 1
    least = {name: min(values) for name, values in costs.items()}
    useless: dict[str, float] = {"best": 0, "solved": 0, "proved": 0, "gap": float("inf")}
    return {
        name: {s.solver for s, cost in zip(summaries, values, strict=True) if cost == least[name]}
        if comparable and useless.get(name) != least[name]
        else set()
        for name, values in costs.items()
    }


def print_csv(summaries: Sequence[BenchSummary]) -> None:
    """Print one line for each solver as CSV, with a header."""
    from mull.engine.store.bench import BenchSummary

    text = io.StringIO()
    lines = csv.DictWriter(text, [field.name for field in fields(BenchSummary)], lineterminator="\n")
    lines.writeheader()
    lines.writerows(summary.to_json() for summary in summaries)
    click.echo(text.getvalue(), nl=False)


def print_json(
    about: Mapping[str, Any],
    summaries: Sequence[BenchSummary],
    rows: Sequence[RunRow],
    skipped: Mapping[str, str],
) -> None:
    """Print a JSON object of the whole bench.

    Args:
        about: its name and settings.
        summaries: the solvers, best first.
        rows: the runs, oldest first.
        skipped: file that could not be read -> the reason.
    """
    data = {
        **about,
        "summaries": [s.to_json() for s in summaries],
        "runs": [row.to_json() for row in rows],
        "skipped": [{"file": file, "reason": reason} for file, reason in skipped.items()],
    }
    click.echo(json.dumps(data, ensure_ascii=False))


def say_skipped(skipped: Mapping[str, str]) -> None:
    """Print on stderr how many files could not be read."""
    if skipped:
        click.echo(f"{amount(len(skipped), 'files')} could not be read, and counted for no solver", err=True)
