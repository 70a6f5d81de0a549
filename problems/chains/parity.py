"""The parity family: whether the number of ones in a sequence of bits is odd."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ...engine.constraints import Xor
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import numbered_lines, parse_int

if TYPE_CHECKING:
    from ...pictures.view import View

LONGEST = 4096
"""Most bits."""
HINT = "give a line 'parity', then bits: '0110 1001'"


class Parity(Family):
    """The parities of the first 1, 2, ..., n bits: s0 is 0, and s(i) = s(i-1) xor b(i).

    The variables b1 to bn and s0 to sn are 0 or 1. A file has a line ``parity``, then the bits, on any number of lines.
    """

    name = "parity"
    summary = "parities of the first bits: a line 'parity', then bits '0110 1001'"
    spec = "parity:LENGTH, e.g. parity:256"
    suffixes = (".parity",)
    stream_forms = ("parity:LENGTH",)
    stream_maker = "mull.problems.chains.stream:ParityStream"
    solver = "cpsat"

    def recognises(self, text: str) -> bool:
        return text.split(None, 1)[0].lower() == "parity"

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        found: list[tuple[int, list[int]]] = []
        for line, words in numbered_lines(text):
            if words[0].lower() == "parity":
                found.append((line, []))
                words = words[1:]
            elif not found:
                raise InputError("the first line is not 'parity'", line=line, hint=HINT)
            for word in words:
                if set(word) - set("01"):
                    raise InputError(f"{excerpt(word)} has a character other than 0 and 1", line=line, hint=HINT)
                found[-1][1].extend(map(int, word))
        for line, bits in found:
            if not 1 <= len(bits) <= LONGEST:
                raise InputError(f"{len(bits)} bits; there must be 1 to {LONGEST}", line=line, hint=HINT)
        return [problem(bits, Source(path, line if len(found) > 1 else None)) for line, bits in found]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        length = parse_int(spec, 1, LONGEST, "length", self.spec)
        rng = random.Random(f"{self.name}:{spec}:{seed}")
        return problem([rng.randrange(2) for _ in range(length)], Source(f"parity:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def picture(self, view: View) -> str:
        from ...pictures.strips import strips

        length = len(view.domains) // 2
        rows = [(name, [f"{name[0]}{i}" for i in range(1, length + 1)]) for name in ("bit", "sum")]
        return strips(view, rows, wrap=32)


def problem(bits: Sequence[int], source: Source) -> Problem:
    """The parities of some bits.

    Args:
        bits: b1, b2, ...
        source: where they are from.
    """
    return Problem(template(len(bits)), givens_of(bits), "parity", source, render)


def givens_of(bits: Sequence[int]) -> dict[str, Value]:
    """The givens: s0 = 0 and the bits."""
    return {"s0": 0, **{f"b{i}": bit for i, bit in enumerate(bits, 1)}}


@lru_cache(maxsize=512)
def template(length: int) -> ConstraintGraph:
    """The graph of all sequences of one length."""
    names = ["s0"] + [f"{letter}{i}" for i in range(1, length + 1) for letter in "bs"]
    steps = [Xor(((f"s{i - 1}", 1), (f"b{i}", 1), (f"s{i}", 1)), odd=False) for i in range(1, length + 1)]
    return ConstraintGraph(dict.fromkeys(names, range(2)), steps)


def render(assignment: Mapping[str, Value]) -> str:
    """A line of the bits and a line of the parities below them; an open parity is ``?``.

    Args:
        assignment: of all variables, or of the givens.
    """
    length = max((int(name[1:]) for name in assignment), default=0)
    rows = ("".join(str(assignment.get(f"{letter}{i}", "?")) for i in range(1, length + 1)) for letter in "bs")
    return "\n".join(rows)
