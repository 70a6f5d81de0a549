"""Parts that several commands share: options, parameter types, warnings and interrupts."""

from __future__ import annotations

import os
import re
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from mull.engine.deprecation import MullDeprecationWarning, former_names
from mull.engine.deprecation import text as deprecation_text
from mull.engine.errors import MullError  # also found by the former name below

from .completion import files

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from mull.engine import AbstractSolver
    from mull.engine.store import Store


if not TYPE_CHECKING:  # with __getattr__ a type checker would accept every name
    __getattr__ = former_names(__name__, {"Failure": "MullError"}, "0.2", "0.3")


@contextmanager
def show_warnings() -> Iterator[None]:
    """Print warnings about input and former names as lines ``warning: ...`` on stderr; others keep their usual form."""
    from mull.problems import InputWarning

    shown = (InputWarning, MullDeprecationWarning)

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        if issubclass(category, shown):
            click.echo(f"warning: {message}", err=True)
        else:
            usual(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.showwarning = show
        for each in shown:
            warnings.simplefilter("always", each)
        yield


class ListGroup(click.Group):
    """A group whose default command is ``list``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert ``list`` if the arguments name no command.

        Args:
            ctx: the context of the group.
            args: the words after the group's name.
        """
        if ctx.resilient_parsing and not args:  # the shell completes the name of a command
            return super().parse_args(ctx, args)
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h")):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands of the group, and options of ``list``.

        Args:
            ctx: the context of the group.
            incomplete: the start of the word to complete.
        """
        found = super().shell_complete(ctx, incomplete)
        default = self.get_command(ctx, "list")
        if default is None or not incomplete.startswith("-"):
            return found
        known = {item.value for item in found}
        inner = default.make_context("list", [], parent=ctx, resilient_parsing=True)
        return found + [item for item in default.shell_complete(inner, incomplete) if item.value not in known]


class TextType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4
    """A type of option values. Subclasses define ``parse``, whose ``ValueError`` becomes a usage error."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the value of an option, as click calls it.

        Args:
            value: the text that the user typed, or a default that is parsed already.
            param: the option, for the error message.
            ctx: the context, for the error message.

        Raises:
            click.BadParameter: ``parse`` refuses the text.
        """
        if not isinstance(value, str):
            return value
        try:
            return self.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def parse(self, text: str) -> Any:
        """The value of a text that the user typed.

        Raises:
            ValueError: the text is not valid; the message lists valid forms.
        """
        raise NotImplementedError


class Seconds(TextType):
    """A duration in seconds: ``30s``, ``2m``, ``1.5h``, ``500ms``, a plain number, or ``none`` for infinity."""

    name = "duration"
    UNITS: ClassVar = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

    def parse(self, text: str) -> float:
        """The number of seconds of a duration.

        Raises:
            ValueError: the text is not a duration, or it is zero.
        """
        if text == "none":
            return float("inf")
        found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h|)", text.strip().lower())
        if found is None or not float(found[1]):
            raise ValueError(f"{text[:40]!r} is not a duration: use 30s, 2m, 1.5h, 500ms or none")
        return float(found[1]) * self.UNITS[found[2]]


INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


def finite(seconds: float | None) -> float | None:
    """A limit as ``Budget`` has it: None for no limit, also where the user typed ``none``."""
    return None if seconds == float("inf") else seconds


class RenamedOption(click.Option):
    """An option with former names, which set the same value, warn on stderr and do not appear in the help."""

    def __init__(self, declarations: Sequence[str], *, former: Sequence[str], **settings: Any) -> None:
        super().__init__(declarations, **settings)
        self.former = former

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Register the option and its former names.

        Args:
            parser: click's parser of the command.
            ctx: the command's context.
        """
        super().add_to_parser(parser, ctx)
        present = next(name for name in self.opts if name.startswith("--"))
        for name in self.former:
            parser._long_opt[name] = _alias(parser._long_opt[present], name, present)


def _alias(option: Any, name: str, present: str) -> Any:
    alias = copy(option)

    def process(value: Any, state: Any) -> None:
        click.echo(f"warning: {deprecation_text(name, '0.2', '0.3', present)}", err=True)
        option.process(value, state)

    alias.process = process
    return alias


def renamed_option(*declarations: str, former: Sequence[str], **settings: Any) -> Callable[[Any], Any]:
    """Decorate a command with an option that has former names; they work for one more release, with a warning.

    Args:
        declarations: as those of ``click.option``, with at least one long name.
        former: the former long names, e.g. ``("--on",)``.
        settings: as those of ``click.option``.

    Example:
        >>> @renamed_option("--data", former=("--on",), multiple=True, help="Training data.")
        ... def command(data): ...
    """
    return click.option(*declarations, cls=RenamedOption, former=former, **settings)


def pairs(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Parse the values of ``-o KEY=VALUE``; a dash in a key means an underscore.

    Raises:
        click.BadParameter: a value has no equals sign or no key.
    """
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value[:40]!r} is not of the form key=value")
        found[name.strip().replace("-", "_")] = text
    return found


def _store_anyway(context: click.Context, _: click.Parameter, given: bool) -> None:
    """Permit a store on a network file system in this process and in those that it starts, until the command ends."""
    if not given:
        return
    from mull.engine.store.file import ANYWAY

    before = os.environ.get(ANYWAY)
    os.environ[ANYWAY] = "1"
    context.call_on_close(lambda: os.environ.pop(ANYWAY) if before is None else os.environ.update({ANYWAY: before}))


store_anyway_option = click.option(
    "--store-anyway",
    is_flag=True,
    expose_value=False,
    callback=_store_anyway,
    help="Use an SQLite store on a network file system, where it may lose runs.",
)
_url_option = click.option(
    "--store",
    "url",
    shell_complete=files,
    metavar="URL",
    help="Store: an SQLite file or a database URL (or set MULL_STORE).",
)


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--store``, which the command receives as ``url``, and ``--store-anyway``."""
    return _url_option(store_anyway_option(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")


def check_solver(name: str) -> None:
    """Refuse an unknown solver before torch is imported, which takes a second or more.

    Args:
        name: of an installed solver, or the path of a file with one.

    Raises:
        PluginError: the solver is not installed.
    """
    from mull.engine.registry import SOLVERS, entries, find_entry

    if name not in {entry.name for entry in entries(SOLVERS)}:
        from mull.plugins import installed, is_file

        if not is_file(name):
            find_entry(SOLVERS, name, installed())


def make_solver(name: str, options: dict[str, str]) -> AbstractSolver:
    """Load an installed solver and set its options.

    Args:
        name: the solver's name.
        options: key -> value, both as the user typed them.

    Raises:
        PluginError: the solver does not exist or cannot be loaded.
        OptionError: an option is unknown, or its value is outside the bounds.
    """
    from mull.plugins import load

    return load(name).from_options(options)


def open_store(url: str | None, *, reading: bool = False) -> Store:
    """Open a store, and create it if it does not exist; without a URL the user's own store.

    Args:
        url: of the store, or None.
        reading: whether a file that this user may read and not write is opened too.

    Raises:
        StoreError: the store cannot be opened.
    """
    from mull.engine.store import Store

    return Store(url, reading=reading)


def make_writable(folder: Path, hint: str) -> None:
    """Make a folder for results, before the work that takes time.

    Args:
        folder: with its parents.
        hint: names another folder.

    Raises:
        MullError: it cannot be made, or no file can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MullError(f"cannot make the folder {folder}: {error.strerror}", hint) from None
    if not os.access(folder, os.W_OK):
        raise MullError(f"cannot write into the folder {folder}", hint)


def interruptible(notify: Callable[[str], None] | None = None) -> Callable[[], bool]:
    """Handle Ctrl-C and SIGTERM: the first one sets a flag, the second one raises ``KeyboardInterrupt``.

    Args:
        notify: prints the notice of the first signal; by default it is a line on stderr.

    Returns:
        A function that returns whether a signal was received.
    """
    received: list[int] = []

    def stop(signal_number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signal_number)
        text = "stopping; results so far are kept (interrupt again to stop at once)"
        notify(text) if notify else click.echo(text, err=True)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)  # sent by job schedulers
    return lambda: bool(received)
