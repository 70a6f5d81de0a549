"""Which split an instance belongs to: a function of a number that the instance's symmetries leave as it is."""

from __future__ import annotations

import hashlib

PARTS = 100
"""One in so many instances is for validation, one for tests, the rest for training."""


def split_of(number: int) -> str:
    """``validation``, ``test`` or ``train``, from an invariant number."""
    return {0: "validation", 1: "test"}.get(int(number) % PARTS, "train")


def hashed(form: object) -> int:
    """A 64-bit number from a canonical form's repr: the same in every process."""
    return int.from_bytes(hashlib.blake2b(repr(form).encode(), digest_size=8).digest(), "little")
