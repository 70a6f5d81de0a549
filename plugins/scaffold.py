"""A new plugin package, ready to install: one solver, one entry point, its conformance test."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from .registry import PluginError, installed

FILES = {
    "pyproject.toml": "pyproject.toml.template",
    "README.md": "README.md.template",
    "src/$module/__init__.py": "solver.py.template",
    "tests/test_conformance.py": "test_conformance.py.template",
}


def new(name: str, folder: Path | None = None) -> Path:
    """Write the package ``mull-NAME`` with a solver that works at once.

    Args:
        name: the solver's name: lower-case letters, digits and ``-``.
        folder: where to make it; by default ``mull-NAME`` in the current folder. It must not exist, or be empty.

    Returns:
        The folder.

    Raises:
        PluginError: a name that is none or taken, a folder that is in use or cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 40 or keyword.iskeyword(name):
        raise PluginError(f"{name[:40]!r} is no solver name", "lower-case letters, digits and '-', e.g. tabu-walk")
    for entry in installed():
        if entry.name == name:
            raise PluginError(f"there is a solver {name!r} already, of {entry.distribution}", "choose another name")
    folder = Path(f"mull-{name}") if folder is None else folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PluginError(f"{folder} exists already", "choose another folder with --folder")
    words = {
        "name": name,
        "module": f"mull_{name.replace('-', '_')}",
        "class_name": "".join(part.capitalize() for part in name.split("-")),
    }
    templates = resources.files(__package__) / "template"
    try:
        for path, template in FILES.items():
            target = folder / Template(path).substitute(words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template((templates / template).read_text()).substitute(words))
    except OSError as error:
        raise PluginError(
            f"{folder} cannot be written: {error.strerror}", "choose another folder with --folder"
        ) from None
    return folder
