"""Streams of training examples by name: ``sudoku:9:20-60``, ``maze:30x30:110``, ``queens:8-12:1-3``, or a file.

Each family makes its own streams (``Family.stream``). Modules that compile code or import slowly are imported when a
stream is made.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...engine.deprecation import former_names
from .. import families
from ..errors import InputError, excerpt
from ..reading import of_archive, plugin_errors
from .base import FamilyStream
from .packing import Example, draw_split, pack
from .splits import hashed

if TYPE_CHECKING:
    from ...engine.examples import Examples, Stream
    from ...engine.problem import Problem

__all__ = ["Example", "FamilyStream", "draw_split", "examples_of", "forms", "hashed", "pack", "problems_of", "stream"]


def forms() -> tuple[str, ...]:
    """How streams are named, of all families that can be loaded.

    Except for the sizes of Sudokus and mazes, every number may be a range such as ``10-20``. For 9x9 Sudokus a range
    without a decimal point is a range of guesses.
    """
    known = families()
    return tuple(form for name in known for form in getattr(known.get(name), "stream_forms", ()))


def stream(name: str, split: str = "train", seed: int = 0) -> Stream:
    """The stream of a name.

    Args:
        name: ``family:spec`` as ``forms`` lists them, or the path of a file of problems, or a pattern with ``*``.
        split: ``train``, ``validation`` or ``test``. No two share an instance up to the family's symmetries. All
            instances of a file belong to the split that is named.
        seed: random seed.

    Raises:
        InputError: there is no such stream, with a hint.
    """
    known = families()
    family, _, spec = name.partition(":")
    try:
        # A name of an unknown family that looks like a path is one, so that the error of a missing file is about the
        # file.
        suffix = os.path.splitext(name)[1]
        if os.path.isfile(name) or (family not in known and ("*" in name or suffix)):
            reader = of_archive(name, known)
            if reader is not None:
                return reader.archive_stream(name, split, seed)
            from .text_file import TextFile  # reads the problems, and solves them where no solution is stated

            return TextFile(name, split, seed)
        if not spec or family not in known:
            own = getattr(known.get(family), "stream_forms", ()) if family in known else ()
            hint = f"streams are {', '.join(own or forms())}{'' if own else ', or a file of problems'}"
            raise InputError(f"{excerpt(name)} is not a stream", hint=hint)
        maker = known[family]
        with plugin_errors(maker, f"streams are {', '.join(maker.stream_forms)}"):
            return maker.stream(spec, split, seed)
    except InputError as error:
        raise error.at(name) from None


__getattr__ = former_names(
    __name__,
    {
        "Named": "mull.problems.streams.base:FamilyStream",
        "between": "mull.problems.parsing:parse_range",
        "fields": "mull.problems.parsing:parse_fields",
        "of_split": "mull.problems.streams.packing:draw_split",
    },
    since="0.2",
    removed="0.3",
)


def examples_of(source: Stream, count: int) -> Examples:
    """The first examples of a stream.

    Args:
        source: the stream.
        count: number of examples.
    """
    import numpy as np

    from ...engine.examples import concatenate

    parts: list[Examples] = []
    while sum(map(len, parts)) < count:
        parts.append(source.chunk(len(parts)))
    return concatenate(parts).take(np.arange(count))


def problems_of(source: Stream, count: int) -> list[Problem]:
    """The first problems of a stream.

    Args:
        source: the stream.
        count: number of problems.
    """
    from ...engine.problem import Problem, Source

    examples = examples_of(source, count)
    found: list[Problem] = []
    for template, givens in zip(examples.template.tolist(), examples.givens.tolist(), strict=True):
        graph = examples.graphs[template]
        pairs = zip(graph.domains.items(), givens, strict=False)
        fixed = {variable: domain[i] for (variable, domain), i in pairs if i >= 0}
        found.append(Problem(graph, fixed, family=source.family, source=Source(f"{source.name} #{len(found)}")))
    return found
