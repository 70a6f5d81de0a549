"""Links from code in sentences: ``Problem`` or ``mull.solve`` to its description, ``solve history`` to the command."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.nodes import document
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

PACKAGES = (
    "mull",
    "mull.engine",
    "mull.engine.constraints",
    "mull.engine.store",
    "mull.problems",
    "mull.plugins",
    "mull.pictures",
)
"""The packages with a list of stable names: ``__all__``."""


@cache
def public_names() -> dict[str, str]:
    """Each public name, with its package or alone -> the name under which it is described.

    A name alone is known if it is that of a class, such as ``Problem``: others, such as ``solve``, are also words.
    """
    found: dict[str, str] = {}
    for package in PACKAGES:
        module = import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            home = getattr(value, "__module__", None)
            own = isinstance(home, str) and getattr(value, "__name__", "") == name
            owner = home if own else value_home(package, name)[0]
            found[f"{package}.{name}"] = f"{owner}.{name}"
            if isinstance(value, type):
                found.setdefault(name, f"{owner}.{name}")
    return found


@cache
def value_home(package: str, name: str) -> tuple[str, str]:
    """The module that states a value which is no class or function, such as ``Assignment``, and the text below it.

    Args:
        package: that exports the value.
        name: of the value.
    """
    for module in [each for each in sys.modules if each.startswith("mull.")]:
        if name in vars(sys.modules[module]):
            analyzer = ModuleAnalyzer.for_module(module)
            analyzer.analyze()
            if lines := analyzer.attr_docs.get(("", name)):
                return module, "\n".join(lines)
    return package, ""


def link_code(app: Sphinx, tree: document) -> None:
    """Make links of public names and commands in code.

    Args:
        app: of the build.
        tree: a page as read.
    """
    for code in list(tree.findall(nodes.literal)):
        if isinstance(code.parent, nodes.reference | nodes.title | addnodes.pending_xref):
            continue
        text = code.astext()
        name = text.split("(")[0]
        if name in public_names():
            link = _link(app, "py", "obj", public_names()[name])
        elif text.startswith("solve ") and text.replace(" ", "").isalpha():
            link = _link(app, "std", "ref", text.replace(" ", "-"))
        else:
            continue
        code.replace_self(link)
        link += code


def _link(app: Sphinx, domain: str, kind: str, target: str) -> addnodes.pending_xref:
    return addnodes.pending_xref(
        "", refdomain=domain, reftype=kind, reftarget=target, refdoc=app.env.docname, refexplicit=True, refwarn=False
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the extension to a build."""
    app.connect("doctree-read", link_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
