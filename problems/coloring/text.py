"""The text format of graph colouring: DIMACS ``.col``."""

from __future__ import annotations

import re

import numpy as np

from ...engine.constraint_arrays import NumberedNames
from ...engine.constraints.edge_arrays import EdgeArrays
from ..errors import InputError, excerpt, warn
from ..parsing import parse_int

HINT = "DIMACS: 'p edge VERTICES EDGES', then a line 'e U V' for each edge"
LARGEST = 1_000_000
"""Most vertices, and the largest colour."""
DECLARED = 100_000
"""Vertices that the header of any file may declare. A longer file may declare one for each character."""

Lists = dict[int, tuple[int, ...]]
"""Vertex -> the colours that it may take, for the vertices that a file restricts."""


def parse(text: str) -> tuple[EdgeArrays, Lists]:
    """The edges of a file, and the colours of its ``f`` lines. A million edges take 0.3 s where only comments precede.

    Raises:
        InputError: the text is not DIMACS; with the line.
    """
    return _parse_plain(text) or _parse_any(text)


_BEFORE = re.compile(r"(?:(?:c[^\n]*)?\n)*(p (?:edge|edges|col) [0-9]{1,8} [0-9]{1,8} *)\n")
"""Comments, and the header."""


def _parse_plain(text: str) -> tuple[EdgeArrays, Lists] | None:
    """The graph of a text that has only lines ``e U V`` after the header; None for others."""
    found = _BEFORE.match(text)
    if found is None:
        return None
    body = text[found.end() :].encode()
    if body.translate(None, b"0123456789 \ne"):
        return None
    data = np.frombuffer(b"\n" + body + b"\n\n", dtype=np.uint8)
    lines, heads = np.flatnonzero(data[:-1] == ord("\n")), np.flatnonzero(data == ord("e"))
    if not np.isin(data[lines + 1], (ord("e"), ord("\n"))).all() or (data[heads + 1] != ord(" ")).any():
        return None
    if (data[heads - 1] != ord("\n")).any():
        return None
    numbers = np.fromstring(body.replace(b"e", b"-1"), dtype=np.int64, sep=" ") if len(heads) else np.zeros(0, np.int64)
    if len(numbers) != 3 * len(heads) or (numbers[::3] >= 0).any() or (numbers < 0).sum() > len(heads):
        return None
    header = text.count("\n", 0, found.start(1)) + 1
    stated = _header(found[1], header, len(text))
    if not stated[0] or numbers.max(initial=0) > max(stated[0], min(LARGEST, max(10_000, len(text)))):
        return None
    return _joined(numbers.reshape(-1, 3)[:, 1:], stated, {}, header), {}


def _parse_any(text: str) -> tuple[EdgeArrays, Lists]:
    """The graph of a text, or the error about its first mistake."""
    stated: tuple[int, int] | None = None
    header = last = 0
    pairs: list[tuple[int, int]] = []
    lists: Lists = {}
    for number, line in enumerate(text.split("\n"), 1):
        parts = line.split(None, 3)
        head = parts[0] if parts else "c"
        if head == "e":
            if stated is None:
                raise InputError("an edge before the 'p edge' line", line=number, hint=HINT)
            if len(parts) != 3:
                more = ": edges with a weight (bandwidth colouring) are not supported" if len(parts) > 3 else ""
                raise InputError(f"{excerpt(line)} is not 'e U V'{more}", line=number, hint=HINT)
            pairs.append((_vertex(parts[1], last, number), _vertex(parts[2], last, number)))
        elif head[0] in "cxdv" or head == "n":
            continue  # comments, coordinates, and weights, which ``vertex_weights`` reads
        elif head == "p":
            if stated is not None:
                raise InputError("a second 'p' line", line=number, hint=HINT)
            header, stated = number, _header(line, number, len(text))
            # Published files use more vertices than they declare; they are accepted with a warning.
            last = max(stated[0], min(LARGEST, max(10_000, len(text))))
        elif head == "f":
            if stated is None:
                raise InputError("an 'f' line before the 'p edge' line", line=number, hint=HINT)
            vertex, colors = _allowed(line, last, number)
            if vertex in lists:
                raise InputError(f"a second 'f' line of vertex {vertex}", line=number, hint="join the two")
            lists[vertex] = colors
        else:
            raise InputError(f"{excerpt(line)} is not a comment, 'p', 'e' or 'f' line", line=number, hint=HINT)
    if stated is None or not stated[0]:
        raise InputError("no 'p edge' line with vertices", line=header or 1, hint=HINT)
    made = _joined(np.array(pairs, dtype=np.int64).reshape(-1, 2), stated, lists, header)
    return made, lists


