"""Ids of runs as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence

SHORT = 6
"""Characters of an id that a terminal shows, from its end: a thousand million different ones."""


def short(ids: Sequence[str]) -> list[str]:
    """Ends of ids, as long as it takes to tell them apart."""
    length = SHORT
    while length < 26 and len({i[-length:] for i in ids}) < len(set(ids)):
        length += 1
    return [i[-length:] for i in ids]
