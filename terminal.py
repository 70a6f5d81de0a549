"""Output of solving: answers on stdout, progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from threading import Timer
from typing import IO, TYPE_CHECKING, Any, Self

import click

from mull.engine.status import amount

if TYPE_CHECKING:
    from rich.console import Console

    from mull.engine import Problem, Progress, Solution, Task
    from mull.engine.explain import Explanation
    from mull.engine.store import RunRow

MAX_DRAWN = 10
"""Most problems of a call whose answers are drawn by default; ``--show`` draws more."""

SPINNER = "|/-\\"
"""Frames of the spinner, in ASCII."""

PROGRESS_SECONDS = 2.0
"""Seconds of work after which its progress and the remaining time are shown."""

REDRAW_SECONDS = 0.1
"""Least seconds between two drawings of progress."""


class Region:
    """Status lines at the bottom of a terminal: the current phase, the elapsed time and a drawing of the problem.

    A thread redraws them on stderr. Nothing else may be printed at the same time: ``clear`` removes the region,
    ``set`` draws it again. The phase is the last line of the screen, so that a drawing taller than the screen does not
    hide it.

    Args:
        limit: time limit of the call in seconds, shown beside the elapsed time; None for no limit.
        quiet: draw nothing.
    """

    def __init__(self, limit: float | None = None, quiet: bool = False) -> None:
        self.started = time.monotonic()
        self.limit = limit
        self.shown = not quiet and sys.stderr.isatty()
        self.text = ""
        self.view = ""
        self.share: float | None = None
        self.measured: tuple[float, float] | None = None
        """Time and share of the first ``set`` with a share: they give the remaining time."""
        self.asides: list[str] = []
        self.live: Any = None

    def set(self, text: str, share: float | None = None, view: str = "") -> None:
        """Change the content of the region, and draw it.

        Args:
            text: the current phase.
            share: the share of the work that is done, from 0 to 1, for a progress bar; None draws no bar.
            view: a drawing of lines of text above the phase.
        """
        if share is None or (self.measured is not None and share < self.measured[1]):  # another piece of work
            self.measured = None
        if share is not None and self.measured is None:
            self.measured = time.monotonic(), share
        self.text, self.share, self.view = text, share, view
        if not self.shown or self.live is not None:
            return
        from rich.live import Live

        # Output of other code is redirected above the region; stdout only if it is the same terminal.
        live = Live(
            get_renderable=self._drawn,
            console=console(sys.stderr),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            refresh_per_second=8,
        )
        live.start()
        self.live = live

    def clear(self) -> None:
        """Remove the region from the screen, and print the lines of ``aside``."""
        live, self.live = self.live, None
        if live is not None:
            live.stop()
        asides, self.asides = self.asides, []
        for text in asides:
            click.echo(text, err=True)

    def aside(self, text: str) -> None:
        """Print a line on stderr; a signal handler may call it while the region is being drawn."""
        if self.live is None:
            click.echo(text, err=True)
        else:
            self.asides.append(text)  # shown in the region now, printed for good by ``clear``

    def _drawn(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        seconds = time.monotonic() - self.started
        of = f" of {_duration(self.limit)}" if self.limit is not None else ""
        # The times come first: a narrow terminal cuts the end of a line.
        state = f"{SPINNER[int(seconds * 8) % len(SPINNER)]} {seconds:.0f} s{of}{self._remaining()}  {self.text}"
        below: list[Any] = [Text(line, no_wrap=True, overflow="ellipsis") for line in (state, *self.asides)]
        share = self.share
        if share is None and self.limit is not None and seconds > PROGRESS_SECONDS:
            share = min(1.0, seconds / self.limit)
        height, width = (self.live.console.height, self.live.console.width) if self.live is not None else (24, 80)
        if share is not None:
            below.append(ProgressBar(1.0, share, width=min(40, width)))
        lines = self.view.split("\n") if self.view else []
        room = max(0, height - len(below) - 1)
        if len(lines) > room:
            lines = [*lines[: max(0, room - 1)], "..."][:room]
        return Group(*(Text(line, no_wrap=True, overflow="crop") for line in lines), *below)

    def _remaining(self) -> str:
        """The remaining time by the speed so far, or by the limit; empty in the first two seconds."""
        if self.measured is None or self.share is None:
            left = None if self.limit is None else round(self.limit - (time.monotonic() - self.started))
            late = left is None or left < 0 or time.monotonic() - self.started < PROGRESS_SECONDS
            return "" if late else f", at most {_duration(float(left or 0))} left"
        seconds, done = time.monotonic() - self.measured[0], self.share - self.measured[1]
        if seconds < PROGRESS_SECONDS or done <= 0:
            return ""
        return f", about {_duration(round(seconds * (1 - self.share) / done))} left"


class Counter:
    """Progress of counted work, such as the export of runs: a bar with the rate and the remaining time on stderr.

    It is drawn on a terminal after ``PROGRESS_SECONDS``. Use it in a ``with`` statement.

    Args:
        verb: what is done, such as ``exporting``.
        nouns: the plural of what is counted, which ends in ``s``.
        quiet: draw nothing.
    """

    def __init__(self, verb: str, nouns: str, quiet: bool = False) -> None:
        self.verb, self.nouns, self.about = verb, nouns, ""
        self.region = Region(quiet=quiet)
        self.began = self.drawn = time.monotonic()
        self.part = self.began, 0
        """When the present part of the work began, and what was done then."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.region.clear()

    def show(self, done: int, total: int, about: str = "") -> None:
        """Show how much is done.

        Args:
            done: the number of things that are done.
            total: the number of all things.
            about: a note, such as the present file; another note begins another part of the work.
        """
        now = time.monotonic()
        if about != self.about:
            self.about, self.part = about, (now, done)
        if now - self.began < PROGRESS_SECONDS or now - self.drawn < REDRAW_SECONDS:
            return
        self.drawn = now
        since, before = self.part
        rate = f" ({(done - before) / (now - since):.3g}/s)" if done > before and now > since else ""
        self.region.measured = since, before / max(1, total)
        text = f"{self.verb}{about and f' {about}'}: {done:,} of {amount(total, self.nouns)}{rate}"
        self.region.set(text, done / max(1, total))


