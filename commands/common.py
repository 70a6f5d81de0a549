"""What the commands share: errors with hints, options, and ways into the rooms."""

from __future__ import annotations

import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from mull.engine import Solver
    from mull.engine.store import Store


class Failure(Exception):
    """What ends the program with exit code 2: the message, and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


ERRORS = {
    "mull.engine.checkpoint": "CheckpointError",
    "mull.engine.store": "StoreError",
    "mull.plugins": "PluginError",
    "mull.problems": "InputError",
}
"""The rooms' own errors, which have hints, by module."""


@contextmanager
def failures() -> Iterator[None]:
    """The rooms' own errors, told as Failures."""
    try:
        yield
    # What was raised has been imported: to import all rooms for their errors would cost a quarter of `solve history`.
    except tuple(getattr(sys.modules[m], name) for m, name in ERRORS.items() if m in sys.modules) as error:
        raise Failure(str(error), error.hint) from error


@contextmanager
def shown_warnings() -> Iterator[None]:
    """Warnings about input as lines ``warning: ...`` on stderr; a script in Python gets them from ``warnings``."""
    from mull.problems import InputWarning

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        if issubclass(category, InputWarning):
            click.echo(f"warning: {message}", err=True)
        else:
            usual(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.showwarning = show
        warnings.simplefilter("always", InputWarning)
        yield


class ListGroup(click.Group):
    """A group that lists when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class Seconds(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4
    """A duration such as 30s, 2m, 1.5h, 500ms, a plain number of seconds, or ``none``."""

    name = "duration"
    UNITS: ClassVar = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value == "none":
            return float("inf")
        found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h|)", value.strip().lower())
        if found is None or not float(found[1]):
            self.fail(f"{value[:40]!r} is no duration: 30s, 2m, 1.5h, 500ms or none", param, ctx)
        return float(found[1]) * self.UNITS[found[2]]


def pairs(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value[:40]!r} is no key=value")
        pairs[name.strip().replace("-", "_")] = text
    return pairs


store_option = click.option("--store", "url", metavar="URL", help="SQLite file or database URL (or set MULL_STORE).")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")


def make_solver(name: str, options: dict[str, str]) -> Solver:
    from mull.engine.solver import OptionError
    from mull.plugins import load

    solver = load(name)
    try:
        return solver.from_options(options)
    except OptionError as error:
        raise Failure(str(error), f"solve solvers show {name}") from None


def open_store(url: str | None) -> Store:
    from mull.engine.store import Store

    return Store(url)


def usable_device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise Failure(f"device {name[:40]!r} cannot be used: {str(error).splitlines()[0]}", "--device cpu") from None
    return name


def interruptible() -> Callable[[], bool]:
    """Ctrl-C asks to stop, keeping what was found; a second one stops at once."""
    asked: list[int] = []

    def stop(signal_number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(signal_number)
        click.echo("stopping: what was found is kept (again to stop at once)", err=True)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)  # what a scheduler sends
    return lambda: bool(asked)
