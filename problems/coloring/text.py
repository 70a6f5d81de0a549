"""The text format of graph colouring: DIMACS ``.col``."""

from __future__ import annotations

import networkx as nx

from ..errors import InputError, excerpt, warn
from ..parsing import parse_int

HINT = "DIMACS: 'p edge VERTICES EDGES', then a line 'e U V' for each edge"
LARGEST = 1_000_000
"""Most vertices, and the largest colour."""
DECLARED = 100_000
"""Vertices that the header of any file may declare. A longer file may declare one for each character."""

Lists = dict[int, tuple[int, ...]]
"""Vertex -> the colours that it may take, for the vertices that a file restricts."""


def parse(text: str) -> tuple[nx.Graph, Lists]:
    """The graph of a file, and the colours of its ``f`` lines.

    Raises:
        InputError: the text is not DIMACS; with the line.
    """
    stated: tuple[int, int] | None = None
    header = last = lines = loops = weights = 0
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
            u, v = _vertex(parts[1], last, number), _vertex(parts[2], last, number)
            lines += 1
            if u == v:
                loops += 1
            else:
                pairs.append((u, v) if u < v else (v, u))
        elif head[0] in "cxdv":
            continue  # comments, and coordinates
        elif head == "n":
            weights += 1
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
    distinct = set(pairs)
    _compare(stated[1], lines, loops, len(pairs) - len(distinct), len(distinct), header)
    if weights:
        warn(f"{weights} node weights ('n' lines) are ignored", hint="mull colours without weights")
    return _build(stated[0], distinct, lists, header), lists


def _build(vertices: int, edges: set[tuple[int, int]], lists: Lists, header: int) -> nx.Graph:
    """The graph with the file's vertex numbers: from 1, or from 0 if the file has a vertex 0."""
    used = {*(v for edge in edges for v in edge), *lists}
    first = 0 if 0 in used else 1
    if first == 0:
        warn("vertices are numbered from 0", header, hint="DIMACS numbers them from 1")
    needed = max(used, default=0) + 1 - first
    if needed > vertices:
        warn(f"the header says {vertices} vertices, the file uses {needed}: {needed} are used", header)
    graph = nx.Graph()
    graph.add_nodes_from(range(first, first + max(vertices, needed)))
    graph.add_edges_from(sorted(edges))
    return graph


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
