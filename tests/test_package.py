"""The package: its links, its files, its public names, and modules that must not import torch."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from setuptools import find_namespace_packages

import mull
from conftest import modules_of

ROOT = Path(__file__).parent.parent


FOLDERS = [
    "analysis",
    "commands",
    "engine",
    "experiments",
    "pictures",
    "plugins",
    "problems",
    "solvers",
    "ui",
    "weights",
]
"""The folders of the package."""


@pytest.mark.parametrize("name", [*FOLDERS, "cli.py", "terminal.py"])
def test_folders_of_the_package_are_links(name: str) -> None:
    link = ROOT / "src" / "mull" / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / name


def test_src_contains_nothing_else() -> None:
    held = {p.name for p in (ROOT / "src" / "mull").iterdir()} - {"__pycache__"}
    assert held == {"__init__.py", "__main__.py", "py.typed", "torch_start.py", *FOLDERS, "cli.py", "terminal.py"}


def test_every_file_is_part_of_the_distribution() -> None:
    """A file that is not Python needs a pattern in pyproject.toml, and its folder must be a package."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = settings["packages"]["find"]
    packages = find_namespace_packages(str(ROOT / "src"), found["exclude"], found["include"])
    held = [
        Path(folder) / name
        for folder, _, names in os.walk(ROOT / "src" / "mull", followlinks=True)
        for name in names
        if "__pycache__" not in folder
    ]
    assert len(held) > 100
    for path in held:
        package = ".".join(path.parent.relative_to(ROOT / "src").parts)
        assert package in packages
        patterns = ["*.py", *settings["package-data"].get(package, [])]
        assert any(fnmatch(path.name, pattern) for pattern in patterns), path


def test_public_names_exist() -> None:
    for name in mull.__all__:
        assert getattr(mull, name) is not None
    with pytest.raises(AttributeError):
        mull.nothing_of_the_sort  # noqa: B018


@pytest.mark.parametrize(
    "arguments", [["--help"], ["history"], ["history", "path"], ["solvers"], ["solvers", "list"], ["--version"]]
)
def test_commands_that_only_read_do_not_import_torch(arguments: list[str]) -> None:
    assert not {"torch", "ortools"} & modules_of(*arguments)


@pytest.mark.parametrize("arguments", [["queens:6"], ["queens:6", "-s", "cpsat"], ["latin:5", "--json"]])
def test_problems_that_cpsat_answers_do_not_import_torch(arguments: list[str]) -> None:
    assert {"torch", "ortools"} & modules_of(*arguments) == {"ortools"}


@pytest.mark.parametrize(
    "module", ["mull", "mull.engine.errors", "mull.engine.solving", "mull.engine.store", "mull.solvers.cpsat"]
)
def test_modules_that_do_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_imports_from_the_root_give_other_classes() -> None:
    """The reason why ruff bans ``import engine``: from the root it works, and gives classes that are not mull's."""
    code = "import engine.graph, mull.engine.graph as m; assert engine.graph.GraphError is not m.GraphError"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
