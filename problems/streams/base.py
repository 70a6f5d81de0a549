"""The base class of streams: a name, a split and a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...engine.deprecation import warn_renamed
from ...engine.examples import SPLITS
from ..errors import InputError, excerpt


@dataclass(frozen=True)
class FamilyStream:
    """A stream of training examples of one family. A subclass implements ``check`` and ``chunk``.

    It satisfies the protocol ``mull.engine.examples.Stream``. Instances are values: they can be pickled, and equal ones
    make equal chunks in every process.

    Args:
        name: ``family:spec``, or the path of a file.
        split: one of ``SPLITS``.
        seed: random seed.

    Raises:
        InputError: the split is unknown, or the name is malformed.
    """

    name: str
    split: str = "train"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(f"unknown split {excerpt(self.split)}", hint=f"splits are {', '.join(SPLITS)}")
        self.check()

    @property
    def family(self) -> str:
        """The name of the problem family."""
        return self.name.partition(":")[0]

    @property
    def spec(self) -> str:
        """The text after the family's name and colon."""
        return self.name.partition(":")[2]

    def check(self) -> None:
        """Parse the specification. Called when the stream is made.

        Raises:
            InputError: the specification is malformed.
        """

    def rng(self, k: int) -> random.Random:
        """The random numbers of the k-th chunk: a function of name, split, seed and k."""
        # A string seed is hashed with SHA-512: streams with similar names are independent.
        return random.Random(f"{self.name}:{self.split}:{self.seed}:{k}")

    def dice(self, k: int) -> random.Random:
        """The former name of ``rng``."""
        warn_renamed("FamilyStream.dice", "0.2", "0.3", "rng")
        return self.rng(k)
