"""From an argument to problems: read the text, find its family, and complete the errors with path and hint."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..engine import files
from ..engine.errors import GraphError
from ..engine.problem import Problem, Source
from ..engine.raised import described
from . import binary_formats, compressed, other_formats
from .errors import Ambiguous, InputError, excerpt, warned
from .family import Family

LARGEST = 256 << 20
"""Largest text in bytes. A larger one is refused before it fills the memory."""

TESTED = 30
"""About how many problems of a file are tested to choose between families whose forms are alike."""


def load(
    argument: str,
    families: Mapping[str, Family],
    *,
    family: str | None = None,
    seed: int = 0,
    colors: int | None = None,
    strict: bool = False,
    trust: bool = False,
) -> list[Problem]:
    """The problems that an argument names.

    Args:
        argument: a path, ``-`` for standard input, or ``family:spec`` for a generated problem.
        families: the installed families by name.
        family: the family of a file's problems; by default found from suffix and content.
        seed: random seed of a generated problem.
        colors: number of colours of a graph colouring; None for the fewest.
        strict: raise the first ``InputWarning`` as an error.
        trust: read files whose reading executes their code, such as CPMpy models in Python.

    Raises:
        InputError: the family is unknown, or the input cannot be read.
    """
    if family is not None and family not in families:
        raise InputError(f"unknown family {excerpt(family)}", hint=f"families are {', '.join(families)}")
    prefix, colon, spec = argument.partition(":")
    if colon and not os.path.exists(argument):  # Path.exists raises if a name is too long
        return [_generate(argument, prefix, spec, families, seed, colors)]
    if family is None and argument in families and not os.path.exists(argument):
        raise InputError(
            f"{argument} is a family, not a file", argument, hint=f"generate with {families[argument].spec}"
        )
    archived = of_archive(argument, {family: families[family]} if family else families)
    if archived is not None:
        return archived.read_archive(argument)
    text = _text(argument)
    reader, guessed = (families[family], ()) if family else _recognise(text, argument, families)
    if reader.executes and not trust:
        hint = "the program runs with your rights: read it first, then add --trust (trust=True in Python)"
        raise InputError("is a Python program, which mull executes to read it; this needs --trust", argument, hint=hint)
    try:
        with plugin_errors(reader), warned(argument, strict):  # warnings only after the whole file was read
            problems = _located(lambda: reader.read(text, argument, colors), argument)
            return [_drawn(replace(p, guessed=guessed) if guessed else p, reader) for p in problems]
    except InputError:
        kind = None if family or reader.recognises(text) else other_formats.named(text)
        if kind:
            raise _unsupported(kind, argument, families) from None
        raise


def of_archive(path: str, families: Mapping[str, Family]) -> Family | None:
    """The family whose archives have the suffix of a path; None if no family reads them.

    Args:
        path: of a file, or a pattern.
        families: the installed families by name. One that cannot be loaded is left out.
    """
    suffix = Path(path).suffix.lower()
    found = (families.get(name) for name in _with_suffix(families, suffix)) if suffix else iter(())
    return next((family for family in found if family is not None and suffix in family.archives), None)


def _with_suffix(families: Mapping[str, Family], suffix: str) -> Iterable[str]:
    """The names of the families that may have a suffix, without importing the others where that is possible."""
    with_suffix = getattr(families, "with_suffix", None)
    return families if with_suffix is None else list(with_suffix(suffix))


def _of_text(families: Mapping[str, Family], text: str) -> Iterable[str]:
    """The names of the families that may recognise a text, without importing the others where that is possible."""
    of_text = getattr(families, "of_text", None)
    return families if of_text is None else list(of_text(text))


@contextmanager
def plugin_errors(family: Family, hint: str = "") -> Iterator[None]:
    """Turn an unexpected exception of another package's family into an ``InputError`` that names the package.

    An exception of mull's own families is a bug and passes unchanged.

    Args:
        family: that is called inside.
        hint: of an ``InputError`` that has none; by default it states what the family reads.

    Raises:
        InputError: the family of another package raised an exception.
    """
    try:
        yield
    except GraphError:
        raise
    except InputError as error:
        error.hint = error.hint or hint or f"the family {family.name} reads: {family.summary}"
        raise
    except Exception as error:
        if type(family).__module__.startswith("mull."):
            raise
        whose = f"family {family.name} ({type(family).__module__})"
        raise InputError(f"{whose} failed: {described(error)}", hint="report it to its authors") from error


def _generate(
    argument: str, name: str, spec: str, families: Mapping[str, Family], seed: int, colors: int | None
) -> Problem:
    if name not in families:
        hint = f"check the path, or generate with one of {', '.join(families)}"
        raise InputError("no such file, and no such family", argument, hint=hint)
    try:
        maker = families[name]
        with plugin_errors(maker, f"generate with {maker.spec}"):
            problem = maker.generate(spec, seed, colors)
    except InputError as error:
        raise error.at(argument) from None
    return _drawn(replace(problem, source=Source(argument)), maker)


def _drawn(problem: Problem, family: Family) -> Problem:
    """The problem with its family's ``draw`` if it has no drawing of its own."""
    return problem if problem.render is not None else replace(problem, render=family.draw)


