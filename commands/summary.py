"""The summary of ``solve PROBLEM...`` on stderr, and its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError
from mull.engine.status import amount

if TYPE_CHECKING:
    from mull.engine import Solution


def summarise(solutions: Sequence[Solution], seconds: float, quiet: bool) -> int:
    """Print the summary on stderr; return the exit code.

    Args:
        solutions: of the call.
        seconds: that it took.
        quiet: print nothing.

    Raises:
        MullError: a guessed family does not fit, or the givens of a problem contradict each other.
    """
    from mull.engine import Status

    good = sum(s.status.good for s in solutions)
    if len(solutions) > 1 and not quiet:
        click.echo(f"{good} of {len(solutions)} answered in {seconds:.1f} s", err=True)
    for status in dict.fromkeys(s.status for s in solutions):
        if not status.good and not quiet:
            same = [s for s in solutions if s.status is status]
            click.echo(f"{len(same)} {status} (first: {same[0].problem.source})\nhint: {same[0].advice}", err=True)
    # A file that fits several families may have been read as the wrong one.
    guessed = [s for s in solutions if s.status is Status.FAILED and len(s.problem.guessed) > 1]
    if guessed:
        hint = f"name the family: --family {' or '.join(guessed[0].problem.guessed)}"
        raise MullError(f"{guessed[0].problem.source}: {guessed[0].detail}", hint)
    # Givens that contradict each other are a mistake of the input. A constraint that no values satisfy is a result.
    wrong = [
        s
        for s in solutions
        if s.status is Status.UNSATISFIABLE and (found := s.problem.contradiction()) is not None and found[1]
    ]
    if wrong:
        more = f" (and {amount(len(wrong) - 1, 'more problems')} like it)" if len(wrong) > 1 else ""
        raise MullError(f"{wrong[0].problem.source}: {wrong[0].detail}{more}", "correct one of the two givens")
    return 0 if good == len(solutions) else 1
