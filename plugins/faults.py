"""What is wrong with something installed, as far as can be seen without importing it.

A list of plugins must be quick and may run nobody's code, so the source is read, not run: whether the module is there, parses,
defines what it is listed for, and imports only what is installed. Whatever is decided at run time (branches, try, computed
names) counts as right: ``solve solvers list --load`` finds out by importing.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from ..engine import files
from ..engine.registry import Entry
from .manifest import LARGEST, added

TARGET = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>\w+)(\.\w+)*\s*(\[.*\])?$")
MOST = 50
"""Modules of a package that are read: a list has half a second for all packages."""
ENDINGS = {"sys.exit", "exit", "quit", "os._exit"}


def fault(entry: Entry) -> str | None:
    """What is seen to be wrong with an entry, or None."""
    if entry.fault or entry.built_in:
        return entry.fault or None
    if entry.path:
        file = next((file for file in added() if file.name == entry.name and file.path == entry.path), None)
        return file.fault() if file else None
    named = TARGET.match(entry.target)
    if named is None:
        return f"{entry.target!r} is no module:attribute"
    return _Reading(named["module"].partition(".")[0]).module(named["module"], named["attribute"])


class _Reading:
    """One package's sources as they are read; each module once. Mutable, private."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.seen: set[str] = set()

    def module(self, name: str, attribute: str | None = None) -> str | None:
        """What is wrong with a module, those that it is in, and those of its package that it imports."""
        parent, _, _ = name.rpartition(".")
        wrong = self.module(parent) if parent else None
        if wrong or len(self.seen) == MOST or (name in self.seen and attribute is None):
            return wrong
        self.seen.add(name)
        spec = _locate(name)
        if spec is None:
            return f"there is no module {name}"
        source = _source(spec)
        if source is None:
            return None
        path, text = source
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            return f"{path.name}{f':{line}' if line else ''}: {getattr(error, 'msg', error)}"
        wrong = self._statements(tree, path, name if spec.submodule_search_locations else parent)
        if wrong is None and attribute is not None and not _may_define(tree, attribute):
            return f"{name} defines no {attribute}"
        return wrong

    def _statements(self, tree: ast.Module, path: Path, package: str) -> str | None:
        for node in tree.body:
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Raise):
                return f"{where}: raises when it is imported"
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _ends(node.value):
                return f"{where}: ends the program when it is imported"
            for name, certain in _imported(node, package):
                mine = name.partition(".")[0] == self.package
                wrong = self.module(name) if mine and (certain or _locate(name)) else None
                if wrong:
                    return wrong
                if not mine and _locate(name.partition(".")[0]) is None:
                    return f"{where}: needs {name.partition('.')[0]}, which is not installed"
        return None


def _imported(node: ast.stmt, package: str) -> Iterator[tuple[str, bool]]:
    """The modules that a statement imports; False for what may be a name in one as well."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, True) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        if module:
            yield module, True
            yield from ((f"{module}.{alias.name}", False) for alias in node.names if node.level)


def _ends(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ENDINGS


def _may_define(tree: ast.Module, attribute: str) -> bool:
    """Whether a module's source gives a name, or does what cannot be read off it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in (attribute, "__getattr__"):
                return True
        elif isinstance(node, ast.Name):
            if node.id in ("globals", "exec", "vars", "setattr") or (
                node.id == attribute and isinstance(node.ctx, ast.Store)
            ):
                return True
        elif isinstance(node, ast.alias) and {attribute, "*"} & {node.asname, node.name.partition(".")[0]}:
            return True
    return False


def _locate(name: str) -> ModuleSpec | None:
    """Where a module would be found; unlike ``importlib.util.find_spec``, its packages are not imported for that."""
    top, *inner = name.split(".")
    if top in sys.builtin_module_names:
        return ModuleSpec(name, None)
    try:
        spec = find_spec(top)
        for i in range(len(inner)):
            if spec is None or spec.submodule_search_locations is None:
                return None
            spec = PathFinder.find_spec(".".join([top, *inner[: i + 1]]), list(spec.submodule_search_locations))
    except (ImportError, ValueError, OSError):
        return None
    return spec


def _source(spec: ModuleSpec) -> tuple[Path, bytes] | None:
    """A module's text; None where there is none to read: compiled, or in an archive."""
    path = Path(spec.origin or "")
    try:
        return (path, files.read(path, LARGEST)) if path.suffix == ".py" else None
    except OSError:
        return None
