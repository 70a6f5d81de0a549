"""Streams of training examples, by name: ``sudoku:9:20-60``, ``maze:30x30:110``, ``queens:8-12:1-3``, a file of boards.

Each family makes its own streams (``Family.stream``). What compiles code, and what is slow to import, is imported when a stream
is made.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import families
from ..errors import InputError, excerpt
from ..family import excused
from .packing import Example, Named, between, fields, of_split, pack
from .splits import hashed

if TYPE_CHECKING:
    from ...engine.examples import Stream

__all__ = ["Example", "Named", "between", "fields", "forms", "hashed", "of_split", "pack", "stream"]


def forms() -> tuple[str, ...]:
    """The forms of stream names, of all families that can be loaded.

    But for the sizes of Sudokus and mazes every number may be a range such as ``10-20``. For size 9 a range without a decimal
    point is of guesses.
    """
    known = families()
    return tuple(form for name in known for form in getattr(known.get(name), "stream_forms", ()))


def stream(name: str, split: str = "train", seed: int = 0) -> Stream:
    """The stream of a name: ``family:spec``, or the path of a file of boards.

    Args:
        name: as typed by a user; ``forms`` lists what there is.
        split: ``train``, ``validation`` or ``test``; no two share an instance up to the family's symmetries.
        seed: of the stream's random numbers.

    Raises:
        InputError: no such stream can be made, with a hint.
    """
    try:
        if name.endswith(".npz"):
            from .files import BoardFile

            return BoardFile(name, split, seed)
        family, _, spec = name.partition(":")
        known = families()
        if os.path.isfile(name) or (family not in known and ("*" in name or os.path.splitext(name)[1])):
            from .given import GivenFile

            return GivenFile(name, split, seed)
        if not spec or family not in known:
            hint = f"streams are {', '.join(forms())}, or a file of boards"
            raise InputError(f"{excerpt(name)} is no stream", hint=hint)
        maker = known[family]
        with excused(maker):
            return maker.stream(spec, split, seed)
    except InputError as error:
        raise error.at(name) from None
