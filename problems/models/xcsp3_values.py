"""Integers in XCSP3 elements: domains, intervals, sizes of arrays, and transitions of automata."""

from __future__ import annotations

import re

from ...engine.values import Domain
from ..errors import InputError, excerpt
from .expressions import number

MOST = 10_000_000
"""The most entries of a list."""

MOST_LISTED = 2_000_000
"""The most transitions of an automaton, and the most values of a domain that is not one interval."""

INTERVAL = re.compile(r"([-+]?\w+)\.\.([-+]?\w+)\Z")
"""The form ``low..high``."""
_GROUP = re.compile(r"\(([^()]*)\)")


def transitions(text: str) -> list[tuple[str, int, str]]:
    """The transitions of an automaton: ``(a,0,b)(b,1..3,c)``.

    Raises:
        InputError: one is not a triple.
    """
    found: list[tuple[str, int, str]] = []
    for match in _GROUP.finditer(text):
        parts = [part.strip() for part in match[1].split(",")]
        if len(parts) != 3:
            raise InputError(f"the transition {excerpt(match[0])} is not a triple", hint="write (state,value,state)")
        values = span_or_number(parts[1])
        if len(found) + len(values) > MOST_LISTED:
            raise InputError("there are too many transitions", hint=f"up to {MOST_LISTED} are read")
        found += [(parts[0], value, parts[2]) for value in values]
    if not found:
        raise InputError("there are no transitions", hint="write (state,value,state)")
    return found


def domain(text: str) -> Domain:
    """The domain of a text such as ``0..5 7``.

    Raises:
        InputError: it is empty, or has a part that is not an integer or an interval.
    """
    parts = text.split()
    match = INTERVAL.match(parts[0]) if len(parts) == 1 else None
    if match:
        low, high = number(match[1]), number(match[2])
        if low > high:
            raise InputError(f"the domain {excerpt(text)} is empty")
        return range(low, high + 1) if high - low > 63 else tuple(range(low, high + 1))
    found: dict[int, None] = {}
    for part in parts:
        values = span_or_number(part)
        if len(found) + len(values) > MOST_LISTED:
            raise InputError(
                "the domain is too large", hint=f"a domain of several parts has up to {MOST_LISTED} values"
            )
        found.update(dict.fromkeys(values))
    if not found:
        raise InputError("the domain is empty", hint="write 0..5 7")
    return tuple(sorted(found))


def sizes(text: str) -> list[int]:
    """The numbers of ``[3][4]``.

    Raises:
        InputError: the text has another form.
    """
    if not re.fullmatch(r"\s*(?:\[\s*-?\d+\s*\]\s*)+", text):
        raise InputError(f"{excerpt(text)} is not a size", hint="write [3][4]")
    return [number(part) for part in re.findall(r"-?\d+", text)]


def span(low: str, high: str) -> range:
    """The integers from one text to another.

    Args:
        low: the text of the first integer.
        high: the text of the last one.

    Raises:
        InputError: there are too many.
    """
    found = range(number(low), number(high) + 1)
    if found and found[-1] - found[0] >= MOST:
        raise InputError(f"the list {low}..{high} is too long", hint=f"up to {MOST} entries are read")
    return found


def span_or_number(text: str) -> range:
    """The integers of an interval ``low..high``, or one integer."""
    match = INTERVAL.match(text)
    if match:
        return span(match[1], match[2])
    value = number(text)
    return range(value, value + 1)
