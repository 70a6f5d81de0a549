"""Assignments as ``v`` lines, in the formats that solver competitions check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from ..engine.values import Value

WIDTH = 78
"""Characters of a line, as the competitions recommend."""


def literals(assignment: Mapping[str, Value]) -> list[str]:
    """The ``v`` lines of pseudo-Boolean competitions: the name of each variable, with ``-`` where its value is 0.

    Example:
        >>> literals({"x1": 1, "x2": 0})
        ['v x1 -x2']
    """
    return wrapped(name if value else f"-{name}" for name, value in assignment.items())


def bits(assignment: Mapping[str, Value]) -> list[str]:
    """The ``v`` line of MaxSAT competitions: a digit 0 or 1 for each variable, in the order of their numbers.

    Example:
        >>> bits({"x1": 1, "x2": 0})
        ['v 10']
    """
    return ["v " + "".join(map(str, assignment.values()))]


def pairs(assignment: Mapping[str, Value]) -> list[str]:
    """``v`` lines of ``name=value``, for families without a competition format.

    Example:
        >>> pairs({"a": 3, "b": "red"})
        ['v a=3 b=red']
    """
    return wrapped(f"{name}={value}" for name, value in assignment.items())


def instantiation(assignment: Mapping[str, Value]) -> list[str]:
    """The ``v`` lines of XCSP3 competitions: an element ``instantiation`` with a list of variables and their values.

    Example:
        >>> print("\\n".join(instantiation({"x": 1, "y[0]": 4})))
        v <instantiation>
        v   <list> x y[0] </list>
        v   <values> 1 4 </values>
        v </instantiation>
    """
    names = " ".join(escape(name) for name in assignment)
    values = " ".join(escape(str(value)) for value in assignment.values())
    inside = [f"v   <list> {names} </list>", f"v   <values> {values} </values>"]
    return ["v <instantiation>", *inside, "v </instantiation>"]


def wrapped(words: Iterable[str]) -> list[str]:
    """Words in lines that begin with ``v`` and have at most ``WIDTH`` characters, or one word."""
    lines = ["v"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > WIDTH and lines[-1] != "v":
            lines.append("v")
        lines[-1] += f" {word}"
    return lines
