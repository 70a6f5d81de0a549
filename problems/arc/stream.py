"""The stream of ARC tasks: random choices of the known pairs of a task, each under a random symmetry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ...engine.examples import Examples
from ..errors import InputError, warn
from ..parsing import parse_fields, parse_int
from ..streams.base import FamilyStream
from ..streams.splits import hashed
from .choosing import examples_of, question_row, training_row
from .graph import Arrangement, length
from .tasks import Pair, Task, read_folder

FORM = "arc:FOLDER[:PART][:TOKENS][:ids]"
TOKENS = 1024
LEAST, MOST = 32, 1 << 15
CHUNK = 256
"""Fewest examples of a chunk; a chunk has each task at least once."""
NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Corpus:
    """The tasks of a stream.

    Args:
        tasks: name and known pairs for training.
        tests: the tasks whose tests validate the training.
    """

    tasks: tuple[tuple[str, tuple[Pair, ...]], ...]
    tests: tuple[Task, ...]


@dataclass(frozen=True)
class Named:
    """A parsed specification.

    Args:
        folder: path of the corpus.
        part: ``training``, ``evaluation``, or another part; empty for both.
        tokens: most variables of an example.
        ids: whether the first variable names the task.
    """

    folder: str
    part: str
    tokens: int
    ids: bool

    def corpus(self) -> Corpus:
        """The tasks.

        Raises:
            InputError: the folder has no tasks, or one cannot be read.
        """
        if self.part:
            tasks = read_folder(self.folder, self.part)
            known: Sequence[tuple[Task, bool]] = [(task, False) for task in tasks]
        else:
            # As in HRM and TRM: all pairs of the training tasks, and the demonstration pairs of the evaluation tasks.
            tasks = read_folder(self.folder, "evaluation")
            known = [
                *((task, True) for task in read_folder(self.folder, "training")),
                *((task, False) for task in tasks),
            ]
            if not known:
                tasks = read_folder(self.folder, "")
                known = [(task, False) for task in tasks]
        if not known:
            part = f" of the part {self.part}" if self.part else ""
            what = f"no tasks{part} in the folder: no JSON file has the expected name"
            hint = (
                "it holds *_training_challenges.json and so on, or folders training and evaluation with a file a task"
            )
            raise InputError(what, self.folder, hint=hint)
        return Corpus(
            tuple((task.name, task.shown + (_complete(task) if tests else ())) for task, tests in known),
            tuple(tasks) or tuple(task for task, _ in known),
        )


def parse_spec(spec: str) -> Named:
    """Folder, part, tokens and ids of ``FOLDER[:PART][:TOKENS][:ids]``.

    Raises:
        InputError: the specification is malformed or out of range.
    """
    if not spec.partition(":")[0]:
        raise InputError("no folder is named", hint=f"{FORM}, FOLDER with the JSON files of the tasks")
    folder, *rest = parse_fields(spec, 1, 4, FORM)
    part, tokens, ids = "", TOKENS, False
    if rest and rest[-1] == "ids":
        ids = bool(rest.pop())
    if rest and rest[-1].isdigit():
        tokens = parse_int(rest.pop(), LEAST, MOST, "tokens", FORM)
    if rest and NAME.fullmatch(rest[-1]):
        part = rest.pop()
    if rest:
        raise InputError(f"{':'.join(rest)} is not a part of the corpus", hint=FORM)
    return Named(folder, part, tokens, ids)


@dataclass(frozen=True)
class ArcStream(FamilyStream):
    """``arc:FOLDER[:PART][:TOKENS][:ids]``: the split ``train`` has pairs whose outputs a solver may see.

    These are the demonstration pairs of a part. Without a part they are all pairs of the training tasks and the
    demonstration pairs of the evaluation tasks, as in the papers. An example shows some pairs of a task and hides the
    outputs of others. The tests of the part, or of the evaluation tasks, are divided between the other two splits.
    """

    def check(self) -> None:
        corpus = self.corpus
        if self.split == "train":
            small = [len(pairs) > 1 and _least(pairs) <= self.named.tokens for _, pairs in corpus.tasks]
            if not any(small):
                raise InputError(
                    f"no task has two pairs that fit into {self.named.tokens} tokens", hint="allow more tokens: " + FORM
                )
            if not all(small):
                text = f"{len(small) - sum(small)} of {len(small)} tasks have no two pairs that fit"
                warn(f"{self.name}: {text} into {self.named.tokens} tokens, and are left out", hint=FORM)

    @cached_property
    def named(self) -> Named:
        """The parsed specification."""
        return parse_spec(self.spec)

    @property
    def corpus(self) -> Corpus:
        """The tasks; their files are read once in a process."""
        return self.named.corpus()

    def chunk(self, k: int) -> Examples:
        """The k-th chunk. For training it has each task that fits once, or several times if there are few."""
        rows = self._training(k) if self.split == "train" else self._tests(k)
        names = [name if self.named.ids and NAME.fullmatch(name) else "" for name, _ in rows]
        return examples_of([row for _, row in rows], names, self.named.tokens)

    def _training(self, k: int) -> list[tuple[str, Arrangement]]:
        rng, tasks = self.rng(k), self.corpus.tasks
        rows: list[tuple[str, Arrangement]] = []
        while len(rows) < CHUNK:  # ends: check() found a task that fits
            for name, pairs in rng.sample(tasks, len(tasks)):
                row = training_row(pairs, self.named.tokens, rng)
                if row is not None:
                    rows.append((name, row))
        return rows

    def _tests(self, k: int) -> list[tuple[str, Arrangement]]:
        rows = []
        for task in self.corpus.tests:
            of = "validation" if hashed([pair.input.tolist() for pair in task.shown]) % 2 else "test"
            for test in task.tests if of == self.split else ():
                row = None if test.output is None else question_row(task.shown, test, self.named.tokens)
                if row is not None:
                    rows.append((task.name, row))
        if not rows:
            hint = "add *_solutions.json, or train without validation: -o validation=0"
            raise InputError(f"no test of the split {self.split} has a known output and fits", self.name, hint=hint)
        self.rng(k).shuffle(rows)
        return rows


def _complete(task: Task) -> tuple[Pair, ...]:
    return tuple(test for test in task.tests if test.output is not None)


def _least(pairs: Sequence[Pair]) -> int:
    """About the variables of the two smallest pairs."""
    # The canvas of the hidden output may be larger; such tasks are then missing from chunks.
    return sum(sorted(length([pair], []) - 1 for pair in pairs)[:2]) + 1
