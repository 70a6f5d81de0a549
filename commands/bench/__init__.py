"""``solve bench``: several solvers on the same files, and published benchmarks."""

from __future__ import annotations

import click

from .command import bench as files
from .lr2bench import lr2bench


class BenchGroup(click.Group):
    """A group whose default command runs files; its help is the help of that command, with the list of benchmarks."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert ``files`` if the first argument names no benchmark.

        Args:
            ctx: the context of the group.
            args: the words after the group's name.
        """
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = ["files", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of the default command, then the benchmarks.

        Args:
            ctx: the context of the group.
            formatter: receives the text.
        """
        inner = files.make_context("bench", [], parent=ctx.parent, resilient_parsing=True)
        files.format_help(inner, formatter)
        with formatter.section("Benchmarks"):
            named = [(name, command) for name, command in self.commands.items() if not command.hidden]
            formatter.write_dl([(name, command.get_short_help_str(80)) for name, command in named])


bench = BenchGroup("bench", help=files.help, short_help=files.get_short_help_str(80))
files.hidden = True
bench.add_command(files, "files")
bench.add_command(lr2bench)

__all__ = ["bench"]
