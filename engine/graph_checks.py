"""Checks of a graph when it is built: each refuses invalid input and names the variable or constraint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from . import values as plain
from .errors import GraphError
from .objective import Objective
from .values import LARGEST, LARGEST_TOTAL, SHORT, Domain, bounds, brief

if TYPE_CHECKING:
    from .constraints.base import Constraint

_AT_MOST = "values, terms and sums reach 2^60 at most: divide by a common factor, or give the values names"


def plain_domain(name: str, domain: object) -> Domain:
    """A domain of plain values: a tuple, or a range where it is long and evenly spaced.

    Args:
        name: the variable.
        domain: a list, tuple, range, array, set or iterator of values.

    Raises:
        GraphError: the domain is empty, repeats a value, or has a value of the wrong type or beyond 2^60.
    """
    what = f"variable {name!r}"
    if isinstance(domain, range) and domain:
        for end in (domain[0], domain[-1]):
            if abs(end) > LARGEST:
                raise GraphError(f"{what}: the value {brief(end)} is too large", _AT_MOST)
        if len(domain) > SHORT:
            return domain
    form = f"the domain {list(domain)}" if isinstance(domain, str) and len(domain) < 10 else "the domain [1, 2, 3]"
    found = plain.items(domain, f"{what}: its domain", form, ordered=False)
    values = tuple(plain.value(value, what) for value in found)
    if not values:
        raise GraphError(f"{what}: empty domain", "a variable has at least one value")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise GraphError(f"{what}: the value {brief(twice)} occurs twice in its domain", "list each value once")
    for value in values:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise GraphError(f"{what}: the value {brief(value)} is too large", _AT_MOST)
    return plain.domain(values)


def check_encodable(domains: Mapping[str, Domain]) -> None:
    """Refuse names and strings that UTF-8 cannot encode (lone surrogates): they can be neither printed nor stored.

    Raises:
        GraphError: with the text.
    """
    listed = {domain for domain in domains.values() if isinstance(domain, tuple)}
    texts = {value for domain in listed for value in domain if isinstance(value, str)}
    for text in (*domains, *texts):
        if not text.isascii():  # encoding a million plain names would take longer than this test
            try:
                text.encode()
            except UnicodeEncodeError:
                raise GraphError(f"{text[:40]!a} is not valid Unicode text", "use whole characters") from None


def check_scope(constraint: Constraint, domains: Mapping[str, object]) -> None:
    """Refuse a scope that is not a tuple of known names. The kind's own ``validate`` may rely on it.

    Args:
        constraint: of any kind.
        domains: variable name -> domain.

    Raises:
        GraphError: the object is not a constraint, or its scope has an unknown name.
    """
    if isinstance(constraint, type) or not hasattr(constraint, "scope"):
        what = constraint.__name__ if isinstance(constraint, type) else brief(constraint)
        raise GraphError(f"a constraint must be an object of its kind, not {what}", 'write AllDifferent(["a", "b"])')
    scope: object = constraint.scope
    if not isinstance(scope, tuple | list):
        plain.items(scope, f"{constraint.kind}: the scope", '["a", "b"]')
        raise GraphError(f"{constraint.kind}: the scope is a tuple of names, not {brief(scope)}", 'write ("a", "b")')
    for name in scope:
        if not isinstance(name, str):
            plain.name(name, constraint.kind)
        if name not in domains:
            raise GraphError(f"{constraint.describe()}: unknown variable {name!r}", _nearest(name, domains))


def _nearest(name: str, domains: Mapping[str, object]) -> str:
    close = get_close_matches(name, list(domains)[:1000], 1)  # a comparison with each name: slow for a million
    return f"did you mean {close[0]!r}?" if close else "a constraint names variables of the graph"


def check_objective(objective: object, domains: Mapping[str, Domain]) -> None:
    """Refuse an objective over unknown variables or over strings.

    Args:
        objective: an ``Objective`` or None.
        domains: variable name -> domain.

    Raises:
        GraphError: with the name of the variable.
    """
    if objective is None:
        return
    if not isinstance(objective, Objective):
        raise GraphError(f"the objective must be an Objective, not {brief(objective)}", 'write Objective({"a": 1})')
    for name in objective.coefficients:
        if name not in domains:
            raise GraphError(f"objective: unknown variable {name!r}", _nearest(name, domains))
        if not isinstance(domains[name], range) and not all(isinstance(value, int) for value in domains[name]):
            raise GraphError(f"objective: the domain of {name!r} is not numeric")


def magnitude(domains: Mapping[str, Domain], constraints: Iterable[Constraint], objective: Objective | None) -> int:
    """An upper bound on the magnitude of all sums of a graph together.

    Args:
        domains: variable name -> domain.
        constraints: constraints on these variables.
        objective: an objective of these variables, or None.

    Raises:
        GraphError: a sum exceeds 2^60, which 64-bit integers hold exactly with room to add, or the values of all
            variables exceed 2^61, which CP-SAT can add. The message names the largest term.
    """
    # By distinct domain: a million variables often share one.
    of_domain = {domain: max(map(abs, bounds(domain))) for domain in set(domains.values())}
    largest = {name: of_domain[domain] for name, domain in domains.items()}
    total = 0
    for constraint in constraints:
        terms = constraint.magnitudes(largest)
        if terms:
            total += _sum(terms, constraint)
    if objective:
        terms = {name: abs(c) * largest[name] for name, c in objective.coefficients.items()}
        total += _sum({**terms, "the constant": abs(objective.constant)}, None)
    added = sum(largest.values())
    if added > LARGEST_TOTAL:
        raise GraphError(f"the values of all variables add up to {brief(added)}, more than 2^61", _AT_MOST)
    return total


def _sum(terms: Mapping[str, int], constraint: Constraint | None) -> int:
    """The sum of a constraint's terms, or of the objective's."""
    reached = sum(terms.values())
    if reached > LARGEST:
        name = max(terms, key=lambda each: terms[each])
        where = constraint.describe() if constraint is not None else "objective"
        message = f"the term of {name!r} reaches {brief(terms[name])}, and the sum {brief(reached)}"
        raise GraphError(f"{where[:200]}: {message}, more than 2^60", _AT_MOST)
    return reached
