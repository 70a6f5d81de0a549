"""Line charts drawn with characters, for traces on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille character's eight dots, by row and column (Unicode 15, 4.24)."""


def chart(
    title: str, x: Sequence[float], y: Sequence[float], width: int, height: int = 6, *, braille: bool = True
) -> list[str]:
    """Draw a line through points as lines of text.

    Args:
        title: printed above the chart.
        x, y: the points, in ascending order of x; the line has a gap at values of y that are not finite.
        width: characters per line.
        height: lines of the drawing, without title and axis.
        braille: draw with braille characters of eight dots; otherwise with asterisks, which are ASCII.
    """
    points = [(a, b) for a, b in zip(x, y, strict=True) if isfinite(b)]
    if not points:
        return [title, "  no finite value"]
    low, high = min(b for _, b in points), max(b for _, b in points)
    labels = [f"{high:.4g}", f"{low:.4g}"]
    margin = max(map(len, labels))
    columns = max(8, width - margin - 2)
    across, down = (2, 4) if braille else (1, 1)
    lit = set(_pixels(x, y, (x[0], x[-1]), (low, high), across * columns - 1, down * height - 1))
    rows = []
    for r in range(height):
        label = labels[0] if r == 0 else labels[1] if r == height - 1 else ""
        signs = "".join(_sign(lit, r, c, braille) for c in range(columns))
        rows.append(f"{label:>{margin}} {'│' if braille else '|'}{signs}".rstrip())
    first, last = f"{x[0]:g}", f"{x[-1]:g}"
    axis = f"{'':{margin}} {'└' if braille else '+'}{('─' if braille else '-') * columns}"
    return [title, *rows, axis, f"{'':{margin + 2}}{first}{last:>{max(1, columns - len(first))}}"]


def _sign(lit: set[tuple[int, int]], row: int, column: int, braille: bool) -> str:
    if not braille:
        return "*" if (column, row) in lit else " "
    # A braille character has 2 x 4 dots, one bit of its code point each.
    bits = sum(bit for r, pair in enumerate(DOTS) for c, bit in enumerate(pair) if (2 * column + c, 4 * row + r) in lit)
    return chr(0x2800 + bits) if bits else " "


def _pixels(
    x: Sequence[float],
    y: Sequence[float],
    span: tuple[float, float],
    values: tuple[float, float],
    right: int,
    bottom: int,
) -> Iterator[tuple[int, int]]:
    """The pixels (column, row) of a line from point to point, without gaps; (0, 0) is at the top left."""

    # `or 1`: a single point, or a constant line, has a span of 0.
    def across(a: float) -> int:
        return round((a - span[0]) / ((span[1] - span[0]) or 1) * right)

    def down(b: float) -> int:
        return round((values[1] - b) / ((values[1] - values[0]) or 1) * bottom)

    before: tuple[int, int] | None = None
    for a, b in zip(x, y, strict=True):
        if not isfinite(b):
            before = None
            continue
        here = across(a), down(b)
        c0, r0 = before or here
        # One pixel per step along the longer side (DDA), so that steep lines have no gaps.
        steps = max(abs(here[0] - c0), abs(here[1] - r0), 1)
        for k in range(steps + 1):
            yield c0 + round((here[0] - c0) * k / steps), r0 + round((here[1] - r0) * k / steps)
        before = here
