"""No circles of imports, neither at the top of modules nor inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("analysis", "engine", "problems", "solvers", "plugins", "commands", "ui")


def test_no_modules_import_each_other_in_a_circle() -> None:
    circles = [sorted(each) for each in nx.strongly_connected_components(imports()) if len(each) > 1]
    assert not circles, "\n".join(map(", ".join, circles))


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("from .a import b", {"mull.engine.a"}),
        ("from . import a", {"mull.engine.a"}),
        ("from .a import c as d\n", {"mull.engine.a"}),
        ("def f():\n    from ..engine import a", {"mull.engine.a"}),
        ("import mull.engine.a", {"mull.engine.a"}),
        ("from mull.engine.a import b", {"mull.engine.a"}),
        ("if TYPE_CHECKING:\n    from .a import b\nelse:\n    from .c import d", {"mull.engine.c"}),
        ("from os import path", set()),
    ],
)
def test_imports_are_found(text: str, imported: set[str]) -> None:
    known = {"mull", "mull.engine", "mull.engine.a", "mull.engine.c"}
    assert set(_imported(ast.parse(text), ["mull", "engine"], known)) == imported


@lru_cache
def imports() -> nx.DiGraph:
    """Module -> the modules that it imports at run time."""
    files = {"mull": ROOT / "src" / "mull" / "__init__.py"}
    files |= {f"mull.{name}": ROOT / f"{name}.py" for name in ("cli", "terminal")}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = ["mull", *path.relative_to(ROOT).with_suffix("").parts]
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = nx.DiGraph()
    graph.add_nodes_from(files)
    for module, path in files.items():
        parts = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        tree = ast.parse(path.read_text())
        graph.add_edges_from((module, each) for each in _imported(tree, parts, files.keys()) if each != module)
    return graph


def _imported(node: ast.AST, package: list[str], known: object) -> Iterator[str]:
    """The modules among ``known`` that a tree imports outside ``if TYPE_CHECKING``."""
    assert isinstance(known, set | type({}.keys()))
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for branch in node.orelse:
            yield from _imported(branch, package, known)
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{source}.{alias.name}"
            if inner in known or source in known:
                yield inner if inner in known else source
    for child in ast.iter_child_nodes(node):
        yield from _imported(child, package, known)
