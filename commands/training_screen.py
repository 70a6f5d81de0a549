"""Output of training: progress on stderr."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import click

from mull.terminal import console

if TYPE_CHECKING:
    from mull.engine.training import TrainingProgress

LINE_SECONDS = 10.0
"""Seconds between two lines of progress of a training if stderr is not a terminal."""


class TrainingScreen:
    """Progress of a training on stderr: a bar on a terminal, otherwise a line every ``LINE_SECONDS``.

    Args:
        title: the name of the weights.
        quiet: print nothing.
        verbose: print every report as a line instead of a bar.
    """

    def __init__(self, title: str, quiet: bool = False, verbose: bool = False) -> None:
        self.title = title
        self.last_line = 0.0
        self.bar: Any = None
        self.verbose = verbose and not quiet
        self.quiet = quiet or int(os.environ.get("RANK", "0")) > 0  # under torchrun only rank 0 prints

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self.quiet and not self.verbose:
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
            from rich.table import Column

            shown = (TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
            # The rate and the remaining time come first: a narrow terminal cuts the end of a line.
            columns = (*shown, BarColumn(None), TextColumn("{task.description}", table_column=Column(no_wrap=True)))
            self.bar = Progress(*columns, console=console(sys.stderr), transient=True)
            self.bar.__enter__()
            self.task = self.bar.add_task(self.title, total=1.0, rate="")
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.__exit__(*error)

    def progress(self, p: TrainingProgress) -> None:
        """Show a report of progress: step, loss, share of solved examples and validation accuracy."""
        line = f"{self.title}: step {p.step}, loss {p.loss:.3f}, {p.solved:.0%} solved in {p.segments:.1f} segments"
        if p.accuracy:
            line += "; validation " + ", ".join(f"{share:.1%} of {name}" for name, share in p.accuracy.items())
        if self.bar is not None:
            self.bar.update(self.task, completed=p.share, description=line, rate=f"{p.rate:.1f} steps/s")
        elif self.verbose or time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            self.notice(f"{line} ({p.share:.0%}, {p.rate:.1f} steps/s)")

    def notice(self, text: str) -> None:
        """Print a notice on stderr, unless ``quiet``."""
        if not self.quiet:
            click.echo(text, err=True)
