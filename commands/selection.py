"""Which problems of a call are solved: those of one shard, and those that the store does not answer yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mull.engine.status import PEEL, amount

from .common import TextType, open_store

if TYPE_CHECKING:
    from mull.engine import AbstractSolver, Problem
    from mull.engine.store import Store
    from mull.engine.store.answered import Answer


DIGITS = 9
"""Most digits of the index of a shard, and of the number of shards."""


@dataclass(frozen=True)
class Shard:
    """One of several parts of all problems, by the digests of the problems.

    Args:
        index: of the part, from 1.
        count: number of parts.
    """

    index: int
    count: int

    def has(self, digest: str) -> bool:
        """Whether a problem belongs to this shard. Every digest belongs to exactly one shard.

        Args:
            digest: of the problem, in hexadecimal.
        """
        return int(digest[:16], 16) % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


class ShardType(TextType):
    """A shard as ``I/N``."""

    name = "shard"

    def parse(self, text: str) -> Shard:
        """The shard of a text.

        Raises:
            ValueError: the text is not of the form I/N, or I is not between 1 and N.
        """
        found = re.fullmatch(r"([0-9]+)/([0-9]+)", text.strip())
        if found is None:
            raise ValueError(f"{text[:40]!r} is not a shard: write I/N, for example 3/10")
        if max(map(len, found.groups())) > DIGITS:
            raise ValueError(f"{text[:40]!r} is not a shard: I and N have at most {DIGITS} digits")
        shard = Shard(int(found[1]), int(found[2]))
        if not 1 <= shard.index <= shard.count:
            raise ValueError(f"{text[:40]!r} is not a shard: the shards of N are 1/N to N/N")
        return shard


class Selection(NamedTuple):
    """The values of the options of ``selection_options``.

    Args:
        shard: whose problems are solved; None for all.
        skip_solved: whether problems that the store answers are left out.
    """

    shard: Shard | None
    skip_solved: bool

    @property
    def active(self) -> bool:
        """Whether problems may be left out."""
        return self.shard is not None or self.skip_solved

    def of_shard(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems of the shard, in their order."""
        return [p for p in problems if self.shard is None or self.shard.has(p.digest)]

    def open(
        self, problems: Sequence[Problem], solver: AbstractSolver, seed: int, solutions: int | None, store: Store
    ) -> list[Problem]:
        """The problems that the store does not answer for a solver, its options and a seed, in their order.

        Args:
            problems: to choose from; without ``skip_solved``, all are returned.
            solver: with its options.
            seed: of the call.
            solutions: number of samples of the call, or None.
            store: with the answers.

        Raises:
            StoreError: the store cannot be read.
        """
        if not self.skip_solved or not problems:
            return list(problems)
        found = store.answers({p.digest for p in problems}, solver.name, seed)
        return [p for p in problems if not answered(p, solver, found.get(p.digest, ()), solutions)]

    def open_at(
        self, url: str | None, problems: list[Problem], solver: AbstractSolver, seed: int, solutions: int | None
    ) -> list[Problem]:
        """As ``open``, for a store that is not open. A store that does not exist answers nothing, and is not created.

        Args:
            url: of the store, or None for the user's own.
            problems, solver, seed, solutions: as of ``open``.
        """
        if not self.skip_solved:
            return problems
        from mull.engine.store.history import is_there  # imports SQLAlchemy

        if not is_there(url):
            return problems
        with open_store(url) as store:
            return self.open(problems, solver, seed, solutions, store)


def answered(problem: Problem, solver: AbstractSolver, answers: Sequence[Answer], solutions: int | None) -> bool:
    """Whether one of the stored answers is of a solver with its present options and weights.

    Args:
        problem: that was answered.
        solver: with its options.
        answers: of this solver and of solvers that it called, on this problem and with the seed of the call.
        solutions: number of samples of the call, or None.
    """
    answers = [answer for answer in answers if answer.solutions == solutions]
    # What peeling settles, no solver has run on: its options cannot matter.
    if any(answer.solver == PEEL for answer in answers):
        return True
    if not answers:
        return False
    from mull.engine.solver import changed_options

    bound = solver.bind(problem)
    weights = getattr(bound, "checkpoint", None)
    for answer in answers:
        if answer.checkpoint != weights and answer.solver == bound.name:
            continue
        if (answer.solver, answer.options) in ((solver.name, solver.options), (bound.name, bound.options)):
            return True
        portfolio = bound.name == solver.name and answer.via == solver.name
        if portfolio and answer.via_options == changed_options(solver):
            return True
    return False


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--shard`` and ``--skip-solved`` to a command, which receives them as one ``Selection``."""

    @click.option(
        "--shard",
        type=ShardType(),
        metavar="I/N",
        help="Solve only shard I of N (I from 1): each problem belongs to one shard, by its digest.",
    )
    @click.option(
        "--skip-solved",
        is_flag=True,
        help="Leave out problems that the store answers for the same solver, options and seed.",
    )
    @wraps(command)
    def with_selection(shard: Shard | None, skip_solved: bool, **arguments: Any) -> Any:
        return command(selection=Selection(shard, skip_solved), **arguments)

    return with_selection


def say_left_out(selection: Selection, read: int, mine: int, answered: int, say: Callable[[str], None]) -> None:
    """State how many problems a selection leaves out.

    Args:
        selection: the options.
        read: number of problems that were read.
        mine: of these, in the shard.
        answered: number of runs that the store makes unnecessary.
        say: prints a line.
    """
    if selection.shard is not None:
        say(f"shard {selection.shard}: {mine} of {amount(read, 'problems')}")
    if selection.skip_solved:
        say(f"left out {amount(answered, 'runs')} that the store answers")
