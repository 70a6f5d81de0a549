"""Pages of all modules: a page for each package, written before a build, which autodoc fills."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry, PythonDomain
from sphinx.environment import BuildEnvironment

import mull

SKIPPED = re.compile(r"\.alembic\b|\.template\b|^mull\.__main__$")
SHAPE = re.compile(r"(?<!`)\[[^\]`\n]*\*[^\]`\n]*\]")
INDEX = """\
Modules
=======

All modules with all their public names. Only the names of :doc:`/api` are stable.

.. toctree::

"""


class IndexedPython(PythonDomain):
    """The domain of Python names with a quick search by the last part of a name.

    Sphinx compares each name in *Raises* and the like with the ends of all 5,000 names, which takes two minutes. Where
    several names fit, the first one counts, which is the one of the same module if there is one.
    """

    last_parts: ClassVar[dict[str, list[str]]] = {}
    indexed: ClassVar[int] = 0
    narrowed: dict[str, ObjectEntry] | None = None

    @property
    def objects(self) -> dict[str, ObjectEntry]:
        """All objects, or while one is searched those with its last part."""
        every: dict[str, ObjectEntry] = self.data.setdefault("objects", {})
        return every if self.narrowed is None else self.narrowed

    def find_obj(
        self,
        env: BuildEnvironment,
        modname: str | None,
        classname: str | None,
        name: str,
        type: str | None,
        searchmode: int = 0,
    ) -> list[tuple[str, ObjectEntry]]:
        """The object that a name means, in a list, or an empty list; arguments as in Sphinx."""
        every = self.objects
        if len(every) != self.indexed:
            self.last_parts.clear()
            for full in every:
                self.last_parts.setdefault(full.rpartition(".")[2], []).append(full)
            type_of_self = self.__class__
            type_of_self.indexed = len(every)
        last = name.removesuffix("()").rpartition(".")[2]
        self.narrowed = {full: every[full] for full in self.last_parts.get(last, ())}
        try:
            found = super().find_obj(env, modname or "", classname or "", name, type, searchmode)
        finally:
            self.narrowed = None
        near = [each for each in found if modname and each[0].startswith(f"{modname}.")]
        return (near or found)[:1]


def module_names() -> Iterator[tuple[str, bool]]:
    """Pairs (name, whether it is a package) of all modules but migrations and templates."""
    yield "mull", True
    for module in pkgutil.walk_packages(mull.__path__, "mull."):
        if not SKIPPED.search(module.name):
            yield module.name, module.ispkg


def write_pages(app: Sphinx) -> None:
    """Write a page for each package into ``reference/modules``; an unchanged page keeps its date.

    Args:
        app: of the build.
    """
    folder = Path(app.srcdir, "reference/modules")
    folder.mkdir(parents=True, exist_ok=True)
    pages: dict[str, list[str]] = {}
    for name, is_package in sorted(module_names()):
        pages.setdefault(name if is_package else name.rpartition(".")[0], []).append(name)
    texts = {name: _page(name, modules) for name, modules in pages.items()}
    texts["index"] = INDEX + "".join(f"   {name}\n" for name in sorted(pages))
    for path in folder.glob("*.rst"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _page(package: str, modules: list[str]) -> str:
    lines = [package, "=" * len(package), ""]
    for name in sorted(modules, key=lambda name: (name != package, name)):
        if name != package:
            lines += [name, "-" * len(name), ""]
        lines += [f".. automodule:: {name}", ""]
    return "\n".join(lines)


def quote_shapes(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make code of shapes with a star, ``[..., *axes]``, which would start an emphasis; arguments as in Sphinx."""
    for number, line in enumerate(lines):
        if "*" in line and ">>>" not in line:
            lines[number] = SHAPE.sub(lambda found: f"``{found[0]}``", line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the extension to a build."""
    app.add_domain(IndexedPython, override=True)
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", quote_shapes, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