def _located(read: Callable[[], list[Problem]], path: str) -> list[Problem]:
    try:
        problems = read()
    except GraphError as error:
        raise InputError(str(error), path, hint=error.hint) from None
    except InputError as error:
        raise error.at(path) from None
    if not problems:
        raise InputError("holds no problem", path, hint="the file may be truncated")
    return problems


# Text
# -------------------------------------------------------------------------------------------------------------------


def _text(argument: str) -> str:
    try:
        data = compressed.unpacked(_bytes(argument), LARGEST)
    except InputError as error:
        raise error.at(argument) from None
    kind = other_formats.archive(data)
    if kind:
        raise InputError(f"is {kind}", argument, hint="unpack it first")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell's > writes UTF-16
        data = data.decode("utf-16", "replace").encode()
    if _binary(data):
        try:
            data = binary_formats.text_of(data, argument, LARGEST)
        except InputError as error:
            raise error.at(argument) from None
    binary = _binary(data)
    if binary:
        line = data.count(b"\n", 0, binary.start()) + 1
        raise InputError("is binary, not text", argument, line, hint="give a text file; unpack archives first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _latin1(data, argument)
    if not text.strip():
        raise InputError("is empty", argument, hint="the file may be truncated")
    return text.replace("\r\n", "\n").replace("\r", "\n")


_BINARY = re.compile(rb"[\x00-\x08\x0e-\x19]")
_TEXT = bytes(set(range(256)) - set(range(9)) - set(range(0x0E, 0x1A)))


def _binary(data: bytes) -> re.Match[bytes] | None:
    """The first byte that no text has. Removing all others first is ten times as fast as a search."""
    return _BINARY.search(data) if data.translate(None, _TEXT) else None


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
        raise InputError(
            "no such file", argument, hint="check the path, or generate a problem, e.g. queens:12"
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.EINVAL):
            raise InputError(str(error.strerror), argument, hint="give a text file; split a large one") from None
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"cannot be read: {reason}", argument, hint="check the path and its permissions") from None


def _latin1(data: bytes, argument: str) -> str:
    """The text of a file in Latin-1 whose bytes outside ASCII are all in comments.

    In data such bytes are refused, because the encoding would be a guess.
    """
    for number, line in enumerate(data.splitlines(), 1):
        if not line.isascii() and not line.lstrip().startswith((b"c", b"#", b"%", b"*")):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError:
                hint = "save it as UTF-8; other encodings are read in comments only"
                raise InputError("is not UTF-8 text", argument, number, hint=hint) from None
    return data.decode("latin-1")


# Family
# -----------------------------------------------------------------------------------------------------------------


def _recognise(text: str, argument: str, families: Mapping[str, Family]) -> tuple[Family, tuple[str, ...]]:
    """The family of a text, and the names of all families that recognise it if there are several.

    Raises:
        InputError: no family recognises the text, or several fit equally well.
    """
    suffix = Path(compressed.inner_path(argument)).suffix.lower()
    broken: dict[str, InputError] = {}
    for by_suffix in (True, False):  # the suffix decides; the content only if no family has it
        found = []
        for name in _with_suffix(families, suffix) if by_suffix else _of_text(families, text):
            try:
                family = families[name]
                with plugin_errors(family):
                    if suffix in family.suffixes if by_suffix else family.recognises(text):
                        found.append(family)
            except InputError as error:  # the other families are tried although one plugin is broken
                broken[name] = error
        found = [each for each in found if not each.executes] or found  # a program is never tried as one of several
        if len(found) > 1 and by_suffix:  # of those with a common suffix, the content decides; the last is most general
            found = [family for family in found if family.recognises(text)] or found[-1:]
        if len(found) == 1 or (found and by_suffix):
            return found[0], ()
        if found:
            return _chosen(text, argument, found)
    kind = other_formats.named(text, compressed.inner_path(argument))
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
    """The first of several families whose problems may have a solution.

    Raises:
        InputError: no family fits, or the text has no givens and several families fit.
    """
    names = tuple(family.name for family in found)
    hint = f"name the family: --family {' or '.join(names)}"
    fitting, errors, empty = [], [], True
    for family in found:
        try:
            with plugin_errors(family), warned(argument, False, silent=True):
                problems = family.read(text, argument, None)
            if all(family.fits(problem) for problem in problems[:: 1 + len(problems) // TESTED]):
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
            return found[0], ()  # its reader raises the error with line and hint
        raise InputError(
            f"has the form of {' and '.join(names)}, but leaves no solution as either", argument, hint=hint
        )
    if empty and len(fitting) > 1:
        raise InputError(f"has the form of {' and '.join(names)}", argument, hint=hint)
    return fitting[0], names


def _unsupported(kind: str, argument: str, families: Mapping[str, Family]) -> InputError:
    return InputError(f"{kind}: not supported", argument, hint=f"families are {', '.join(families)}: see solve --help")
