"""Times in the ids of runs. A ULID begins with 48 bits of milliseconds: ten digits of Crockford's base 32.

python-ulid is not used here, because its import takes as long as a query of the store.
"""

from __future__ import annotations

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def milliseconds(id: str) -> int:
    """Time at which an id was made, in milliseconds since 1970."""
    return sum(DIGITS.index(digit) << shift for digit, shift in zip(id, range(45, -1, -5), strict=False))


def lowest(milliseconds: int) -> str:
    """Ten digits that sort before every id made at that time or later."""
    return "".join(DIGITS[milliseconds >> shift & 31] for shift in range(45, -1, -5))
