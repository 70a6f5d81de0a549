"""The package's shape: links, imports, entry points, and what must not be imported."""

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

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "room", ["engine", "problems", "solvers", "plugins", "commands", "weights", "cli.py", "terminal.py"]
)
def test_rooms_are_links(room: str) -> None:
    link = ROOT / "src" / "mull" / room
    assert link.is_symlink()
    assert link.resolve() == ROOT / room


def test_src_holds_nothing_else() -> None:
    held = {p.name for p in (ROOT / "src" / "mull").iterdir()} - {"__pycache__"}
    rooms = {"engine", "problems", "solvers", "plugins", "commands", "weights"}
    assert held == {"__init__.py", "__main__.py", "py.typed", *rooms, "cli.py", "terminal.py"}


def test_every_file_is_packed() -> None:
    """What lies in the package beside Python files is named by a pattern, in a folder that is declared a package."""
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


def test_public_names_are_there() -> None:
    for name in mull.__all__:
        assert getattr(mull, name) is not None
    with pytest.raises(AttributeError):
        mull.nothing_of_the_sort  # noqa: B018


@pytest.mark.parametrize(
    "arguments", [["--help"], ["history"], ["history", "path"], ["solvers"], ["solvers", "list"], ["--version"]]
)
def test_light_commands_do_without_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from mull.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules and 'ortools' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [["queens:6"], ["queens:6", "-s", "cpsat"], ["latin:5", "--json"]])
def test_what_cpsat_answers_does_without_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from mull.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'ortools' in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    "module", ["mull", "mull.engine.errors", "mull.engine.solving", "mull.engine.store", "mull.solvers.cpsat"]
)
def test_modules_that_do_without_torch(module: str) -> None:
    code = f"import sys, {module}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bare_imports_are_other_classes() -> None:
    """Why ruff bans ``import engine``: from the root it works and gives classes that are not mull's."""
    code = "import engine.graph, mull.engine.graph as m; assert engine.graph.GraphError is not m.GraphError"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
