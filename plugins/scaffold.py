"""A new plugin package, ready to install: one solver, one entry point, its tests."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from ..engine.registry import PluginError
from .installed import installed

FILES = {
    "pyproject.toml": "pyproject.toml.template",
    "README.md": "README.md.template",
    "src/$module/__init__.py": "solver.py.template",
    "tests/test_conformance.py": "test_conformance.py.template",
}
LEARNED = {
    **FILES,
    "README.md": "README-learned.md.template",
    "src/$module/__init__.py": "learned.py.template",
    "tests/test_conformance.py": "test_learned.py.template",
}


def new(name: str, folder: Path | None = None, *, learned: bool = False) -> Path:
    """Write the package ``mull-NAME`` with a solver that works at once.

    Args:
        name: the solver's name: lower-case letters, digits and ``-``.
        folder: where to make it; by default ``mull-NAME`` in the current folder. It must not exist, or be empty.
        learned: a solver on mull's nets and training, which ``solve train`` teaches.

    Returns:
        The folder.

    Raises:
        PluginError: a name that is none or taken, a folder that is in use or cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 40 or keyword.iskeyword(name):
        raise PluginError(f"{name[:40]!r} is no solver name", "lower-case letters, digits and '-', e.g. tabu-walk")
    for entry in installed():
        if entry.name == name:
            raise PluginError(f"there is a solver {name!r} already, of {entry.origin}", "choose another name")
    folder = Path(f"mull-{name}") if folder is None else folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PluginError(f"{folder} exists already", "choose another folder with --folder")
    class_name = "".join(part.capitalize() for part in name.split("-"))
    words = {
        "name": name,
        "module": f"mull_{name.replace('-', '_')}",
        "class_name": class_name,
        "net_name": f"{class_name}Net",
    }
    templates = resources.files(__package__) / "template"
    try:
        for path, template in (LEARNED if learned else FILES).items():
            target = folder / Template(path).substitute(words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template((templates / template).read_text()).substitute(words))
    except OSError as error:
        raise PluginError(
            f"{folder} cannot be written: {error.strerror}", "choose another folder with --folder"
        ) from None
    return folder
