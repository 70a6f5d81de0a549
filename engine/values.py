"""Names, values and numbers as plain Python objects, from any sequence or integer type."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

from .errors import GraphError

Value = int | str
"""A domain value: an integer or a string."""

Assignment = dict[str, Value]
"""Variable name -> value."""

Domain: TypeAlias = Sequence[Value]
"""The values of a variable, in the order of its literals: a tuple, or a range for many evenly spaced integers."""

Term: TypeAlias = str | int
"""The name of an integer variable, or an integer constant."""

SHORT = 256
"""The most values of a tuple of evenly spaced integers. A longer domain becomes a range, which takes no memory."""

LARGEST = 1 << 60
"""The largest magnitude of a value, a term or a sum. Two of them still fit a 64-bit integer."""

LARGEST_TOTAL = 1 << 61
"""The largest total of all variables' values in a graph: CP-SAT adds them up."""

EXACT_IN_FLOATS = 1 << 53
"""The magnitude beyond which a double does not represent every integer."""


def domain(values: Sequence[Value]) -> Domain:
    """A domain in its only form: a range where it is long and evenly spaced, else a tuple.

    Args:
        values: distinct integers and strings, in order.
    """
    if len(values) <= SHORT:
        return tuple(values)
    if isinstance(values, range):
        return values
    first, second, last = values[0], values[1], values[-1]
    if isinstance(first, int) and isinstance(second, int) and isinstance(last, int):
        step = second - first
        spaced = range(first, last + (1 if step > 0 else -1), step)
        if len(spaced) == len(values) and all(map(operator.eq, spaced, values)):
            return spaced
    return tuple(values)


def bounds(domain: Domain) -> tuple[int, int]:
    """The least and the largest integer of a domain; (0, 0) without integers."""
    if isinstance(domain, range):
        return min(domain[0], domain[-1]), max(domain[0], domain[-1])
    integers = [value for value in domain if isinstance(value, int)]
    return (min(integers), max(integers)) if integers else (0, 0)


def domain_from_json(name: str, domain: object) -> Sequence[Value]:
    """The domain that ``domain_json`` wrote: a list, or an object with ``min``, ``max`` and, if it is not 1, ``step``.

    Args:
        name: the variable, for messages.
        domain: the parsed JSON. The values of a list are not checked.

    Raises:
        GraphError: it is neither a list nor such an object.
    """
    if isinstance(domain, Mapping):
        refuse_unknown(domain, ("min", "max", "step"), f"variable {name!r}")
        if {"min", "max"} - domain.keys():
            raise GraphError(f'variable {name!r}: a range has both "min" and "max"', 'write {"min": 0, "max": 10}')
        ends = [integer(domain[end], f'variable {name!r}: "{end}"') for end in ("min", "max")]
        step = integer(domain.get("step", 1), f'variable {name!r}: "step"')
        if step < 1:
            raise GraphError(f'variable {name!r}: "step" is {brief(step)}', "a step is at least 1")
        return range(ends[0], ends[1] + 1, step)
    if not isinstance(domain, list):
        hint = 'write [1, 2, 3] or {"min": 1, "max": 3}'
        raise GraphError(f"variable {name!r}: its domain is a list of integers or strings, not {brief(domain)}", hint)
    return domain


def domain_json(domain: Domain) -> list[Value] | dict[str, int]:
    """A domain as JSON: a list, or an object with the ends of a range."""
    if isinstance(domain, range) and domain.step > 0:
        return {"min": domain[0], "max": domain[-1], **({"step": domain.step} if domain.step > 1 else {})}
    return list(domain)


def brief(value: object) -> str:
    """A value quoted for a message, cut where it is long or deeply nested."""
    return reprlib.repr(value)


def integer(number: object, what: str) -> int:
    """A plain integer from any integer type, numpy's included.

    Args:
        number: the number; booleans and floats are refused.
        what: the number's name in the message, e.g. ``Linear: the bound``.

    Raises:
        GraphError: it is not an integer.
    """
    if type(number) is int:
        return number
    if not isinstance(number, bool):
        try:
            return operator.index(number)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise GraphError(f"{what} must be an integer, not {brief(number)}", _integer_hint(number))


def boolean(flag: object, what: str) -> bool:
    """A plain boolean from a Python or numpy one.

    Args:
        flag: the boolean.
        what: its name in the message.

    Raises:
        GraphError: it is not a boolean.
    """
    if type(flag) is bool:
        return flag
    if type(flag).__name__ in ("bool", "bool_") and type(flag).__module__ == "numpy":
        return bool(flag)
    raise GraphError(f"{what} must be true or false, not {brief(flag)}", "write True or False, in JSON true or false")


def value(given: object, what: str) -> Value:
    """A domain value as a plain integer or string.

    Args:
        given: an integer of any type, or a string.
        what: its name in the message.

    Raises:
        GraphError: it is neither an integer nor a string.
    """
    if type(given) is int or type(given) is str:
        return given
    if isinstance(given, str):
        return str.__str__(given)
    try:
        return integer(given, what)
    except GraphError:
        raise GraphError(f"{what}: {brief(given)} is neither an integer nor a string", _integer_hint(given)) from None


def name(given: object, what: str) -> str:
    """A variable's name as a plain string.

    Args:
        given: the name.
        what: the object that it belongs to, for the message.

    Raises:
        GraphError: it is not a string.
    """
    if type(given) is str:
        return given
    if isinstance(given, str):
        return str.__str__(given)
    raise GraphError(f"{what}: the name of a variable is a string, not {brief(given)}", 'write it in quotes: "a"')


