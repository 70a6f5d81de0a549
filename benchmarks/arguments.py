"""Command-line arguments that several benchmarks share."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable


def add_options(parser: ArgumentParser) -> None:
    """Add ``-o KEY=VALUE``; the values come as ``options``."""
    parser.add_argument(
        "-o", action="append", default=[], metavar="KEY=VALUE", dest="options", help="option of the solver; repeatable"
    )


def key_values(options: Iterable[str]) -> dict[str, str]:
    """Split ``KEY=VALUE`` texts at their first equals sign."""
    return dict(option.split("=", 1) for option in options)
