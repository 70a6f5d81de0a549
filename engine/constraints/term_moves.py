"""Move forms of kinds over terms: how the terms are laid out, and the functions that all of them share.

``recomputed`` makes the functions of a kind from its degree: enough where it has few terms. ``by_place`` keeps the value
of every term in the memory; a kind states by how much the degree changes when one term does. A variable may be several
terms: they then change one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, chain
from typing import NamedTuple

from ..values import Domain, bounds
from .move_form import Ints, MoveForm, MoveFunction, MoveFunctions, packed, specialised
from .terms import TermConstraint

Degree = Callable[[Ints, Ints, Ints], int]
"""Values, scope and parameters -> the violation degree."""

Begin = Callable[[Ints, Ints], int]
"""Parameters and memory -> the degree. The memory holds the values of the terms; the function fills the rest."""

Put = Callable[[Ints, Ints, int, int], int]
"""Parameters, memory, the number of a term and its new value -> the change of the degree."""

OWN = 2
"""Position of the first parameter of the kind, in a form of ``by_place``."""


def term(values: Ints, scope: Ints, params: Ints, at: int) -> int:
    """The value of a term.

    Args:
        values, scope: of a chain and a constraint.
        params: the parameters. A term is two of them: its slot in the scope, or -1, and its constant.
        at: the position of the first.
    """
    slot = params[at]
    if slot < 0:
        return params[at + 1]
    return values[scope[slot]]


def term_params(constraint: TermConstraint) -> list[int]:
    """The terms of a constraint, for ``term``: field by field, two parameters each.

    Args:
        constraint: the constraint.
    """
    slots = {name: slot for slot, name in enumerate(constraint.scope)}
    pairs = ((slots[each], 0) if isinstance(each, str) else (-1, each) for each in constraint.terms)
    return list(chain.from_iterable(pairs))


def term_bounds(domains: Mapping[str, Domain], terms: Iterable[str | int]) -> tuple[int, int]:
    """The least and the largest value that some terms can have; (0, 0) without terms.

    Args:
        domains: variable name -> domain.
        terms: the terms.
    """
    terms = list(terms)
    distinct = {id(domains[each]): domains[each] for each in terms if isinstance(each, str)}
    ends = [end for domain in distinct.values() for end in bounds(domain)]
    ends += [each for each in terms if isinstance(each, int)]
    return (min(ends), max(ends)) if ends else (0, 0)


# The degree recomputed ------------------------------------------------------------------------------------------------


def recomputed(name: str, degree: Degree, suggest: MoveFunction | None = None) -> MoveFunctions:
    """The functions of a kind whose degree is recomputed for every change. The memory is the degree.

    Args:
        name: of the kind.
        degree: the degree from values, scope and parameters.
        suggest: see ``MoveFunctions``, or None.
    """
    change = specialised(_change, f"{name}.change", _degree_of=degree)
    apply = specialised(_apply, f"{name}.apply", _change_of=change)
    return MoveFunctions(specialised(_start, f"{name}.start", _degree_of=degree), change, apply, suggest)


def _degree_of(values: Ints, scope: Ints, params: Ints) -> int:
    """The degree; ``recomputed`` replaces this function."""
    raise NotImplementedError


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    degree = _degree_of(values, scope, params)
    memory[0] = degree
    return degree


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    old = values[scope[slot]]
    values[scope[slot]] = new
    degree = _degree_of(values, scope, params)
    values[scope[slot]] = old
    return degree - memory[0]


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    change = _change_of(values, scope, size, params, memory, slot, new)
    memory[0] += change
    return change


_change_of: MoveFunction = _change  # ``recomputed`` replaces it

# One term after another -----------------------------------------------------------------------------------------------


class PlaceFunctions(NamedTuple):
    """The functions of a kind that ``by_place`` makes: compiling those that a graph needs takes half the time of both.

    Args:
        apart: for constraints whose variables are one term each.
        repeated: for those of which a variable is several terms.
    """

    apart: MoveFunctions
    repeated: MoveFunctions


def placed(
    constraint: TermConstraint, functions: PlaceFunctions, *own: int | Iterable[int], memory: int = 0
) -> MoveForm:
    """The form of a constraint with the functions that ``by_place`` made.

    Args:
        constraint: the constraint.
        functions: of its kind.
        own: parameters of the kind; the first is ``params[OWN]``.
        memory: how many numbers the kind keeps after the values of the terms.
    """
    terms, numbers = constraint.terms, packed(*own)
    first = OWN + len(numbers) + 2 * len(terms)
    places: dict[str, list[int]] = {name: [] for name in constraint.scope}
    for place, each in enumerate(terms):
        if isinstance(each, str):
            places[each].append(place)
    ends = accumulate(map(len, places.values()), initial=first + len(places) + 1)
    listed = [place for found in places.values() for place in found]
    params = packed(len(terms), first, numbers, term_params(constraint), ends, listed)
    return MoveForm(params, len(terms) + memory, functions.apart if len(listed) == len(places) else functions.repeated)


def by_place(
    name: str,
    begin: Begin,
    peek: Put,
    put: Put | None = None,
    suggest: Put | None = None,
    blame: Put | None = None,
) -> PlaceFunctions:
    """The functions of a kind from the change that one term makes.

    Args:
        name: of the kind.
        begin: computes the kind's memory and the degree from the values of the terms, which are ``memory[0]`` and so on.
        peek: returns the change of the degree, and changes nothing.
        put: returns the change of the degree, and stores the new value and the kind's memory. None for a kind without
            memory.
        suggest: returns a value for a term that may lessen the degree; instead of the new value it gets a random number.
            See ``MoveFunctions``.
        blame: returns 0 if no value of a term lessens the degree; the last argument is not used.
    """
    keep = put or specialised(_put, f"{name}.put", _peek_of=peek)  # type: ignore[arg-type]
    start = specialised(_start_places, f"{name}.start", _begin_of=begin)
    hint = None if suggest is None else specialised(_suggest_place, f"{name}.suggest", _put_of=suggest)
    found = None if blame is None else specialised(_put_places, f"{name}.blame", _put_of=blame)
    apart = (
        specialised(_at_place, f"{name}.change", _put_of=peek),
        specialised(_at_place, f"{name}.apply", _put_of=keep),
    )
    change = specialised(_try_places, f"{name}.change of repeated terms", _put_of=keep)
    apply = specialised(_put_places, f"{name}.apply to repeated terms", _put_of=keep)
    return PlaceFunctions(MoveFunctions(start, *apart, hint, found), MoveFunctions(start, change, apply, hint, None))


def _begin_of(params: Ints, memory: Ints) -> int:
    """See ``Begin``; ``by_place`` replaces this function."""
    raise NotImplementedError


def _put_of(params: Ints, memory: Ints, place: int, new: int) -> int:
    """See ``Put``; ``by_place`` replaces this function."""
    raise NotImplementedError


_peek_of = _put_of


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = _peek_of(params, memory, place, new)
    memory[place] = new
    return change


def _start_places(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    count = params[0]
    first = params[1] - 2 * count
    for place in range(count):
        memory[place] = term(values, scope, params, first + 2 * place)
    return _begin_of(params, memory)


def _at_place(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    return _put_of(params, memory, params[params[1] + size + 1 + slot], new)


def _put_places(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    at = params[1] + slot
    change = 0
    for i in range(params[at], params[at + 1]):
        change += _put_of(params, memory, params[i], new)
    return change


def _try_places(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    at = params[1] + slot
    old = values[scope[slot]]
    change = 0
    for i in range(params[at], params[at + 1]):
        change += _put_of(params, memory, params[i], new)
    for i in range(params[at], params[at + 1]):
        _put_of(params, memory, params[i], old)
    return change


def _suggest_place(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    at = params[1] + slot
    return _put_of(params, memory, params[params[at]], new)
