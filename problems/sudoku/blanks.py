"""Grids whose blank cells have no sign: spaces between bars, or lists of candidates (``.sdx``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

BARS = re.compile("[|│┃║]")
BOXES = {2: 4, 3: 9, 4: 16, 5: 25}
"""Rows of a box -> rows of a board."""

_CANDIDATES = re.compile("u?1?2?3?4?5?6?7?8?9?")


def marked(text: str) -> str:
    """A text with a dot in each blank cell of its grids. Lines of other forms are unchanged.

    Args:
        text: of a file.
    """
    lines = text.split("\n")
    if BARS.search(text):
        return "\n".join(_barred(lines))
    if re.search(r"(?:\d\d|u\d) ", text[:2000]):
        return "\n".join(_candidates(lines))
    return text


def _barred(lines: Sequence[str]) -> list[str]:
    """Lines with bars, where spaces at the places of cells become dots."""
    found = [_cells(line) if BARS.search(line) else None for line in lines]
    sizes = {len(cells) for cells in found if cells and any(map(str.isalnum, cells))}
    if len(sizes) != 1:
        return list(lines)
    size = sizes.pop()
    full = sum(bool(cells) and len(cells or "") == size and any(map(str.isalnum, cells or "")) for cells in found)
    empty = sum(cells == "." * size for cells in found)
    rows = []
    for line, cells in zip(lines, found, strict=True):
        # A line without values is a row of blanks only if the grid needs it; otherwise it is decoration.
        needed = cells == "." * size and full % size and (full + empty) % size == 0
        rows.append(cells if cells and len(cells) == size and (needed or cells != "." * size) else line)
    return rows


def _cells(line: str) -> str | None:
    """The cells of a line with bars around each cell or each box, with dots for blanks; None for another line."""
    parts = BARS.split(line)
    if len(parts) > 1 and not parts[0].strip() and len(BARS.findall(line.strip())) in (n + 1 for n in _COUNTS):
        parts = parts[1:-1]  # bars around the row
    if len(parts) in BOXES.values() and all(len(part.strip()) <= 1 for part in parts):
        return "".join(part.strip() or "." for part in parts)
    box = len(parts)
    if box not in BOXES:
        return None
    width = len(parts[0])
    parts = [*parts[:-1], parts[-1].ljust(width)[:width] if not parts[-1][width:].strip() else parts[-1]]
    first, step = {box: (0, 1), 2 * box - 1: (0, 2), 2 * box + 1: (1, 2)}.get(width, (0, 0))
    if not step or any(len(part) != width for part in parts):
        return None
    cells = [part[first + step * k] for part in parts for k in range(box)]
    between = [sign for part in parts for k, sign in enumerate(part) if (k - first) % step or k < first]
    if any(not sign.isspace() for sign in between) or any(sign in "-+=" for sign in cells):
        return None
    return "".join("." if sign.isspace() else sign for sign in cells)


_COUNTS = (*BOXES, *BOXES.values())


def _candidates(lines: Sequence[str]) -> list[str]:
    """Rows of candidates: one digit is a given; several digits, or a digit that a player placed (``u5``), are a blank."""
    rows = []
    for line in lines:
        words = line.split()
        if words and not line.startswith("#"):
            if len(words) != 9 or not all(_CANDIDATES.fullmatch(word) for word in words):
                return list(lines)
            line = "".join(word if len(word) == 1 else "." for word in words)
        rows.append(line)
    return rows
