"""Directives that write parts of the reference from the program itself.

``commands`` the commands and their options, ``solvers`` the solvers and theirs, ``families`` the problem families,
``schema`` the tables of the store, ``names PACKAGE`` the stable names of a package.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import click
from docutils import nodes
from docutils.statemachine import StringList
from links import public_names, value_home
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from mull.cli import cli
from mull.commands.tables import SIGNS
from mull.engine.registry import COMMANDS, PROBLEMS, SOLVERS, entries, load_entry
from mull.engine.solver import AbstractSolver

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class Written(SphinxDirective):
    """A directive whose content is Markdown that ``lines`` returns."""

    optional_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """The nodes of the Markdown."""
        part = nodes.section(document=self.state.document)
        text = "\n".join(self.lines(*self.arguments))
        self.state.nested_parse(StringList(text.splitlines(), "generated"), self.content_offset, part, True)
        return part.children

    def lines(self, *arguments: str) -> Iterator[str]:
        """The lines of the Markdown; the arguments are those of the directive."""
        raise NotImplementedError


class Commands(Written):
    """The commands of the program with their arguments and options."""

    def lines(self, *arguments: str) -> Iterator[str]:
        """A section for each command; the first is that of the program without a command."""
        top = click.Context(cli, info_name="solve")
        own = [entry.name for entry in entries(COMMANDS) if entry.built_in]
        for name in ["run", *sorted(set(own) - {"run"})]:
            command = cli.get_command(top, name)
            assert command is not None
            yield from self._command(command, click.Context(command, info_name=name, parent=top), 2)

    def _command(self, command: click.Command, context: click.Context, level: int) -> Iterator[str]:
        path = context.command_path
        default = path == "solve run"
        yield from ("{#" + path.replace(" ", "-") + "}", f"{'#' * level} {path}", "")
        usage = "solve [OPTIONS] PROBLEM..." if default else f"{path} {' '.join(command.collect_usage_pieces(context))}"
        yield from ("```text", usage, "```", "")
        help_text = (cli.help if default else command.help) or ""
        yield from (*inspect.cleandoc(help_text.replace("\b", "")).splitlines(), "")
        if default:
            yield from ("`solve PROBLEM` is the same as `solve run PROBLEM`.", "")
        yield from (f"```{{program}} {path}", "```", "")
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if isinstance(parameter, click.Option) and record is not None:
                yield from (f"````{{option}} {record[0].replace(' / ', ', ')}", record[1], "````", "")
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from self._command(inner, click.Context(inner, info_name=name, parent=context), level + 1)


class Solvers(Written):
    """The solvers with their options."""

    def lines(self, *arguments: str) -> Iterator[str]:
        """A section for each solver, and one for the options of trainings."""
        from mull.engine.training import Recipe

        for entry in entries(SOLVERS):
            if not entry.built_in:
                continue
            solver = load_entry(entry, object)
            assert isinstance(solver, type)
            assert issubclass(solver, AbstractSolver)
            yield from (f"{{#solver-{entry.name}}}", f"## {entry.name}", "")
            yield from (*markdown(inspect.getdoc(solver) or ""), "")
            may = "may answer *unsatisfiable* and *optimal*" if solver.complete else "proves nothing"
            yield from (f"The solver {may}. Iterations are {solver.unit}.", "")
            yield from options(solver.model_fields)
            if solver.citation:
                yield from ("", f"Source: {escaped(solver.citation)}", "")
        yield from ("{#training-options}", "## Options of a training", "")
        yield from ("`solve train` also takes these with `-o`, besides the options that set the size of the net.", "")
        yield from options(Recipe.model_fields)


def options(fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    """A table of options.

    Args:
        fields: name of an option -> its field.
    """
    if not fields:
        yield "It has no options."
        return
    yield from ("| option | default | bounds | what it sets |", "|---|---|---|---|")
    for name, field in fields.items():
        bounds = [
            f"{sign} {getattr(m, word)}" for m in field.metadata for word, sign in SIGNS.items() if hasattr(m, word)
        ]
        default = "–" if field.default is None else f"`{field.default}`"
        yield f"| `{name}` | {default} | {escaped(', '.join(bounds))} | {escaped(field.description or '')} |"


class Families(Written):
    """The problem families."""

    def lines(self, *arguments: str) -> Iterator[str]:
        """A section for each family."""
        for entry in entries(PROBLEMS):
            if not entry.built_in:
                continue
            family: Any = load_entry(entry, object)
            yield from (f"## {entry.name}", "")
            yield from (*markdown(inspect.getdoc(family) or ""), "")
            yield from ("| what | how |", "|---|---|", f"| reads | {escaped(family.summary)} |")
            facts = {
                "generates": [family.spec] if family.spec else [],
                "suffixes": [*family.suffixes, *family.archives],
                "training streams": family.stream_forms,
            }
            for what, words in facts.items():
                if words:
                    yield f"| {what} | {', '.join(f'`{word}`' for word in words)} |"
            yield from (f"| solver of benches | `{family.solver}` |", "")


class Schema(Written):
    """The tables of the store."""

    def lines(self, *arguments: str) -> Iterator[str]:
        """A section for each table."""
        from mull.engine.store.schema import metadata

        for table in metadata.sorted_tables:
            yield from (f"{{#table-{table.name}}}", f"## {table.name}", "")
            yield from ("| column | type | null | refers to |", "|---|---|---|---|")
            for column in table.columns:
                kind = str(column.type) + (
                    ", primary key" if column.primary_key else ", unique" if column.unique else ""
                )
                null = "yes" if column.nullable else "no"
                refers = ", ".join(
                    f"[`{key.target_fullname}`](#table-{key.column.table.name})" for key in column.foreign_keys
                )
                yield f"| `{column.name}` | {kind} | {null} | {refers} |"
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                yield from ("", f"Index `{index.name}` on {', '.join(f'`{column.name}`' for column in index.columns)}.")
            yield ""


class Names(Written):
    """The stable names of a package, its argument."""

    def lines(self, *arguments: str) -> Iterator[str]:
        """A table with a line for each name."""
        (package,) = arguments
        module = import_module(package)
        yield from ("| name | what it is |", "|---|---|")
        for name in module.__all__:
            value = getattr(module, name)
            stated = getattr(value, "__name__", "") == name
            text = inspect.getdoc(value) if stated else value_home(package, name)[1]
            first = re.split(r"(?<=[.:])\s|\n\n", text or "")[0].replace("\n", " ")
            yield f"| {{py:obj}}`{package}.{name} <{public_names()[f'{package}.{name}']}>` | {escaped(first)} |"


def markdown(text: str) -> list[str]:
    """A docstring's text as lines of Markdown; its sections, such as *Args*, are left out.

    Args:
        text: with sections as in Google's style.
    """
    text = re.split(r"^(?:Args|Raises|Returns|Example|Examples|Note):$", text, maxsplit=1, flags=re.MULTILINE)[0]
    return [escaped(line) for line in text.strip().splitlines()]


def escaped(text: str) -> str:
    """A text whose signs have no meaning in Markdown outside code, and which fits a cell of a table.

    Args:
        text: one line, maybe with code in single or double backticks.
    """
    parts = re.split(r"(``.+?``|`.+?`)", text)
    return "".join(
        part.replace("|", "\\|") if k % 2 else re.sub(r"([\\|<>*_\[\]#$~])", r"\\\1", part)
        for k, part in enumerate(parts)
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the extension to a build."""
    for directive in (Commands, Solvers, Families, Schema, Names):
        app.add_directive(directive.__name__.lower(), directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
