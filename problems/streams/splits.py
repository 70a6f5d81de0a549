"""The split of an instance: a function of a number that the family's symmetries do not change."""

from __future__ import annotations

import hashlib

PARTS = 100
"""Of this many instances one is for validation, one for tests, and the others are for training."""


def split_of(number: int) -> str:
    """``validation``, ``test`` or ``train``, from an invariant number."""
    return {0: "validation", 1: "test"}.get(int(number) % PARTS, "train")


def hashed(form: object) -> int:
    """A 64-bit hash of the ``repr`` of a canonical form. It is the same in every process, which ``hash`` is not."""
    return int.from_bytes(hashlib.blake2b(repr(form).encode(), digest_size=8).digest(), "little")
