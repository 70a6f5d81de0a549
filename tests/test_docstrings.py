"""Public names are documented: what they do, their arguments, tensor shapes, and errors.

``python tests/test_docstrings.py engine/store`` lists what is missing below a folder.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

import mull

SKIPPED = re.compile(r"\.alembic\.|\.template\b|^mull\.__main__$")
SHAPE = re.compile(r"\[[A-Za-z0-9_ ,.…*+·×-]*\]|\bscalar\b")
TENSOR = re.compile(r"\bTensor\b")


def modules() -> list[str]:
    """Every module of the package but migrations and templates, which are not imported by name."""
    found = pkgutil.walk_packages(mull.__path__, "mull.")
    return sorted(each.name for each in found if not SKIPPED.search(each.name))


def public(module_name: str) -> Iterator[tuple[str, Any, type | None]]:
    """Pairs (qualified name, object, owning class or None) of the public names that a module defines."""
    module = importlib.import_module(module_name)
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module_name:
            continue
        if inspect.isclass(value):
            yield name, value, None
            for attribute, member in vars(value).items():
                function = getattr(member, "__func__", member)
                function = getattr(function, "fget", function)
                function = getattr(function, "func", function) if not inspect.isfunction(function) else function
                if not attribute.startswith("_") and inspect.isfunction(function) and written(function, value):
                    yield f"{name}.{attribute}", function, value
        elif inspect.isfunction(value) and not hasattr(value, "params"):  # a command's options carry their own help
            yield name, value, None


def written(function: Any, owner: type) -> bool:
    """Whether the class states the method itself: not a dataclass, not pydantic."""
    return bool(function.__module__ == owner.__module__)


def docs(name: str, value: Any, owner: type | None) -> list[str]:
    """The docstrings of an object and of the methods that it overrides."""
    if owner is None:
        return [value.__doc__ or ""]
    attribute = name.split(".")[-1]
    return [(getattr(vars(base).get(attribute), "__doc__", "") or "") for base in owner.__mro__]


def arguments(value: Any) -> list[str]:
    """The names of a function's parameters without self and cls."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.name not in ("self", "cls") and not each.name.startswith("_")]


def raises(function: Any) -> bool:
    """Whether the function's own body raises an error by name."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    names = {getattr(call.func, "id", getattr(call.func, "attr", "")) for call in calls}
    return bool(names - {"AssertionError", "NotImplementedError", "StopIteration"})


def faults(name: str, value: Any, owner: type | None) -> Iterator[str]:
    """What the documentation of one public name lacks."""
    texts = docs(name, value, owner)
    if not any(text.strip() for text in texts):
        yield "no docstring"
        return
    if inspect.isclass(value):
        return
    # A parameter that has the name of a dataclass field is documented where the field is: TermConstraint.holds.
    names = [each for each in arguments(value) if each not in getattr(owner, "__dataclass_fields__", ())]
    stated = [text for text in texts if "Args:" in text]
    inherited = [text for text in stated if re.search(r"\bterms:", text)]  # a kind's own terms are its fields
    if (
        len(names) >= 2
        and not inherited
        and not any(all(re.search(rf"\b{each}\b", text) for each in names) for text in stated)
    ):
        yield f"no Args for {', '.join(names)}"
    annotations = " ".join(map(str, getattr(value, "__annotations__", {}).values()))
    if TENSOR.search(annotations) and not any(SHAPE.search(text) for text in texts) and not SHAPE.search(annotations):
        yield "no shape"
    if raises(value) and not any("Raises:" in text for text in texts):
        yield "no Raises"


def listed(module_name: str) -> list[str]:
    """The faults of one module, a line each."""
    return [
        f"{module_name}: {name}: {fault}"
        for name, value, owner in public(module_name)
        for fault in faults(name, value, owner)
    ]


@pytest.mark.parametrize("module_name", modules())
def test_public_names_are_documented(module_name: str) -> None:
    assert not listed(module_name), "\n".join(listed(module_name))


class Undocumented:
    def pair(self, left: int, right: int) -> None:
        """Says nothing of its arguments."""

    def bare(self) -> None:
        pass

    def fail(self) -> None:
        """Does not say that it fails."""
        raise ValueError("always")


def test_a_missing_part_is_found() -> None:
    found = {
        name: list(faults(f"Undocumented.{name}", value, Undocumented))
        for name, value in vars(Undocumented).items()
        if inspect.isfunction(value)
    }
    assert found == {"pair": ["no Args for left, right"], "bare": ["no docstring"], "fail": ["no Raises"]}


if __name__ == "__main__":
    inside = "mull." + sys.argv[1].strip("/").replace("/", ".") if len(sys.argv) > 1 else "mull"
    lines = [line for name in modules() if name.startswith(inside) for line in listed(name)]
    print(*lines, f"{len(lines)} faults", sep="\n")
