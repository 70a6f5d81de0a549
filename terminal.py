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
    from mull.engine.store import RunRow
    from mull.engine.training import TrainingProgress
    from mull.engine.weights import Card

SHOWN = 10
"""Answers are drawn for calls of at most this many problems; larger ones get a line each (``--show``, ``--json``)."""

SPINNER = "|/-\\"
"""In letters that every terminal has."""

LINE_SECONDS = 10.0
"""Between two lines about a training where stderr is no terminal."""

SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
"""The words of pydantic's bounds, as people write them."""


class Region:
    """Lines at the bottom of a terminal that are drawn over: what is going on, for how long, and a grid that settles.

    It is drawn on stderr by a thread of its own. Nothing else may be printed while it stands: ``clear`` takes it away,
    ``set`` draws it again. The first line comes last on the screen, so that a tall grid is cut and not the state.

    Args:
        limit: seconds that the call may take, shown beside the elapsed time; None where it is not limited.
        quiet: draw nothing.
    """

    def __init__(self, limit: float | None = None, quiet: bool = False) -> None:
        self.started = time.monotonic()
        self.limit = limit
        self.shown = not quiet and sys.stderr.isatty()
        self.text = ""
        self.view = ""
        self.share: float | None = None
        self.asides: list[str] = []
        self.live: Any = None

    def set(self, text: str, share: float | None = None, view: str = "") -> None:
        """Say what is going on, which share of it is done, and show a drawing above."""
        self.text, self.share, self.view = text, share, view
        if not self.shown or self.live is not None:
            return
        from rich.live import Live

        # What others print meanwhile goes above the region; stdout only where it is on the same terminal.
        printed = sys.stdout.isatty()
        live = Live(
            get_renderable=self._drawn, console=console(sys.stderr), transient=True, redirect_stdout=printed,
            refresh_per_second=8,
        )  # fmt: skip
        live.start()
        self.live = live

    def clear(self) -> None:
        """Take the region off the screen, before something else is printed."""
        live, self.live = self.live, None
        if live is not None:
            live.stop()
        asides, self.asides = self.asides, []
        for text in asides:
            click.echo(text, err=True)

    def aside(self, text: str) -> None:
        """Print a line to stderr, from wherever: a signal may arrive while the region is being drawn."""
        if self.live is None:
            click.echo(text, err=True)
        else:
            self.asides.append(text)  # the region shows it at once, and ``clear`` leaves it on the screen

    def _drawn(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        seconds = time.monotonic() - self.started
        of = f" of {_duration(self.limit)}" if self.limit is not None else ""
        state = f"{SPINNER[int(seconds * 8) % len(SPINNER)]} {self.text}, {seconds:.0f} s{of}"
        below: list[Any] = [Text(line, no_wrap=True, overflow="ellipsis") for line in (state, *self.asides)]
        if self.share is not None:
            below.append(ProgressBar(1.0, self.share, width=40))
        height = self.live.console.height if self.live is not None else 24
        lines = self.view.split("\n") if self.view else []
        room = max(0, height - len(below) - 1)
        if len(lines) > room:
            lines = [*lines[: max(0, room - 1)], "..."][:room]
        return Group(*(Text(line, no_wrap=True, overflow="crop") for line in lines), *below)


class Screen:
    """What a run shows: solutions on stdout in the order of the problems, progress on stderr where that is a terminal.

    Args:
        solver: its name.
        limit: seconds that the call may take, or None.
        watch: draw the first unsolved problem as it settles.
        as_json: print each solution as a JSON object.
        show: draw answers: None for calls of at most ``SHOWN`` problems.
        quiet: neither progress nor notices.
    """

    def __init__(
        self,
        solver: str,
        limit: float | None = None,
        *,
        watch: bool = False,
        as_json: bool = False,
        show: bool | None = None,
        quiet: bool = False,
    ) -> None:
        self.region = Region(limit, quiet)
        self.problems: Sequence[Problem] = ()
        self.place: dict[int, int] = {}
        self.as_json = as_json
        self.watch = watch
        self.show = show
        self.quiet = quiet
        self.ready: dict[int, Solution] = {}
        self.printed = 0
        self.answered = 0
        self.solver = solver
        self.drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.region.clear()

    def phase(self, text: str) -> None:
        """What is done before solvers report progress: reading, importing, compiling."""
        self.region.set(text)

    def expect(self, problems: Sequence[Problem]) -> None:
        """The problems whose solutions will come."""
        self.problems = problems
        self.place = {id(problem): i for i, problem in enumerate(problems)}

    @property
    def draws(self) -> bool:
        """Whether answers are drawn below their lines."""
        return len(self.problems) <= SHOWN if self.show is None else self.show

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self.region.shown or now - self.drawn < 0.1:
            return
        self.drawn = now
        wrong = f", {progress.violations} violated" if progress.violations >= 0 else ""
        text = f"{progress.solver}: {self.answered}/{len(self.problems)}, iteration {progress.iteration}{wrong}"
        view = progress.view() if self.watch else None
        self.region.set(text, self.answered / max(1, len(self.problems)), progress.problem.show(view) if view else "")

    def notice(self, text: str) -> None:
        if not self.quiet:
            self.region.aside(text)

    def solution(self, solution: Solution) -> None:
        self.answered += 1
        self.ready[self.place[id(solution.problem)]] = solution
        if self.printed in self.ready:
            self.region.clear()  # the same terminal shows both: what is drawn over must not lie below an answer
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
            family = f"{s.problem.source}: {s.problem.family}"
            if s.problem.guessed:
                family += f" (guessed among {', '.join(s.problem.guessed)})"
            text = f"{family} {s.status} by {by}, {s.iterations} iterations, {s.seconds:.2f} s{goal}{wrong}"
            if s.problem.expected is not None and s.assignment is not None and s.status.solved:
                text += f", {s.problem.compared(s.assignment)}"
            if s.detail:
                text += f"\n{s.detail}"
            if s.distinct is not None:
                text += f"\n{several(s)}"
            if self.draws and s.status.solved:
                answers = [s.text] if s.solutions is None else map(s.problem.show, s.solutions)
                text += "\n" + "\n\n".join(answers)
        click.echo(text)


def _duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 1000 else f"{seconds / 60:g} min"


class TrainingScreen:
    """How a training stands: a bar where stderr is a terminal, else a line now and then.

    Args:
        title: of the training.
        quiet: print nothing.
        verbose: print a line for every report, and no bar.
    """

    def __init__(self, title: str, quiet: bool = False, verbose: bool = False) -> None:
        self.title = title
        self.told = 0.0
        self.bar: Any = None
        self.verbose = verbose and not quiet
        self.quiet = quiet or int(os.environ.get("RANK", "0")) > 0  # under torchrun the first process speaks for all

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self.quiet and not self.verbose:
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
        elif self.verbose or time.monotonic() - self.told > LINE_SECONDS:
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
