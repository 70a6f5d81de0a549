"""``solve --competition``: the output and the exit codes of solver competitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError
from mull.engine.status import Status, amount
from mull.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mull.engine import Problem, Solution

LINES = {
    Status.SOLVED: ("SATISFIABLE", 10),
    Status.UNSATISFIABLE: ("UNSATISFIABLE", 20),
    Status.OPTIMAL: ("OPTIMUM FOUND", 30),
}
"""Status -> text of the ``s`` line, and exit code. Any other status is UNKNOWN."""
UNKNOWN = ("UNKNOWN", 0)
FAILED = 1
"""Exit code of a run in which the solver failed."""


class CompetitionScreen(Screen):
    """Prints ``c``, ``o``, ``s`` and ``v`` lines on stdout, each as soon as it is known.

    Args:
        solver: the solver's name.
        limit: time limit of the call in seconds, or None.
        quiet: print no comments and no progress.
    """

    def __init__(self, solver: str, limit: float | None = None, *, quiet: bool = False) -> None:
        super().__init__(solver, limit, show=False, quiet=quiet)
        self.code = 0
        self.value: int | None = None

    def expect(self, problems: Sequence[Problem]) -> None:
        """Set the problem.

        Raises:
            MullError: there are several.
        """
        if len(problems) != 1:
            raise MullError(
                f"--competition solves one problem, not {len(problems)}",
                "solve one problem, or leave out --competition",
            )
        super().expect(problems)
        self.notice(f"{problems[0].source}: {problems[0].family}, {len(problems[0].graph.domains)} variables")

    def notice(self, text: str) -> None:
        """Print a comment, unless ``quiet``."""
        if not self.quiet:
            self._lines(f"c {line}" for line in text.splitlines())

    def improvement(self, solution: Solution) -> None:
        """Print the objective of an improving answer as an ``o`` line."""
        if solution.objective is not None and solution.objective != self.value:
            self.value = solution.objective
            self._lines([f"o {self.value}"])

    def unknown(self, reason: str) -> int:
        """Print that there is no answer.

        Args:
            reason: for a comment.

        Returns:
            The exit code.
        """
        self.notice(reason)
        self._lines([f"s {UNKNOWN[0]}"])
        return UNKNOWN[1]

    def _print(self, s: Solution) -> None:
        by = f"{s.solver} ({s.via})" if s.via else s.solver
        self.notice(f"{s.status} by {by}, {amount(s.iterations, s.unit)}, {s.seconds:.2f} s")
        if s.detail:
            self.notice(s.detail)
        if s.status.solved:
            self.improvement(s)
        text, self.code = LINES.get(s.status, UNKNOWN)
        if s.status is Status.FAILED:
            self.code = FAILED
        lines = [f"s {text}"]
        if s.status.solved and s.assignment is not None:
            from mull.problems import families

            known = families()
            family = known.get(s.problem.family) or known["graph"]
            lines += family.value_lines(s.problem.visible(s.assignment))
        self._lines(lines)

    def _lines(self, lines: Iterable[str]) -> None:
        self.region.clear()
        for line in lines:
            click.echo(line)  # flushes: a harness may kill the program