def items(given: object, what: str, form: str, *, ordered: bool = True) -> tuple[Any, ...]:
    """The elements of a sequence (list, tuple, range, array, iterator), as a tuple.

    Args:
        given: the sequence; a bare string and a mapping are refused.
        what: the sequence's name in the message, e.g. ``AllDifferent: the scope``.
        form: an example of the right form, for the hint.
        ordered: whether the order has a meaning. A set is refused then, and sorted otherwise.

    Raises:
        GraphError: it is not a sequence.
    """
    if type(given) is tuple or type(given) is list:
        return tuple(given)
    if isinstance(given, set | frozenset) and not ordered:
        return tuple(
            sorted(given, key=lambda item: (isinstance(item, str), str(item) if isinstance(item, str) else item))
        )
    if not isinstance(given, str | bytes | Mapping | set | frozenset) and isinstance(given, Iterable):
        try:
            return tuple(given)
        except TypeError:  # an array without an axis
            pass
    kind = "the string " if isinstance(given, str) else ""
    raise GraphError(f"{what} must be a list, not {kind}{brief(given)}", f"write {form}")


def names(given: object, kind: str, *, ordered: bool = True) -> tuple[str, ...]:
    """The scope of a constraint: names of variables.

    Args:
        given: a sequence of names.
        kind: the constraint's kind, for the message.
        ordered: see ``items``.

    Raises:
        GraphError: a bare string, or a name that is not a string.
    """
    if type(given) is tuple and all(type(each) is str for each in given):
        return given
    found = items(given, f"{kind}: the scope", f'{kind}(["a", "b"]), in JSON "scope": ["a", "b"]', ordered=ordered)
    return tuple(name(each, kind) for each in found)


def values(given: object, what: str) -> tuple[Value, ...]:
    """A collection of domain values.

    Args:
        given: a sequence or set of integers and strings.
        what: its name in the message.

    Raises:
        GraphError: a bare string, or an element that is neither an integer nor a string.
    """
    example = f'["{given}"]' if isinstance(given, str) else '[1, 2] or ["x", "y"]'
    return tuple(value(each, what) for each in items(given, what, example, ordered=False))


def integers(given: object, what: str) -> tuple[int, ...]:
    """A collection of plain integers.

    Args:
        given: a sequence or set of integers of any type.
        what: its name in the message.

    Raises:
        GraphError: it is not a collection, or has an element that is not an integer.
    """
    return tuple(integer(each, what) for each in items(given, what, "[1, 2]", ordered=False))


def literals(given: object, kind: str) -> tuple[tuple[str, Value], ...]:
    """Pairs of a variable's name and a value.

    Args:
        given: a sequence of pairs.
        kind: the constraint's kind, for the message.

    Raises:
        GraphError: an element that is not such a pair.
    """
    if type(given) is tuple:  # the usual case, a million times for a large file
        for each in given:
            if type(each) is not tuple or len(each) != 2 or type(each[0]) is not str or type(each[1]) is not int:
                break
        else:
            return given
    form = f'{kind}([("a", 1), ("b", 0)]), in JSON "literals": [["a", 1], ["b", 0]]'
    found = items(given, f"{kind}: the literals", form)
    pairs = []
    for each in found:
        pair = items(each, f"{kind}: a literal", form)
        if len(pair) != 2:
            raise GraphError(f"{kind}: a literal is a pair (variable, value), not {brief(each)}", f"write {form}")
        pairs.append((name(pair[0], kind), value(pair[1], f"{kind}: the literal of {brief(pair[0])}")))
    return tuple(pairs)


def refuse_unknown(data: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    """Refuse a JSON object with an unknown key.

    Args:
        data: a JSON object.
        known: the keys that are read.
        what: the object's name in the message.

    Raises:
        GraphError: a key is unknown. The hint has the nearest known key.
    """
    known = list(known)
    for key in data:
        if key in known:
            continue
        hint = f"the keys are {', '.join(known)}"
        close = get_close_matches(str(key), known, 1, 0.5)
        if str(key) in _INSTEAD and _INSTEAD[str(key)][0] in known:
            hint = _INSTEAD[str(key)][1]
        elif close:
            hint = f'did you mean "{close[0]}"? {hint}'
        raise GraphError(f"{what}: unknown key {str(key)[:40]!r}", hint)


_MAXIMISED = 'an objective is minimised; to maximise, write "maximise": true beside the coefficients'
_INSTEAD = {
    "sense": ("coefficients", _MAXIMISED),
    "maximize": ("coefficients", _MAXIMISED),
    "minimize": ("objective", 'did you mean "objective"?'),
    "vars": ("variables", 'did you mean "variables"?'),
    "domains": ("variables", 'did you mean "variables"?'),
    "weights": ("coefficients", 'did you mean "coefficients"?'),
    "rhs": ("bound", 'did you mean "bound"?'),
}


def set_fields(owner: object, **fields: object) -> None:
    """Replace fields of a frozen dataclass in its ``__post_init__``.

    Args:
        owner: the object.
        fields: name -> value. A field that already is that object is not set.
    """
    for field, held in fields.items():
        if getattr(owner, field) is not held:
            object.__setattr__(owner, field, held)


def _integer_hint(given: object) -> str:
    if isinstance(given, bool) or type(given).__name__ in ("bool", "bool_"):
        return "write 1 for true and 0 for false, or a string"
    if isinstance(given, float):
        return "numbers are integers: scale by a power of ten"
    return "write an integer or a string"
