"""Linear comparisons as constraints."""

from __future__ import annotations

from collections.abc import Mapping

from ...engine.constraints import Compare, Constraint, Linear

OPS = {"==": "=", "<=": "<=", ">=": ">=", "!=": "!="}
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def compared(terms: Mapping[str, int], op: str, bound: int) -> Constraint | bool:
    """``sum(terms) op bound`` as a constraint, or its truth where no variable is left.

    Args:
        terms: coefficients by variable, none of them zero.
        op: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
        bound: the right-hand side.
    """
    if not terms:
        return {"==": bound == 0, "!=": bound != 0, "<": bound > 0, "<=": bound >= 0, ">": bound < 0, ">=": bound <= 0}[
            op
        ]
    if len(terms) == 2 and sorted(terms.values()) == [-1, 1]:
        left, right = sorted(terms, key=lambda name: -terms[name])  # left - right op bound
        if op in ("<", "<=", "!=", "=="):
            return Compare(left, "=" if op == "==" else op, right, bound)
        return Compare(right, FLIPPED[op], left, -bound)
    if op in ("<", ">"):
        op, bound = ("<=", bound - 1) if op == "<" else (">=", bound + 1)
    return Linear(tuple(terms), tuple(terms.values()), OPS[op], bound)
