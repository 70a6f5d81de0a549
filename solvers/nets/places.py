"""Where the variables of a graph stand: rotary positions, kinds of variables, and masks, for the token backbones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...engine.graph import ConstraintGraph

ROPE_BASE = 10_000.0
CELL = re.compile(r"r(\d+)c(\d+)")
GRID_CELL = re.compile(r"([a-z]+)(\d+)\.r(\d+)c(\d+)")
KIND = "kind:"
"""Prefix of kinds of variables among the roles of a ``NetShape``."""


class Layouts(NamedTuple):
    """The places of the variables of T templates, padded to V. S = prefix + V tokens.

    Args:
        places: [T, V, axes] int32 positions.
        kinds: [T, V] int32: 0 for a kind without an embedding, else 1 + its number; None for a net without kinds.
        mask: [T, 1 or heads, 1 or S, S] bool, True where a token attends to another; None for all.
    """

    places: Tensor
    kinds: Tensor | None
    mask: Tensor | None

    def to(self, device: torch.device) -> Layouts:
        """The same on another device."""
        return Layouts(*(None if t is None else t.to(device) for t in self))  # type: ignore[arg-type]

    def rows(self, template: Tensor) -> Layouts:
        """The layouts of rows, of the templates [B] int64."""
        return Layouts(*(None if t is None else t[template] for t in self))  # type: ignore[arg-type]


def layouts(
    graphs: Sequence[ConstraintGraph], variables: int, heads: int, prefix: int, masked: bool, kinds: Sequence[str]
) -> Layouts:
    """The layouts of templates. Tokens never attend to padding, so a row does not depend on the padding of its batch.

    Args:
        graphs: the T templates.
        variables: V.
        heads: attention heads.
        prefix: number of prefix tokens.
        masked: whether heads attend along constraints only; a graph without constraints is not masked.
        kinds: those that have an embedding.
    """
    each = [_places(graph) for graph in graphs]
    places = np.zeros((len(graphs), variables, max(of.shape[1] for of in each)), dtype=np.int32)
    for t, of in enumerate(each):
        places[t, : len(of), : of.shape[1]] = of
    numbers = {kind: n for n, kind in enumerate(kinds, 1)}
    number = np.zeros((len(graphs), variables), dtype=np.int32)
    for t, graph in enumerate(graphs if kinds else ()):
        at = 0
        for kind, count in _runs(graph):
            number[t, at : at + count] = numbers.get(kind, 0)
            at += count
    return Layouts(
        torch.from_numpy(places),
        torch.from_numpy(number) if kinds else None,
        _mask(graphs, variables, heads, prefix, masked),
    )


def _mask(graphs: Sequence[ConstraintGraph], variables: int, heads: int, prefix: int, masked: bool) -> Tensor | None:
    lengths = torch.tensor([len(graph.domains) for graph in graphs])
    mask = None
    if bool((lengths < variables).any()):
        present = torch.arange(prefix + variables) < prefix + lengths[:, None]
        mask = present[:, None, None]
    if masked and any(graph.constraints for graph in graphs):
        along = torch.ones(len(graphs), heads, *2 * (prefix + variables,), dtype=torch.bool)
        for t, graph in enumerate(graphs):
            if graph.constraints:
                end = prefix + len(graph.domains)
                along[t, :, :end, :end] = attention_mask(graph, heads, prefix)[0]
        mask = along if mask is None else along & mask
    return mask


def kinds_of(graph: ConstraintGraph) -> set[str]:
    """The kinds of variables of a graph of several grids, each with the prefix ``KIND``; empty for other graphs.

    The kind of a cell ``in3.r1c2`` is ``in``, that of another variable its name.
    """
    return {KIND + kind for kind, _ in _runs(graph)}


def _runs(graph: ConstraintGraph) -> Iterator[tuple[str, int]]:
    """(kind, number of successive variables of it), in the order of the variables, for a graph of several grids."""
    if several_grids(graph):
        places = (_grid_place(name) for name in graph.domains)
        yield from ((kind, sum(1 for _ in run)) for kind, run in groupby(kind for kind, _ in places))


def several_grids(graph: ConstraintGraph) -> bool:
    """Whether a graph has several grids: its last variable is named like ``out3.r1c2``."""
    last = next(reversed(graph.domains), "") if isinstance(graph.domains, dict) else ""
    return GRID_CELL.fullmatch(last) is not None


@lru_cache(maxsize=1 << 17)
def _grid_place(name: str) -> tuple[str, tuple[int, int, int]]:
    found = GRID_CELL.fullmatch(name)
    return (found[1], (int(found[2]), int(found[3]), int(found[4]))) if found else (name, (0, 0, 0))


def _places(graph: ConstraintGraph) -> np.ndarray:
    if several_grids(graph):
        return np.array([_grid_place(name)[1] for name in graph.domains], dtype=np.int32)
    cells = [CELL.fullmatch(name) for name in graph.names]
    if all(cells):
        return np.array([[int(c[1]), int(c[2])] for c in cells if c], dtype=np.int32).reshape(-1, 2)
    return np.arange(len(cells), dtype=np.int32)[:, None]


def positions(graph: ConstraintGraph) -> Tensor:
    """[V, axes] float32: row and column of cells ``r1c2``; number, row and column of cells ``in3.r1c2``; else the index.

    Other variables of a graph of several grids, such as ``task``, are at zero.
    """
    return torch.from_numpy(_places(graph)).float()


def rotary(places: Tensor, prefix: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary angles, [..., prefix + V, E] each; axes share the E numbers of a head evenly.

    Args:
        places: [..., V, axes] positions.
        prefix: number of prefix tokens, which have angle 0.
        size: E.
    """
    axes = places.shape[-1]
    each = size // 2 // axes
    speed = ROPE_BASE ** (-torch.arange(each, device=places.device) / each)
    angles = (places[..., None] * speed).flatten(-2)
    angles = F.pad(angles, (0, size // 2 - angles.shape[-1], prefix, 0))
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def attention_mask(graph: ConstraintGraph, heads: int, prefix: int) -> Tensor:
    """[1, heads, S, S] bool: head h attends within the scopes of class h modulo the number of classes.

    Each constraint is put into the first class whose scopes are disjoint from its own. The classes of a Sudoku are its
    rows, its columns and its boxes. Prefix tokens attend to all tokens, and all tokens to them.

    Args:
        graph: of the problem.
        heads: number of attention heads.
        prefix: number of prefix tokens.
    """
    classes: list[list[tuple[str, ...]]] = []
    taken: list[set[str]] = []
    for constraint in graph.constraints:
        scope = constraint.scope
        k = next((k for k, names in enumerate(taken) if names.isdisjoint(scope)), len(taken))
        if k == len(taken):
            classes.append([])
            taken.append(set())
        classes[k].append(scope)
        taken[k].update(scope)
    tokens = prefix + len(graph.domains)
    mask = torch.eye(tokens, dtype=torch.bool).repeat(heads, 1, 1)
    mask[:, :prefix] = mask[:, :, :prefix] = True
    for h in range(heads):
        for scope in classes[h % len(classes)] if classes else ():
            members = torch.tensor([prefix + graph.index[name] for name in scope])
            mask[h, members[:, None], members] = True
    return mask[None]
