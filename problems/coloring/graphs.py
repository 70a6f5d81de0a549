"""Graphs in other formats than DIMACS: METIS, GraphML, GML, and edge lists."""

from __future__ import annotations

import re
from pathlib import Path

import networkx as nx

from ..errors import InputError, excerpt, warn
from ..parsing import parse_int
from .text import LARGEST

SUFFIXES = (".graph", ".metis", ".graphml", ".gml", ".edgelist", ".edges", ".el")
"""Suffixes of these formats. The format of ``.gz`` and the like is that of the suffix before."""

_GRAPHML = re.compile(r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:\w+:)?graphml\b")
_GML = re.compile(r"^\s*graph\s*\[", re.MULTILINE)
_DIMACS = re.compile(r"^[ \t]*p[ \t]+(?:edges?|col)[ \t]", re.MULTILINE)


def looks_like(text: str) -> bool:
    """Whether a text is GraphML or GML."""
    return bool(_GRAPHML.match(text) or (_GML.search(text) and re.search(r"\bnode\s*\[", text)))


def is_dimacs(text: str) -> bool:
    """Whether a text has a line ``p edge``."""
    return _DIMACS.search(text) is not None


def parse(text: str, path: str) -> nx.Graph | None:
    """The graph of a text in one of the formats, on vertices that are integers; None for DIMACS.

    Vertices keep their numbers if all of them are integers from 0. Others are numbered from 1 in the order of the file.

    Args:
        text: the content of the file.
        path: of the file. Its suffix decides between METIS and edge lists.

    Raises:
        InputError: the text is malformed; with the line where it is known.
    """
    if is_dimacs(text):
        return None
    if _GRAPHML.match(text):
        return _numbered(_graphml(text))
    if looks_like(text):
        return _numbered(_gml(text))
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if ".graphml" in suffixes or ".gml" in suffixes:
        kind = "GraphML" if ".graphml" in suffixes else "GML"
        raise InputError(f"is not {kind}", line=1, hint="a GraphML file has <graphml>, a GML file 'graph ['")
    if ".graph" in suffixes or ".metis" in suffixes:
        return _metis(text)
    if any(suffix in SUFFIXES for suffix in suffixes):
        return _edges(text)
    return None


def _graphml(text: str) -> nx.Graph:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError("declares a document type or entities", line=1, hint="remove <!DOCTYPE ...> from the file")
    try:
        return nx.parse_graphml(text.encode() if text.lstrip().startswith("<?xml") else text)
    except Exception as error:  # the parsers of XML and of values raise a dozen kinds
        raise InputError(f"is not valid GraphML: {str(error) or type(error).__name__}", line=1, hint=_CHECK) from None


def _gml(text: str) -> nx.Graph:
    try:
        return nx.parse_gml(text, label="id")
    except Exception as error:
        found = re.search(r"\((\d+), \d+\)|line (\d+)", str(error))
        line = int(found[1] or found[2]) if found else 1
        raise InputError(f"is not valid GML: {str(error) or type(error).__name__}", line=line, hint=_CHECK) from None


_CHECK = "write it with networkx, e.g. networkx.write_graphml"


def _metis(text: str) -> nx.Graph:
    """The graph of a METIS file: ``VERTICES EDGES [FORMAT [WEIGHTS]]``, then the neighbours of each vertex, one a line.

    Raises:
        InputError: a line is malformed, or there are fewer lines than vertices.
    """
    hint = "METIS: 'VERTICES EDGES', then a line for each vertex with the numbers of its neighbours"
    lines = [(n, line.split()) for n, line in enumerate(text.split("\n"), 1) if not line.lstrip().startswith("%")]
    start = next((place for place, (_, words) in enumerate(lines) if words), None)
    if start is None:
        raise InputError("holds only comments", line=1, hint=hint)
    number, head = lines[start]
    if not 2 <= len(head) <= 4:
        raise InputError("the first line is not 'VERTICES EDGES'", line=number, hint=hint)
    n = parse_int(head[0], 1, LARGEST, "vertices", hint, number)
    stated = parse_int(head[1], 0, 10**10, "edges", hint, number)
    form = head[2].zfill(3) if len(head) > 2 else "000"
    if not re.fullmatch("[01]{3}", form):
        raise InputError(f"{excerpt(head[2])} is not a format of three digits 0 or 1", line=number, hint=hint)
    weights = parse_int(head[3], 0, 100, "weights of a vertex", hint, number) if len(head) > 3 else 1
    skipped = int(form[0]) + (weights if form[1] == "1" else 0)
    rows = lines[start + 1 :]
    if len(rows) < n:
        raise InputError(f"{len(rows)} lines of neighbours for {n} vertices", line=rows[-1][0] if rows else number)
    if extra := next((at for at, words in rows[n:] if words), None):
        raise InputError(f"more lines than {n} vertices", line=extra, hint=hint)
    graph = nx.Graph()
    graph.add_nodes_from(range(1, n + 1))
    for vertex, (at, words) in enumerate(rows[:n], 1):
        near = words[skipped :: 2 if form[2] == "1" else 1]
        graph.add_edges_from((vertex, parse_int(word, 1, n, "neighbour", hint, at)) for word in near)
    _without_loops(graph)
    if graph.number_of_edges() != stated:
        warn(f"the header says {stated} edges, the file has {graph.number_of_edges()}: all of them are used", number)
    return graph


def _edges(text: str) -> nx.Graph:
    """The graph of lines ``U V``, with any names. Further words of a line, such as weights, are ignored.

    Raises:
        InputError: a line has one word.
    """
    graph = nx.Graph()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.replace(",", " ").replace(";", " ").split()
        if not words or words[0].startswith(("#", "%", "//")):
            continue
        if len(words) < 2:
            raise InputError(
                f"{excerpt(line)} is not 'U V'", line=number, hint="one edge a line: two names of vertices"
            )
        graph.add_edge(words[0], words[1])
    return _numbered(graph)


def _numbered(found: nx.Graph) -> nx.Graph:
    """A simple graph with integers as vertices.

    Raises:
        InputError: there is no vertex, or there are too many.
    """
    if not 0 < len(found) <= LARGEST:
        raise InputError(f"a graph of {len(found)} vertices", line=1, hint=f"graphs have 1 to {LARGEST} vertices")
    number = _numbers(list(found))
    graph = nx.Graph()
    graph.add_nodes_from(sorted(number.values()))
    graph.add_edges_from(sorted((number[u], number[v]) for u, v in found.edges()))
    _without_loops(graph)
    return graph


def _numbers(names: list[object]) -> dict[object, int]:
    texts = [str(name) for name in names]
    if all(text.isascii() and text.isdigit() and len(text) < 8 for text in texts) and len(set(map(int, texts))) == len(
        texts
    ):
        return dict(zip(names, map(int, texts), strict=True))
    return {name: place for place, name in enumerate(names, 1)}


def _without_loops(graph: nx.Graph) -> None:
    loops = [v for v in graph if graph.has_edge(v, v)]
    for v in loops:
        graph.remove_edge(v, v)
    if loops:
        warn(f"{len(loops)} loops ignored (edges of a vertex with itself)")
