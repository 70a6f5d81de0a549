"""Faults of an installed plugin that show without importing it.

A list of plugins must be fast and must not run their code, so the source is parsed instead. The checks are: the module
exists, parses, defines the listed name, and imports only installed modules. Anything decided at run time (branches,
``try``, computed names) counts as correct; ``solve solvers list --load`` imports the plugins and finds such faults.
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
from .manifest import MAX_BYTES, added

TARGET = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>\w+)(\.\w+)*\s*(\[.*\])?$")
MAX_MODULES = 50
"""Largest number of modules read in one package. A list of 50 packages must take less than half a second."""
EXITS = {"sys.exit", "exit", "quit", "os._exit"}


def diagnose(entry: Entry) -> str | None:
    """The fault of an entry as a phrase; None if its source shows no fault."""
    if entry.fault or entry.built_in:
        return entry.fault or None
    if entry.path:
        file = next((file for file in added() if file.name == entry.name and file.path == entry.path), None)
        return file.diagnose() if file else None
    named = TARGET.match(entry.target)
    if named is None:
        return f"{entry.target!r} is not of the form module:attribute"
    return _Package(named["module"].partition(".")[0]).module(named["module"], named["attribute"])


class _Package:
    """Reads the sources of one package, each module once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: set[str] = set()

    def module(self, name: str, attribute: str | None = None) -> str | None:
        """The first fault of a module, of its parent packages, or of the modules of its package that it imports."""
        parent, _, _ = name.rpartition(".")
        wrong = self.module(parent) if parent else None
        # A module may import itself through others, so each module is read once.
        if wrong or len(self.seen) == MAX_MODULES or (name in self.seen and attribute is None):
            return wrong
        self.seen.add(name)
        spec = _locate(name)
        if spec is None:
            return f"module {name} does not exist"
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
            return f"{name} does not define {attribute}"
        return wrong

    def _statements(self, tree: ast.Module, path: Path, package: str) -> str | None:
        # Only statements that always run: those in branches, functions and try blocks may be skipped at run time.
        for node in tree.body:
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Raise):
                return f"{where}: raises an error on import"
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _exits(node.value):
                return f"{where}: exits the program on import"
            for name, certain in _imported(node, package):
                # `from . import x` names a module or an attribute; it counts as a module if there is one.
                mine = name.partition(".")[0] == self.name
                wrong = self.module(name) if mine and (certain or _locate(name)) else None
                if wrong:
                    return wrong
                if not mine and _locate(name.partition(".")[0]) is None:
                    return f"{where}: imports {name.partition('.')[0]}, which is not installed"
        return None


def _imported(node: ast.stmt, package: str) -> Iterator[tuple[str, bool]]:
    """The modules that a statement imports, each with whether it is certainly a module, and not a name in one."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, True) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        if module:
            yield module, True
            yield from ((f"{module}.{alias.name}", False) for alias in node.names if node.level)


def _exits(call: ast.Call) -> bool:
    return ast.unparse(call.func) in EXITS


def _may_define(tree: ast.Module, attribute: str) -> bool:
    """Whether a module's source defines a name, or contains code whose names are decided at run time."""
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
    """The spec of a module. Unlike ``importlib.util.find_spec``, this does not import its parent packages."""
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
    """Path and source of a module; None if it has no source file: compiled, or in an archive."""
    path = Path(spec.origin or "")
    try:
        return (path, files.read(path, MAX_BYTES)) if path.suffix == ".py" else None
    except OSError:
        return None