def _joined(pairs: np.ndarray, stated: tuple[int, int], lists: Lists, header: int) -> EdgeArrays:
    """The graph with the file's vertex numbers: from 1, or from 0 if the file has a vertex 0.

    Args:
        pairs: [N, 2] int64, the edge lines.
        stated: the numbers of vertices and edges in the header.
        lists: the vertices with a list of colours.
        header: line of the header.
    """
    proper = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    most = int(pairs.max(initial=0)) + 1
    keys = np.sort(proper[:, 0] * most + proper[:, 1])
    keys = keys[np.diff(keys, prepend=-1) > 0]  # np.unique takes ten times as long
    distinct = np.stack(np.divmod(keys, most), axis=1)
    _compare(stated[1], len(pairs), len(pairs) - len(proper), len(proper) - len(distinct), len(distinct), header)
    vertices = stated[0]
    ends = distinct[:, 0].min(initial=1), *lists  # the least vertex is a left end
    first = 0 if min(ends) == 0 else 1
    if first == 0:
        warn("vertices are numbered from 0", header, hint="DIMACS numbers them from 1")
    needed = max(int(distinct.max(initial=0)), *lists, 0) + 1 - first
    if needed > vertices:
        warn(f"the header says {vertices} vertices, the file uses {needed}: {needed} are used", header)
    names = NumberedNames("v", np.arange(first, first + max(vertices, needed)))
    return EdgeArrays(names, (distinct - first).astype(np.int32))


def _compare(stated: int, lines: int, loops: int, repeated: int, distinct: int, header: int) -> None:
    """Warn of loops and repeated edges, and of a header whose count does not fit."""
    if loops:
        warn(f"{loops} {'loops' if loops > 1 else 'loop'} ignored (edges of a vertex with itself)")
    if repeated:
        warn(f"{repeated} of {lines} edge lines repeat another edge: {distinct} distinct edges are used")
    # Public benchmark sets count each edge once or twice, and list it once or twice, in every combination.
    if stated not in (lines, lines - loops, distinct, 2 * distinct):
        message = f"the header says {stated} edges, the file has {lines} edge lines ({distinct} distinct)"
        warn(f"{message}: all of them are used", header, "the file may be truncated" if lines < stated else "")


def _header(line: str, number: int, size: int) -> tuple[int, int]:
    parts = line.split(None, 6)
    if len(parts) != 4 or parts[1] not in ("edge", "edges", "col"):
        raise InputError(f"{excerpt(line)} is not 'p edge VERTICES EDGES'", line=number, hint=HINT)
    most = min(LARGEST, max(DECLARED, size))
    vertices = parse_int(parts[2], 0, most, "vertices", HINT, number)
    return vertices, parse_int(parts[3], 0, 10**10, "edges", HINT, number)


def _allowed(line: str, most: int, number: int) -> tuple[int, tuple[int, ...]]:
    """The vertex and the colours of a line ``f VERTEX COLOUR...``."""
    parts = line.split()
    if len(parts) < 3:
        raise InputError(f"{excerpt(line)} is not 'f VERTEX COLOUR...'", line=number, hint=HINT)
    colors = {parse_int(item, 0, LARGEST, "colour", HINT, number) for item in parts[2:]}
    return _vertex(parts[1], most, number), tuple(sorted(colors))


def _vertex(text: str, most: int, line: int) -> int:
    # The usual case first: a file has millions of vertices in its edges.
    if text.isascii() and text.isdigit() and len(text) < 8 and (v := int(text)) <= most:
        return v
    return parse_int(text, 0, most, "vertex", HINT, line)
