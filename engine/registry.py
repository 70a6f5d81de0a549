"""The registry of installed parts, by entry point: solvers, problem families, constraint kinds, backbones, commands.

All of them are found here, mull's own too. Listing imports nothing. Parts are loaded one by one, and a part that fails
to load raises a ``PluginError`` instead of ending the program. The registry is in the engine because
``engine.constraints`` and ``problems`` use it and do not import ``plugins``.
"""

from __future__ import annotations

import configparser
import inspect
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import metadata
from typing import Any

from .errors import MullError
from .raised import described

SOLVERS, PROBLEMS, CONSTRAINTS, COMMANDS = "mull.solvers", "mull.problems", "mull.constraints", "mull.commands"
BACKBONES = "mull.backbones"
CLUES = "mull.clues"
EXPERIMENTS = "mull.experiments"
WORDS = {
    SOLVERS: "solver",
    PROBLEMS: "problem family",
    CONSTRAINTS: "constraint kind",
    BACKBONES: "backbone",
    COMMANDS: "command",
    CLUES: "clue scorer",
    EXPERIMENTS: "experiment",
}
"""Group of entry points -> the word for one of its parts. A new group is one more line."""

OURS = "mull-solver"
"""The distribution that installs mull; the name ``mull`` on the public index is another project."""
ALLOWED = "MULL_PLUGINS"
"""Environment variable: distributions that may be used besides mull, separated by commas. Unset: all; empty: none."""

SLOW_IMPORT = 5.0
"""Seconds of importing after which a line on stderr names the part."""


class PluginError(MullError, RuntimeError):
    """A solver, family, kind, backbone or command cannot be used; the hint says what to do."""


@dataclass(frozen=True)
class Entry:
    """An installed part, not yet imported.

    Args:
        group: one of the keys of ``WORDS``.
        name: as a user writes it.
        target: ``module:attribute``.
        distribution: the package that installs it; empty for a solver added from a file.
        version: of that package.
        path: of that file.
        fault: why the package's list of entry points cannot be read, or empty. Name and target are then unknown.
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str
    path: str = ""
    fault: str = ""

    @property
    def built_in(self) -> bool:
        """Whether mull itself installs it."""
        return self.distribution == OURS

    @property
    def origin(self) -> str:
        """The file, or the package with its version, for messages."""
        return self.path or f"{self.distribution} {self.version}"

    @property
    def hint(self) -> str:
        """What a user can do where the part is broken."""
        if self.path:
            return f"correct the file and add it again, or: solve solvers remove {self.name}"
        if self.built_in:
            return "install mull again"
        return f"report it to the authors of {self.distribution}, or: pip uninstall {self.distribution}"

    def __str__(self) -> str:
        return f"{WORDS[self.group]} {self.name!r} of {self.origin}"


def entries(group: str) -> list[Entry]:
    """The entries of a group: mull's own first, then by name. A name that two packages claim occurs twice.

    Args:
        group: one of the keys of ``WORDS``.

    Raises:
        PluginError: mull's own entries are missing, because its metadata is older than its code.
    """
    found = [entry for entry in _scan(_stamp()) if entry.group == group and permitted(entry.distribution)]
    if not any(entry.built_in for entry in found):
        raise PluginError(
            f"mull's own {group} are not among the installed entry points", "install mull again, as after every update"
        )
    return sorted(found, key=lambda entry: (not entry.built_in, entry.name, entry.distribution))


def allowed_plugins() -> frozenset[str] | None:
    """The distributions named in ``MULL_PLUGINS``, normalised; None where it is not set."""
    value = os.environ.get(ALLOWED)
    return None if value is None else frozenset(map(normalise, filter(None, map(str.strip, value.split(",")))))


def permitted(name: str) -> bool:
    """Whether ``MULL_PLUGINS`` allows a distribution, or a solver added from a file."""
    allowed = allowed_plugins()
    return allowed is None or name == OURS or normalise(name) in allowed


def normalise(name: str) -> str:
    """A distribution's name in the form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_entry(group: str, name: str, among: Sequence[Entry]) -> Entry:
    """The entry of a name.

    Args:
        group: one of the keys of ``WORDS``.
        name: as a user writes it.
        among: entries of the group, which may contain solvers added from files.

    Raises:
        PluginError: no entry or several have the name, ``MULL_PLUGINS`` excludes it, or its package's metadata is
            broken.
    """
    mine = [entry for entry in among if entry.name == name]
    word = WORDS[group]
    if len(mine) > 1:
        claims = " and ".join(entry.origin for entry in mine)
        ways = [
            f"solve solvers remove {name}" if entry.path else f"pip uninstall {entry.distribution}"
            for entry in mine
            if not entry.built_in
        ]
        raise PluginError(
            f"{word} {name!r} is claimed by {claims}", f"{' or '.join(ways)}, or leave one out with {ALLOWED}"
        )
    if mine:
        if mine[0].fault:
            raise PluginError(f"{mine[0]}: {mine[0].fault}", mine[0].hint)
        return mine[0]
    excluded = [entry for entry in _scan(_stamp()) if (entry.group, entry.name) == (group, name)]
    if excluded:
        raise PluginError(f"{ALLOWED} leaves out {excluded[0]}", f"{ALLOWED}={excluded[0].distribution}")
    known = list(dict.fromkeys(entry.name for entry in among))
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"installed: {', '.join(known)}"
    raise PluginError(f"unknown {word} {name[:40]!r}", hint)


