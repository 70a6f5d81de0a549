"""What ``solve`` shows: answers and tables on stdout, progress and the settling grid on stderr."""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from rich.console import Console

    from mull.engine import Problem, Progress, Solution, Solver
    from mull.engine.checkpoint import Card
    from mull.engine.store import RunRow
    from mull.engine.training import TrainingProgress

SHOWN = 10
"""Answers are drawn for calls of at most this many problems; larger ones get a line each."""

LINE_SECONDS = 10.0
"""Between two lines about a training where stderr is no terminal."""

SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
"""The words of pydantic's bounds, as people write them."""


class Screen:
    """What a run shows: solutions on stdout in the order of the problems, progress on stderr where that is a terminal."""

    def __init__(self, problems: Sequence[Problem], solver: str, watch: bool, as_json: bool) -> None:
        self.place = {id(problem): i for i, problem in enumerate(problems)}
        self.problems = problems
        self.as_json = as_json
        self.watch = watch
        self.ready: dict[int, Solution] = {}
        self.printed = 0
        self.answered = 0
        self.solver = solver
        self.drawn = 0.0
        self.live: Any = None

    def __enter__(self) -> Self:
        if self.watch or sys.stderr.isatty():
            from rich.live import Live

            self.live = Live("", console=console(sys.stderr), refresh_per_second=8, transient=True)
            self.live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self.live is not None:
            self.live.__exit__(*error)

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.live is None or now - self.drawn < 0.1:
            return
        self.drawn = now
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        wrong = f", {progress.violations} violated" if progress.violations >= 0 else ""
        line = f"{progress.solver}: {self.answered}/{len(self.problems)}, iteration {progress.iteration}{wrong} "
        parts: list[Any] = [Text(line), ProgressBar(len(self.problems), self.answered, width=40)]
        if self.watch:
            view = progress.view()
            parts.insert(0, Text(progress.problem.show(view) if view else ""))
        self.live.update(Group(*parts))

    def notice(self, text: str) -> None:
        click.echo(text, err=True)

    def solution(self, solution: Solution) -> None:
        self.answered += 1
        self.ready[self.place[id(solution.problem)]] = solution
        while self.printed in self.ready:
            self._print(self.ready.pop(self.printed))
            self.printed += 1

    def _print(self, s: Solution) -> None:
        if self.as_json:
            text = json.dumps(s.to_json(), ensure_ascii=False)
        else:
            by = f"{s.solver} ({s.via})" if s.via else s.solver
            goal = f", objective {s.objective}" if s.objective is not None else ""
            wrong = f", {s.violations} violated" if s.violations > 0 else ""
            text = f"{s.problem.source}: {s.status} by {by}, {s.iterations} iterations, {s.seconds:.2f} s{goal}{wrong}"
            if s.detail:
                text += f"\n{s.detail}"
            if s.distinct is not None:
                text += f"\n{several(s)}"
            if len(self.problems) <= SHOWN and s.status.solved:
                answers = [s.text] if s.solutions is None else map(s.problem.show, s.solutions)
                text += "\n" + "\n\n".join(answers)
        click.echo(text)


class TrainingScreen:
    """How a training stands: a bar where stderr is a terminal, else a line now and then."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.told = 0.0
        self.bar: Any = None
        self.quiet = int(os.environ.get("RANK", "0")) > 0  # under torchrun the first process speaks for all

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self.quiet:
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
            self.bar = Progress(*columns, TimeRemainingColumn(), console=console(sys.stderr), transient=True)
            self.bar.__enter__()
            self.task = self.bar.add_task(self.title, total=1.0)
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.__exit__(*error)

    def progress(self, p: TrainingProgress) -> None:
        line = f"{self.title}: step {p.step}, loss {p.loss:.3f}, {p.solved:.0%} solved in {p.segments:.1f} segments"
        if p.accuracy:
            line += "; checked " + ", ".join(f"{share:.1%} of {name}" for name, share in p.accuracy.items())
        if self.bar is not None:
            self.bar.update(self.task, completed=p.share, description=line)
        elif time.monotonic() - self.told > LINE_SECONDS:
            self.told = time.monotonic()
            self.notice(f"{line} ({p.share:.0%}, {p.rate:.1f} steps/s)")

    def notice(self, text: str) -> None:
        if not self.quiet:
            click.echo(text, err=True)


def describe_weights(cards: Sequence[Card]) -> None:
    """Trained weights as a table."""
    rows = []
    for card in cards:
        checked = ", ".join(f"{share:.1%} {what}" for what, share in card.accuracy.items())
        took = f"{card.device_minutes:g} min on {card.device}"
        size = f"{card.shape.get('backbone', '?')}, {card.parameters / 1e6:.2f} M"
        rows.append((card.name, size, " ".join(card.families), took, checked, str(card.path)))
    table(("name", "net", "families", "trained", "checked", "file"), rows)


def console(file: IO[str]) -> Console:
    from rich.console import Console

    return Console(file=file, highlight=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns, the last one folded to the width of a terminal; in full where the output is piped."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, no_wrap=column in ("id", "name", "option"))
    for row in rows:
        grid.add_row(*map(Text, row))
    printer = console(sys.stdout)
    if not sys.stdout.isatty():
        printer.width = 1 << 14
    with printer.capture() as capture:
        printer.print(grid)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def several(s: Solution | RunRow) -> str:
    """What came of asking for several answers, in a phrase."""
    found = f"{s.distinct} distinct solution{'' if s.distinct == 1 else 's'}"
    known = []
    if s.distinct == s.total:
        known.append("all there are")
    elif s.coverage is not None:
        known.append(f"{s.coverage:.1%} of all {s.total}")
    if s.samples is not None:
        known.append(f"of {s.samples} samples, {s.hits} solved")
    return found + (f" ({'; '.join(known)})" if known else "")


def describe_solver(solver: type[Solver]) -> None:
    """A solver's method, options and citation."""
    click.echo(f"{solver.name} {solver.version}{' (complete)' if solver.complete else ''}\n")
    click.echo(inspect.getdoc(solver) or "")
    click.echo("\noptions (-o key=value):")
    describe_options(solver.model_fields)
    click.echo(f"\ncite: {solver.citation}")


def describe_options(fields: Mapping[str, FieldInfo]) -> None:
    """Options with defaults and bounds as a table."""
    rows = []
    for key, field in fields.items():
        bounds = [
            f"{sign} {getattr(m, word)}" for m in field.metadata for word, sign in SIGNS.items() if hasattr(m, word)
        ]
        default = "-" if field.default is None else str(field.default)
        rows.append((key, default, ", ".join(bounds), field.description or ""))
    table(("option", "default", "bounds", "what"), rows)
