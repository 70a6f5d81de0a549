"""The times in runs' ids. A ULID begins with 48 bits of milliseconds: ten signs of Crockford's base 32.

Not by python-ulid, whose import takes as long as a question to the store.
"""

from __future__ import annotations

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def milliseconds(id: str) -> int:
    """When an id was made, since 1970."""
    return sum(SIGNS.index(sign) << shift for sign, shift in zip(id, range(45, -1, -5), strict=False))


def lowest(milliseconds: int) -> str:
    """What is not above any id made then or later."""
    return "".join(SIGNS[milliseconds >> shift & 31] for shift in range(45, -1, -5))