class Working:
    """A spinner with the elapsed time on stderr, for work that cannot be counted. Use it in a ``with`` statement.

    It is drawn on a terminal after ``PROGRESS_SECONDS``. Lines that are printed on stderr appear above it.

    Args:
        text: what is done, such as ``copying``.
    """

    def __init__(self, text: str) -> None:
        self.region = Region()
        self.timer = Timer(PROGRESS_SECONDS, self.region.set, (text,)) if self.region.shown else None

    def __enter__(self) -> Self:
        if self.timer is not None:
            self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer.join()
        self.region.clear()


class Screen:
    """Output of ``solve PROBLEM...``: solutions on stdout in the order of the problems, progress on stderr.

    Set ``explains`` to a task to explain unsatisfiable problems within its limits.

    Args:
        solver: the solver's name.
        limit: time limit of the call in seconds, or None.
        watch: draw the first unsolved problem during the run.
        as_json: print each solution as a JSON object.
        show: draw the answers; None draws them for at most ``MAX_DRAWN`` problems.
        quiet: print neither progress nor notices.
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
        self.position: dict[int, int] = {}
        self.as_json = as_json
        self.watch = watch
        self.show = show
        self.quiet = quiet
        self.ready: dict[int, Solution] = {}
        self.printed = 0
        self.answered = 0
        self.solver = solver
        self.drawn = 0.0
        self.first: dict[str, tuple[float, int]] = {}
        """Solver -> time and iteration of its first report."""
        self.began = time.monotonic()
        self.explains: Task | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.region.clear()

    def phase(self, text: str, share: float | None = None) -> None:
        """Show a phase before the solver reports progress: reading, importing or compiling.

        Args:
            text: the phase.
            share: the share of it that is done, if it is known.
        """
        self.region.set(text, share)

    def expect(self, problems: Sequence[Problem]) -> None:
        """Set the problems, in the order in which their solutions are printed."""
        self.problems = problems
        self.position = {id(problem): i for i, problem in enumerate(problems)}
        self.began = time.monotonic()

    @property
    def draws(self) -> bool:
        """Whether the answers are drawn."""
        return len(self.problems) <= MAX_DRAWN if self.show is None else self.show

    def progress(self, progress: Progress) -> None:
        """Show the progress of the solver, at most once in ``REDRAW_SECONDS``."""
        now = time.monotonic()
        if not self.region.shown or now - self.drawn < REDRAW_SECONDS:
            return
        self.drawn = now
        wrong = f", {progress.violations} violated" if progress.violations >= 0 else ""
        at = f", iteration {progress.iteration:,}{self._speed(progress, now)}" if progress.iteration else ""
        rate = f" ({self.answered / (now - self.began):.3g}/s)" if self.answered else ""
        text = f"{progress.solver}: {self.answered}/{len(self.problems)}{rate}{at}{wrong}"
        view = progress.view() if self.watch else None
        # The share of one problem is not known: the bar is then that of the time limit.
        share = self.answered / len(self.problems) if len(self.problems) > 1 else None
        self.region.set(text, share, progress.problem.show(view) if view else "")

    def _speed(self, progress: Progress, now: float) -> str:
        """The iterations a second since the first report of a solver's batch."""
        since = self.first.get(progress.solver)
        if since is None or progress.iteration < since[1]:  # another batch
            self.first[progress.solver] = now, progress.iteration
            return ""
        seconds, steps = now - since[0], progress.iteration - since[1]
        return f" ({steps / seconds:.3g}/s)" if seconds > 0.5 and steps else ""

    def notice(self, text: str) -> None:
        """Print a notice on stderr, unless ``quiet``."""
        if not self.quiet:
            self.region.aside(text)

    def solution(self, solution: Solution) -> None:
        """Print a solution, or keep it until those of the problems before it are printed."""
        self.answered += 1
        self.ready[self.position[id(solution.problem)]] = solution
        if self.printed in self.ready:
            self.region.clear()  # an answer must not be printed below the region on the same terminal
        while self.printed in self.ready:
            self._print(self.ready.pop(self.printed))
            self.printed += 1

    def improvement(self, solution: Solution) -> None:
        """Print an improving answer at once, as a JSON object with ``"improving": true``."""
        self.region.clear()
        click.echo(json.dumps({**solution.to_json(), "improving": True}, ensure_ascii=False))

    def _explanation(self, s: Solution) -> Explanation | None:
        """Why a problem has no solution, if ``--explain`` is given and the reason is found in time."""
        if self.explains is None or str(s.status) != "unsatisfiable":
            return None
        from mull.engine.explain import Unexplained, explain

        self.phase(f"explaining {s.problem.source}")
        try:
            return explain(s.problem, self.explains)
        except Unexplained as error:
            self.notice(f"{s.problem.source}: {error}")
            return None
        finally:
            self.region.clear()

    def _print(self, s: Solution) -> None:
        explanation = self._explanation(s)
        if self.as_json:
            data = s.to_json()
            if explanation is not None:
                data["explanation"] = explanation.to_json()
            text = json.dumps(data, ensure_ascii=False)
        else:
            by = f"{s.solver} ({s.via})" if s.via else s.solver
            goal = f", objective {s.objective}" if s.objective is not None else ""
            wrong = f", {s.violations} violated" if s.violations > 0 else ""
            family = f"{s.problem.source}: {s.problem.family}"
            if s.problem.guessed:
                family += f" (guessed among {', '.join(s.problem.guessed)})"
            text = f"{family} {s.status} by {by}, {amount(s.iterations, 'iterations')}, {s.seconds:.2f} s{goal}{wrong}"
            if s.problem.expected is not None and s.assignment is not None and s.status.solved:
                text += f", {s.problem.compared(s.assignment)}"
            if s.detail:
                text += f"\n{s.detail}"
            if s.distinct is not None:
                text += f"\n{solutions_summary(s)}"
            if explanation is not None:
                how = "a minimal set" if explanation.minimal else "a set, not yet minimal,"
                text += "\n".join([f"\n{how} without a solution:", *(f"  {line}" for line in explanation.lines)])
            if self.draws and s.status.solved:
                answers = [s.text] if s.solutions is None else map(s.problem.show, s.solutions)
                text += "\n" + "\n\n".join(answers)
        click.echo(text)


def _duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 1000 else f"{seconds / 60:g} min"


def console(file: IO[str]) -> Console:
    """A rich console that writes to a file, without highlighting numbers and paths."""
    from rich.console import Console

    return Console(file=file, highlight=False)


def solutions_summary(s: Solution | RunRow) -> str:
    """Describe the result of ``--solutions``: distinct solutions, their share of all, and samples."""
    found = amount(s.distinct or 0, "distinct solutions")
    known = []
    if s.distinct == s.total:
        known.append("all that exist")
    elif s.coverage is not None:
        known.append(f"{s.coverage:.1%} of all {s.total}")
    if s.samples is not None:
        known.append(f"of {s.samples} samples, {s.hits} solved")
    return found + (f" ({'; '.join(known)})" if known else "")
