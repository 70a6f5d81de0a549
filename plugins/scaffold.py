"""New plugin packages, ready to install: a solver, problem family or constraint kind, with entry point and tests."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ..engine.registry import CONSTRAINTS, PROBLEMS, SOLVERS, WORDS, Entry, PluginError, entries
from .installed import installed


@dataclass(frozen=True)
class Scaffold:
    """The parts of a new package of one kind.

    Args:
        group: group of its entry point.
        files: path in the package -> name of the template.
    """

    group: str
    files: Mapping[str, str]


def _scaffold(group: str, module: str, test: str, readme: str, tests: str) -> Scaffold:
    files = {"pyproject.toml": "pyproject.toml", "README.md": readme, "src/$module/__init__.py": module, tests: test}
    return Scaffold(group, {path: f"{template}.template" for path, template in files.items()})


_CONTRACT = "tests/test_conformance.py"
SCAFFOLDS = {
    "solver": _scaffold(SOLVERS, "solver.py", "test_conformance.py", "README.md", _CONTRACT),
    "learned": _scaffold(SOLVERS, "learned.py", "test_learned.py", "README-learned.md", _CONTRACT),
    "whole": _scaffold(SOLVERS, "whole.py", "test_conformance.py", "README.md", _CONTRACT),
    "family": _scaffold(PROBLEMS, "family.py", "test_family.py", "README-family.md", "tests/test_family.py"),
    "constraint": _scaffold(
        CONSTRAINTS, "constraint.py", "test_constraint.py", "README-constraint.md", "tests/test_constraint.py"
    ),
}
"""By kind: a solver with steps, a learned solver, a solver of whole problems, a problem family, a constraint kind."""


def new(name: str, folder: Path | None = None, *, kind: str = "solver") -> Path:
    """Write the package ``mull-NAME``, with a simple example that works at once.

    Args:
        name: of a solver or family: lower-case letters, digits and ``-``; of a constraint kind: a class name.
        folder: the package's folder, which must be new or empty; the default is ``mull-NAME`` in the current folder.
        kind: a key of ``SCAFFOLDS``.

    Returns:
        The folder.

    Raises:
        PluginError: the name is invalid or taken, or the folder is not empty or cannot be written.
    """
    scaffold = SCAFFOLDS[kind]
    words = _placeholders(name, scaffold.group)
    folder = Path(words["package"]) if folder is None else folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PluginError(f"{folder} exists and is not an empty folder", "choose another folder with --folder")
    from importlib import resources  # imports tempfile and more

    templates = resources.files(__package__) / "template"
    try:
        for path, template in scaffold.files.items():
            target = folder / Template(path).substitute(words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template((templates / template).read_text()).substitute(words))
    except OSError as error:
        raise PluginError(
            f"{folder} cannot be written: {error.strerror}", "choose another folder with --folder"
        ) from None
    return folder


def _placeholders(name: str, group: str) -> dict[str, str]:
    """The values of the templates' placeholders.

    Raises:
        PluginError: the name is invalid or taken.
    """
    word = WORDS[group]
    pattern, example = (
        (r"[A-Z][A-Za-z0-9]*", "NotAllEqual")
        if group == CONSTRAINTS
        else (r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "tabu-walk" if group == SOLVERS else "partition")
    )
    if not re.fullmatch(pattern, name) or len(name) > 40 or keyword.iskeyword(name):
        allowed = (
            "letters and digits, the first a capital" if group == CONSTRAINTS else "lower-case letters, digits and '-'"
        )
        raise PluginError(f"{name[:40]!r} is not a valid {word} name", f"use {allowed}, e.g. {example}")
    taken: list[Entry] = installed() if group == SOLVERS else entries(group)
    for entry in taken:
        if entry.name == name:
            raise PluginError(f"the {word} name {name!r} is taken by {entry.origin}", "choose another name")
    dashed = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    class_name = name if group == CONSTRAINTS else "".join(part.capitalize() for part in name.split("-"))
    return {
        "name": name,
        "package": f"mull-{dashed}",
        "module": f"mull_{dashed.replace('-', '_')}",
        "role": dashed.replace("-", "_"),
        "class_name": class_name,
        "net_name": f"{class_name}Net",
        "group": group,
        "word": word,
    }
