"""Training examples: an endless stream of binary puzzles, each with the board from which it was made."""

from __future__ import annotations

from dataclasses import dataclass

from mull.engine.examples import Examples
from mull.problems.streams import Example, FamilyStream, draw_split, hashed, pack

from .puzzle import draw, parsed, template

CHUNK = 256


@dataclass(frozen=True)
class Boards(FamilyStream):
    """The stream ``binairo:SIZE[:SHARE]``. A puzzle may have other solutions than its target."""

    def check(self) -> None:
        parsed(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th chunk of 256 puzzles. It depends only on name, split, seed and k, so any process can make it."""
        rng = self.rng(k)
        size, part = parsed(self.spec)

        def make() -> tuple[int, Example]:
            givens, board = draw(size, part, rng)
            signs = ["." if name not in givens else str(givens[name]) for name in template(size).domains]
            return hashed(canonical(signs, size)), (template(size), givens, [board])

        return pack(draw_split(self.split, CHUNK, make, self.name), 1)


def canonical(signs: list[str], size: int) -> str:
    """The smallest of a puzzle's 16 equivalent forms: rotated, reflected, 0 and 1 exchanged.

    The split of a puzzle depends on this form, so the splits have no puzzle in common.

    Args:
        signs: the cells row by row: 0, 1 or ``.`` for a blank.
        size: number of rows.
    """
    square = [signs[i : i + size] for i in range(0, len(signs), size)]
    forms = []
    for turned in (square, [list(column) for column in zip(*square, strict=True)]):
        for upright in (turned, turned[::-1]):
            forms += ["".join(map("".join, upright)), "".join("".join(row[::-1]) for row in upright)]
    swap = str.maketrans("01", "10")
    return min(forms + [form.translate(swap) for form in forms])
