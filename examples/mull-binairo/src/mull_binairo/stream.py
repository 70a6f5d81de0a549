"""Training examples: binary puzzles without end, each with the board that it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from mull.engine.examples import Examples
from mull.problems.streams import Example, Named, hashed, of_split, pack

from .puzzle import draw, parsed, template

CHUNK = 256


@dataclass(frozen=True)
class Boards(Named):
    """``binairo:SIZE[:SHARE]``. Another solution than the target may exist."""

    def check(self) -> None:
        parsed(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 puzzles. It depends on name, split, seed and k alone, so any process may make it."""
        rng = self.dice(k)
        size, part = parsed(self.spec)

        def make() -> tuple[int, Example]:
            givens, board = draw(size, part, rng)
            signs = ["." if name not in givens else str(givens[name]) for name in template(size).domains]
            return hashed(canonical(signs, size)), (template(size), givens, [board])

        return pack(of_split(self.split, CHUNK, make, self.name), 1)


def canonical(signs: list[str], size: int) -> str:
    """The least of a puzzle's 16 forms: turned, reflected, 0 and 1 exchanged. The splits share no puzzle in any form."""
    square = [signs[i : i + size] for i in range(0, len(signs), size)]
    forms = []
    for turned in (square, [list(column) for column in zip(*square, strict=True)]):
        for upright in (turned, turned[::-1]):
            forms += ["".join(map("".join, upright)), "".join("".join(row[::-1]) for row in upright)]
    swap = str.maketrans("01", "10")
    return min(forms + [form.translate(swap) for form in forms])
