"""What a problem family is, and how an argument becomes problems."""

from __future__ import annotations

import errno
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

from ..engine import files
from ..engine.errors import GraphError
from ..engine.problem import Problem, Source
from ..engine.raised import described
from ..engine.values import Value
from . import foreign
from .errors import Ambiguous, InputError, excerpt, warned

if TYPE_CHECKING:
    from ..engine.examples import Stream

LARGEST = 256 << 20
"""Bytes of the largest file read: larger ones are refused before they fill the memory."""


class Family(ABC):
    """One kind of problem: how its files look, how to make more of them, how to draw an answer."""

    name: ClassVar[str]
    summary: ClassVar[str]
    spec: ClassVar[str]
    """What may follow ``name:`` to generate a problem."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    stream_forms: ClassVar[tuple[str, ...]] = ()
    """The forms of the names of its training streams, ``maze:ROWSxCOLUMNS[:SHORTEST]``, for messages; empty: it has none."""
    stream_maker: ClassVar[str] = ""
    """``module:attribute`` of the callable that makes a stream of (name, split, seed).

    It is a string because the module is imported only when a stream is made: a family is imported without what its stream needs.
    """

    @abstractmethod
    def recognises(self, text: str) -> bool:
        """Whether text of unknown suffix looks like this family's."""

    @abstractmethod
    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        """All problems in a text.

        Args:
            text: the file's content.
            path: named as the problems' source.
            colors: how many colours a colouring may use; other families ignore it.

        Raises:
            InputError: with the line, where there is one.
        """

    @abstractmethod
    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A problem made from a specification, the same for the same seed.

        Raises:
            InputError: the specification makes no sense.
        """

    def suspects(self, text: str) -> InputError | None:
        """What is wrong with a text that no family recognises and that looks like a damaged one of this family, or None."""
        return None

    def read_archive(self, path: str) -> list[Problem]:
        """The problems of a NumPy archive (.npz).

        Raises:
            InputError: it cannot be read, or the family keeps no problems in archives.
        """
        raise InputError(f".npz files hold no problems of the family {self.name}", path, hint="leave out --family")

    def stream(self, spec: str, split: str = "train", seed: int = 0) -> Stream:
        """A stream of training examples, by default of ``stream_maker``.

        Args:
            spec: what follows ``name:``, which may differ from what ``generate`` takes.
            split: ``train``, ``validation`` or ``test``; no two share an instance up to the family's symmetries.
            seed: of the stream's random numbers.

        Returns:
            A value that can be pickled. Its name is ``name:spec``.

        Raises:
            InputError: the specification makes no sense, or the family has no stream.
        """
        if not self.stream_maker:
            raise InputError(
                f"the family {self.name} has no stream of training examples", hint="train on another one, e.g. sudoku:4"
            )
        made: Stream = resolve_name(self.stream_maker)(f"{self.name}:{spec}", split, seed)
        return made

    def draw(self, assignment: Mapping[str, Value]) -> str:
        """A whole assignment for the terminal where the problem itself is not at hand: an answer from the store."""
        return " ".join(f"{name}={value}" for name, value in assignment.items())

    def fits(self, problem: Problem) -> bool:
        """Whether a problem may be one of this family, asked where the form of a file fits several families.

        The cheaper the better; False only where the givens leave no solution.
        """
        return problem.contradiction() is None

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        """A problem out of the store with what its JSON does not hold: how it is drawn, and how less is asked for.

        Args:
            problem: graph and givens alone.
            minimises: whether a best answer was asked for.
        """
        return replace(problem, render=self.draw)


def load(
    argument: str,
    families: Mapping[str, Family],
    *,
    family: str | None = None,
    seed: int = 0,
    colors: int | None = None,
    strict: bool = False,
) -> list[Problem]:
    """The problems that an argument names: a path, ``-`` for standard input, or ``family:spec``.

    Raises:
        InputError: a family that is not known, or input that cannot be read; with ``strict``, also what is otherwise
            an ``InputWarning``.
    """
    if family is not None and family not in families:
        raise InputError(f"unknown family {excerpt(family)}", hint=f"families are {', '.join(families)}")
    prefix, colon, spec = argument.partition(":")
    if colon and not os.path.exists(argument):  # Path.exists raises where a name is too long
        return [_generate(argument, prefix, spec, families, seed, colors)]
    if family is None and argument in families and not os.path.exists(argument):
        raise InputError(
            f"{argument} is a family, not a file", argument, hint=f"generate with {families[argument].spec}"
        )
    if Path(argument).suffix.lower() == ".npz":
        return families[family or "sudoku"].read_archive(argument)
    text = _text(argument)
    reader, guessed = (families[family], ()) if family else _recognise(text, argument, families)
    try:
        with excused(reader), warned(argument, strict):
            problems = _located(lambda: reader.read(text, argument, colors), argument)
            return [_drawn(replace(p, guessed=guessed) if guessed else p, reader) for p in problems]
    except InputError:
        kind = None if family else foreign.named(text)
        if kind:
            raise _unsupported(kind, argument, families) from None
        raise


def _generate(
    argument: str, name: str, spec: str, families: Mapping[str, Family], seed: int, colors: int | None
) -> Problem:
    if name not in families:
        hint = f"check the path, or generate with one of {', '.join(families)}"
        raise InputError("no such file, and no such family", argument, hint=hint)
    try:
        maker = families[name]
        with excused(maker):
            problem = maker.generate(spec, seed, colors)
    except InputError as error:
        raise error.at(argument) from None
    return _drawn(replace(problem, source=Source(argument)), maker)


def _drawn(problem: Problem, family: Family) -> Problem:
    """The problem, drawn as its family draws where it does not say how itself."""
    return problem if problem.render is not None else replace(problem, render=family.draw)


def _located(read: Callable[[], list[Problem]], path: str) -> list[Problem]:
    try:
        problems = read()
    except GraphError as error:
        raise InputError(str(error), path) from None
    except InputError as error:
        raise error.at(path) from None
    if not problems:
        raise InputError("holds no problem", path, hint="the file may be truncated")
    return problems


def _text(argument: str) -> str:
    data = _bytes(argument)
    kind = foreign.archive(data)
    if kind:
        raise InputError(f"is {kind}", argument, hint="unpack it first")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what PowerShell's > writes
        data = data.decode("utf-16", "replace").encode()
    binary = _BINARY.search(data)
    if binary:
        line = data.count(b"\n", 0, binary.start()) + 1
        raise InputError("is binary, not text", argument, line, hint="give a text file; unpack archives first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _latin(data, argument)
    if not text.strip():
        raise InputError("is empty", argument, hint="the file may be truncated")
    return text.replace("\r\n", "\n").replace("\r", "\n")


_BINARY = re.compile(rb"[\x00-\x08\x0e-\x19]")


def _bytes(argument: str) -> bytes:
    try:
        if argument == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
            if len(data) > LARGEST:
                raise files.too_large(argument, LARGEST)
            return data
        return files.read(argument, LARGEST, pipes=True)
    except IsADirectoryError:
        raise InputError("is a directory", argument, hint="name its files, e.g. with a shell pattern") from None
    except FileNotFoundError:
        raise InputError("no such file", argument, hint="or generate a problem, e.g. queens:12") from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.EINVAL):
            raise InputError(str(error.strerror), argument, hint="give a text file; split a large one") from None
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"cannot be read: {reason}", argument, hint="check the path and its permissions") from None


def _latin(data: bytes, argument: str) -> str:
    """The text of a file in Latin-1, accepted where comments alone hold letters outside ASCII.

    In data, bytes that are not UTF-8 would have to be guessed.
    """
    for number, line in enumerate(data.splitlines(), 1):
        if not line.isascii() and not line.lstrip().startswith((b"c", b"#", b"%", b"*")):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError:
                hint = "save it as UTF-8; other encodings are read in comments only"
                raise InputError("is not UTF-8 text", argument, number, hint=hint) from None
    return data.decode("latin-1")


def _recognise(text: str, argument: str, families: Mapping[str, Family]) -> tuple[Family, tuple[str, ...]]:
    """The family of a text, and all families of its form where there are several."""
    suffix = Path(argument).suffix.lower()
    broken: dict[str, InputError] = {}
    for by_suffix in (True, False):
        found = []
        for name in families:
            try:
                family = families[name]
                with excused(family):
                    if suffix in family.suffixes if by_suffix else family.recognises(text):
                        found.append(family)
            except InputError as error:  # a broken plugin is no reason not to ask the others
                broken[name] = error
        if len(found) == 1 or (found and by_suffix):
            return found[0], ()
        if found:
            return _chosen(text, argument, found)
    kind = foreign.named(text, argument)
    if kind:
        raise _unsupported(kind, argument, families)
    for name in families:
        wrong = None if name in broken else families[name].suspects(text)
        if wrong is not None:
            raise wrong.at(argument)
    known = ", ".join(name for name in families if name not in broken)
    hint = "; ".join([f"name its family with --family ({known})", *map(str, broken.values())])
    raise InputError(
        f"not recognised as a problem: it starts with {excerpt(text.lstrip().splitlines()[0])}", argument, 1, hint=hint
    )


def _chosen(text: str, argument: str, found: list[Family]) -> tuple[Family, tuple[str, ...]]:
    """The first of several families of a text's form that the whole text fits.

    Raises:
        InputError: none, or the text fixes nothing, so that all fit alike.
    """
    names = tuple(family.name for family in found)
    hint = f"name the family: --family {' or '.join(names)}"
    fitting, errors, empty = [], [], True
    for family in found:
        try:
            with excused(family), warned(argument, False, silent=True):
                problems = family.read(text, argument, None)
            if all(family.fits(problem) for problem in problems):
                fitting.append(family)
                empty = empty and not any(problem.givens for problem in problems)
        except Ambiguous as error:
            raise error.at(argument) from None
        except (GraphError, InputError) as error:
            errors.append(error)
    if len(errors) == len(found) - len(fitting) and len(fitting) == 1:
        return fitting[0], ()
    if not fitting:
        if len(errors) == len(found):
            return found[0], ()  # whose reader says what is wrong
        raise InputError(
            f"has the form of {' and '.join(names)}, but leaves no solution as either", argument, hint=hint
        )
    if empty and len(fitting) > 1:
        raise InputError(f"has the form of {' and '.join(names)}", argument, hint=hint)
    return fitting[0], names


def _unsupported(kind: str, argument: str, families: Mapping[str, Family]) -> InputError:
    return InputError(f"{kind}: not supported", argument, hint=f"families are {', '.join(families)}: see solve --help")


@contextmanager
def excused(family: Family) -> Iterator[None]:
    """Tell what another package's family raises as an InputError; from mull's own it would be a mistake to be found."""
    try:
        yield
    except (GraphError, InputError):
        raise
    except Exception as error:
        if type(family).__module__.startswith("mull."):
            raise
        whose = f"family {family.name} ({type(family).__module__})"
        raise InputError(f"{whose} failed: {described(error)}", hint="report it to its authors") from error


def table(text: str) -> list[tuple[int, list[str]]]:
    """The numbered lines of a text as words, without blank lines and ``#`` comments.

    Raises:
        InputError: there are none.
    """
    lines = [(n, line.split()) for n, line in enumerate(text.split("\n"), 1) if line.strip() and line[0] != "#"]
    if not lines:
        raise InputError("holds comments only", hint="the file may be truncated")
    return lines


def whole(text: str, least: int, most: int, what: str, hint: str = "") -> int:
    """A whole number within bounds, from text.

    Raises:
        InputError: it is none, or outside.
    """
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12) or not least <= int(text) <= most:
        raise InputError(f"{what}: a whole number from {least} to {most}, not {excerpt(text)}", hint=hint)
    return int(text)


def share(text: str, what: str) -> float:
    """A number from 0 to 1, from text.

    Raises:
        InputError: it is none, or outside.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"{what}: a number from 0 to 1, not {excerpt(text)}")
    return value


def shares(text: str, what: str) -> tuple[float, float]:
    """A number from 0 to 1 or a range of them, ``0.2`` or ``0.2-0.4``, as its two ends.

    Raises:
        InputError: it is none, or outside.
    """
    low_text, dash, high_text = text.partition("-")
    low = share(low_text, what)
    high = share(high_text, what) if dash else low
    if high < low:
        raise InputError(f"{what}: {excerpt(text)} ends below its beginning", hint="e.g. 0.2-0.4")
    return low, high
