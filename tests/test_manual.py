"""The manual has every public name, command, option and column. ``make docs`` builds it and runs these tests."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from functools import cache
from html import unescape
from importlib import import_module
from pathlib import Path

import click
import pytest
from test_docstrings import modules, public

from mull.cli import cli
from mull.engine.registry import COMMANDS, PROBLEMS, SOLVERS, entries
from mull.engine.store.schema import metadata
from mull.engine.training import Recipe
from mull.plugins import load

MANUAL = Path(os.environ.get("MULL_TEST_MANUAL", "")).absolute()
pytestmark = pytest.mark.skipif("MULL_TEST_MANUAL" not in os.environ, reason="no manual: run by make docs")

PACKAGES = ("mull", "mull.engine", "mull.engine.store", "mull.problems", "mull.plugins", "mull.pictures")
"""Packages whose ``__all__`` lists stable names."""


@cache
def inventory() -> dict[str, str]:
    """Each object that the manual describes -> its role."""
    data = (MANUAL / "objects.inv").read_bytes().split(b"zlib.\n", 1)[1]
    lines = zlib.decompress(data).decode().splitlines()
    found = (re.match(r"(.+?) (\S+:\S+) -?\d+ ", line) for line in lines)
    return {each[1]: each[2] for each in found if each}


@cache
def page(name: str) -> str:
    return (MANUAL / name).read_text()


def section(text: str, anchor: str) -> str:
    """The part of a page from an anchor to the next section of its level or above."""
    found = re.search(rf'<(?:span|section) id="{anchor}">.*?(?=<section |</article>)', text, re.DOTALL)
    assert found, f"no section {anchor}"
    return found[0]


def code(text: str) -> set[str]:
    """The texts in code of a part of a page."""
    return {unescape(re.sub("<.*?>", "", found)) for found in re.findall(r"<code.*?</code>", text, re.DOTALL)}


@pytest.mark.parametrize("module_name", modules())
def test_every_public_name_is_described(module_name: str) -> None:
    missing = [name for name, _, _ in public(module_name) if f"{module_name}.{name}" not in inventory()]
    assert not missing


@pytest.mark.parametrize("package", PACKAGES)
def test_every_stable_name_is_listed_with_a_link_to_its_description(package: str) -> None:
    linked = re.findall(r'href="[^"]*"[^>]*>(?:<[^>]*>)*([\w.]+)<', page("api.html"))
    assert not {f"{package}.{name}" for name in import_module(package).__all__} - {*linked}


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, click.Context(inner, info_name=name, parent=context))


def test_every_option_of_every_command_is_described() -> None:
    top = click.Context(cli, info_name="solve")
    for entry in entries(COMMANDS):
        if not entry.built_in:
            continue
        first = cli.get_command(top, entry.name)
        assert first is not None
        for path, command, context in commands(first, click.Context(first, info_name=entry.name, parent=top)):
            assert path.replace(" ", "-") in inventory(), f"no section on {path}"
            for parameter in command.get_params(context):
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    for word in (*parameter.opts, *parameter.secondary_opts):
                        assert f"{path.replace(' ', '-')}.{word}" in inventory(), f"{path} {word}"


def test_every_option_of_every_solver_is_in_its_table() -> None:
    text = page("reference/solvers.html")
    for entry in entries(SOLVERS):
        if entry.built_in:
            assert not {*load(entry.name).model_fields} - code(section(text, f"solver-{entry.name}"))
    assert not {*Recipe.model_fields} - code(section(text, "training-options"))


def test_every_column_of_the_store_is_in_its_table() -> None:
    text = page("reference/schema.html")
    for table in metadata.sorted_tables:
        assert not {column.name for column in table.columns} - code(section(text, f"table-{table.name}"))


def test_every_family_has_a_section() -> None:
    text = page("reference/families.html")
    for entry in entries(PROBLEMS):
        assert not entry.built_in or f'<section id="{entry.name}">' in text


def test_the_first_page_links_to_the_page_on_a_problem_of_ones_own() -> None:
    body = page("index.html").split("<article", 1)[1].split("</article>")[0]
    assert 'href="own-problem.html"' in body


def test_links_lead_to_pages_and_places_that_exist() -> None:
    pages = [path for path in MANUAL.rglob("*.html") if path.parent.name != "modules"]
    assert len(pages) > 30
    for path in pages:
        body = path.read_text().split("<article", 1)[-1].split("</article>")[0]
        for target in set(re.findall(r'href="([^"]+)"', body)):
            if re.match(r"\w+:", target):
                continue
            file, _, anchor = unescape(target).partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.exists(), f"{path.name} links to {target}"
            if anchor and there.suffix == ".html":
                assert f'id="{anchor}"' in page(str(there)), f"{path.name} links to {target}"
