"""The ids of runs, shortened for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

SHORT = 6
"""Characters of a short id. They are the last ones of a ULID, which are random: 32^6 is about 10^9 different ids."""
FULL = 26
"""Characters of a ULID."""


def short_ids(ids: Sequence[str]) -> list[str]:
    """The last characters of each id: ``SHORT`` of them, or more if two ids would look the same."""
    length = SHORT
    while length < FULL and len({i[-length:] for i in ids}) < len(set(ids)):
        length += 1
    return [i[-length:] for i in ids]