def load_entry(entry: Entry, base: type, called: str = "name") -> Any:
    """Import an entry.

    Args:
        entry: one of ``entries``.
        base: its base class; for the group ``COMMANDS``, the class of the object.
        called: the attribute that has the entry's name.

    Returns:
        The class; for the group ``COMMANDS``, the object.

    Raises:
        PluginError: it cannot be imported, or is not of the base class, or has another name.
    """
    with isolated(str(entry), entry.hint):
        loaded = metadata.EntryPoint(entry.name, entry.target, entry.group).load()
    fault = _unfit(loaded, base, called, entry)
    if fault:
        raise PluginError(f"{entry} {fault}", entry.hint)
    return loaded


def _unfit(loaded: Any, base: type, called: str, entry: Entry) -> str | None:
    """Why an imported object is not what its entry states, or None."""
    if entry.group == COMMANDS:
        if not isinstance(loaded, base):
            return f"is not a {base.__module__.split('.')[0]}.{base.__name__}: {entry.target}"
    elif not (inspect.isclass(loaded) and issubclass(loaded, base)):
        return f"is not a subclass of {base.__qualname__}: {entry.target}"
    elif inspect.isabstract(loaded):
        missing: frozenset[str] = vars(loaded)["__abstractmethods__"]
        return f"does not implement {', '.join(sorted(missing))}"
    name = getattr(loaded, called, None)
    return None if name == entry.name else f"has the name {name!r}"


@contextmanager
def isolated(what: str, hint: str) -> Iterator[None]:
    """Run a block of another package's code. Its errors become a PluginError; what it prints goes to stderr.

    Args:
        what: the part, for the message.
        hint: of the error.

    Raises:
        PluginError: the block raised an exception or exited.
    """
    waiting = threading.Timer(SLOW_IMPORT, lambda: print(f"still importing {what}", file=sys.stderr))
    waiting.daemon = True
    waiting.start()
    try:
        with redirect_stdout(sys.stderr):  # stdout is for answers
            yield
    except (Exception, SystemExit) as error:  # a module that calls sys.exit() must not end the program
        raise PluginError(f"{what} cannot be loaded: {described(error)}", hint) from error
    finally:
        waiting.cancel()


Stamp = tuple[tuple[str, int], ...]


def _stamp() -> Stamp:
    """A value that changes when a package is installed: the search path with its folders' modification times."""
    stamps = []
    for path in sys.path:
        try:
            stamps.append((path, os.stat(path or ".").st_mtime_ns))
        except OSError:
            continue
    return tuple(stamps)


@lru_cache(maxsize=2)
def _scan(stamp: Stamp) -> tuple[Entry, ...]:
    """The entries of all distributions on the path. Of several with one name the first counts, as for an import."""
    found: dict[str, list[Entry]] = {}
    for dist in metadata.distributions():
        try:
            text = dist.read_text("entry_points.txt") or ""
        except (OSError, UnicodeDecodeError):
            continue
        if "[mull." in text:
            name, version = _identity(dist)
            found.setdefault(normalise(name), _entries(text, name, version))
    return tuple(entry for listed in found.values() for entry in listed)


def _identity(dist: metadata.Distribution) -> tuple[str, str]:
    """A distribution's name and version. ``dist.name`` parses all metadata, which takes a millisecond each."""
    try:
        head = (dist.read_text("METADATA") or dist.read_text("PKG-INFO") or "").partition("\n\n")[0]
    except (OSError, UnicodeDecodeError):
        head = ""
    fields = dict(re.findall(r"^(Name|Version):[ \t]*(\S+)", head, re.MULTILINE))
    return fields.get("Name", "(a package without a name)"), fields.get("Version", "?")


def _entries(text: str, distribution: str, version: str) -> list[Entry]:
    """The entries of mull's groups in the text of an entry_points.txt."""
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#", ";"), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(text)
    except configparser.Error as error:
        reason = f"its entry_points.txt cannot be read: {str(error).splitlines()[0]}"
        groups = [group for group in WORDS if f"[{group}]" in text]
        return [Entry(group, "?", "", distribution, version, fault=reason) for group in groups]
    return [
        Entry(group, name, target, distribution, version)
        for group in WORDS
        if parser.has_section(group)
        for name, target in parser.items(group)
    ]
