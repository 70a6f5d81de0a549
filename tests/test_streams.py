"""Streams: examples are solved and reproducible, splits are disjoint, boards have the difficulty that their name states."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import same_examples
from mull.engine.deprecation import MullDeprecationWarning
from mull.engine.examples import SPLITS, Stream
from mull.problems import InputError, families, squares
from mull.problems.coloring import stream as coloring
from mull.problems.latin import Latin
from mull.problems.latin import stream as latin
from mull.problems.maze import distances, random_maze
from mull.problems.maze import stream as mazes
from mull.problems.queens import stream as queens
from mull.problems.sat import stream as sat
from mull.problems.streams import forms, stream
from mull.problems.streams.splits import hashed, split_of
from mull.problems.sudoku import stream as sudoku
from mull.problems.sudoku import symmetry

NAMES = [
    "sudoku:4",
    pytest.param("sudoku:9", marks=pytest.mark.slow),
    pytest.param("sudoku:9:20-60", marks=pytest.mark.slow),
    "sudoku:9:0.3",
    "sudoku:9:0.0-0.35",
    "sudoku:16:0.5",
    "maze:9x11:12",
    "maze:15x15",
    "queens:6-9:1-3",
    "latin:4-6:0.3-0.5",
    "coloring:10-12:0.2-0.4:3",
    "sat:10-12",
    "sat:10:40",
]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few dozen examples."""
    monkeypatch.setattr(sudoku, "MINIMAL_CHUNK", 128)
    monkeypatch.setattr(sudoku, "EASY_CHUNK", 64)
    monkeypatch.setattr(sudoku, "HARD_CHUNK", 16)
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 96, 9: 32, 16: 16, 25: 16})
    monkeypatch.setattr(mazes, "CHUNK", 32)
    monkeypatch.setattr(queens, "CHUNK", 96)
    for module in (latin, coloring, sat):
        monkeypatch.setattr(module, "CHUNK", 96)


@pytest.mark.parametrize("name", NAMES)
def test_targets_are_solutions_and_chunks_are_reproducible(name: str) -> None:
    source = stream(name, seed=3)
    chunk = source.chunk(1)
    assert same_examples(chunk, pickle.loads(pickle.dumps(source)).chunk(1))
    if not name.startswith("sudoku:9:20"):
        assert not same_examples(chunk, source.chunk(0))
    assert chunk.givens.dtype == chunk.targets.dtype == np.dtype(np.int16)
    for n in random.Random(0).sample(range(len(chunk)), 12):
        graph, givens = chunk.graphs[chunk.template[n]], chunk.givens[n]
        size = len(graph.domains)
        assert (givens[size:] == -1).all()
        assert (chunk.targets[n, :, size:] == -1).all()
        for target in chunk.targets[n]:
            assert ((givens == target) | (givens == -1)).all()
            values = {v: graph.domains[v][i] for v, i in zip(graph.names, target, strict=False)}
            assert graph.broken(values) == []


def numbers(name: str, split: str) -> set[int]:
    """The invariant numbers of a chunk's instances, computed from the arrays alone."""
    chunk = stream(name, split).chunk(0)
    family = name.partition(":")[0]
    found = set()
    for n in range(len(chunk)):
        graph = chunk.graphs[chunk.template[n]]
        row = chunk.givens[n][: len(graph.domains)]
        if family == "sudoku":
            found.add(int(symmetry.invariant((row + 1).astype(np.uint8))))
        elif family == "latin":
            order = int(len(row) ** 0.5)
            cells = [(i // order, i % order, int(v)) for i, v in enumerate(row) if v >= 0]
            found.add(latin.paratopy_invariant(order, cells))
        elif family == "queens":
            canonical = queens.canonical(len(row), {i: int(c) for i, c in enumerate(row) if c >= 0})
            found.add(hashed(canonical))
        elif family == "coloring":
            found.add(coloring.graph_invariant(graph, len(graph.domains["v1"])))
        elif family == "sat":
            found.add(sat.formula_invariant(graph))
    return found


@pytest.mark.parametrize(
    "name", ["sudoku:9", "sudoku:4", "queens:7-9:2", "latin:5:0.4", "coloring:9:0.4:3", "sat:9:20"]
)
def test_splits_share_no_instance(name: str) -> None:
    for split in SPLITS:
        found = numbers(name, split)
        assert found
        assert {split_of(number) for number in found} == {split}


def test_splits_of_mazes_share_no_instance() -> None:
    chunks = {split: stream("maze:9x9", split).chunk(0) for split in SPLITS}
    digests = {split: {graph.digest for graph in chunk.graphs} for split, chunk in chunks.items()}
    assert not any(a & b for one, a in digests.items() for other, b in digests.items() if one != other)


@pytest.mark.parametrize(
    "name",
    ["sudoku", "sudoku:7:0.4", "sudoku:9:60-20", "sudoku:9:a-b", "sudoku:4:0.1", "sudoku:4:0.2-0.6", "maze:9x9:500", "maze:15x15:97",
     "queens:3:1", "queens:8:0", "latin:5:2", "latin:5:0.6-0.4", "coloring:9:0.4", "sat:", "sat:9:20:3", "nothing:1",
     "absent.npz", "queens:4:1"],
)  # fmt: skip
def test_names_of_impossible_streams_are_refused_with_a_hint(name: str) -> None:
    with pytest.raises(InputError) as caught:
        stream(name, "validation").chunk(0)
    assert caught.value.path == name
    assert caught.value.hint


def test_a_range_of_shares_is_covered() -> None:
    counts = (stream("sudoku:9:0.0-0.35").chunk(0).givens >= 0).sum(1)
    assert counts.min() < 8
    assert 20 < counts.max() <= 28
    assert len(set(counts.tolist())) > 8


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(InputError, match="unknown split"):
        stream("sudoku:4", "training")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9))
def test_shortest_paths_are_distinct_and_shortest(seed: int) -> None:
    rng = random.Random(seed)
    rows = random_maze(13, 17, 20, rng)
    paths = mazes.shortest_paths(rows, 4, rng)
    place = {sign: (r, row.index(sign)) for r, row in enumerate(rows) for sign in "SG" if sign in row}
    steps = distances(rows, place["S"])[place["G"]]
    assert steps >= 20
    assert 1 <= len(paths) == len({tuple(path) for path in paths}) <= 4
    for path in paths:
        assert (path[0], path[-1], len(path)) == (place["G"], place["S"], steps + 1)
        assert all(abs(a - c) + abs(b - d) == 1 and rows[a][b] != "#" for (a, b), (c, d) in pairwise(path))
    image = [row[::-1] for row in rows]
    assert (
        mazes.canonical(image)
        == mazes.canonical(rows)
        == mazes.canonical(["".join(c) for c in zip(*rows, strict=True)])
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9))
def test_symmetric_squares_and_boards_have_equal_invariants(seed: int) -> None:
    rng = random.Random(seed)
    square = squares.random_latin(5, rng)
    cells = [(r, c, square[r][c]) for r in range(5) for c in range(5) if rng.random() < 0.5]
    rows, columns, values = (rng.sample(range(5), 5) for _ in range(3))
    moved = [(values[v], rows[r], columns[c]) for r, c, v in cells]
    assert latin.paratopy_invariant(5, rng.sample(moved, len(moved))) == latin.paratopy_invariant(5, cells)
    givens = {r: rng.randrange(8) for r in rng.sample(range(8), 3)}
    turned = {c: 7 - r for r, c in givens.items()}
    if len(turned) == 3:
        assert queens.canonical(8, turned) == queens.canonical(8, givens)


@pytest.mark.slow
def test_making_a_stream_compiles_nothing() -> None:
    code = (
        "import sys, mull.problems as p, mull.problems.streams as s; p.families(); s.stream('sudoku:9:20-60')\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_family_makes_its_own_stream() -> None:
    family = families()["latin"]
    source = family.stream("5:0.4", "validation", seed=2)
    assert (source.name, source.family, source.split, source.seed) == ("latin:5:0.4", "latin", "validation", 2)
    assert (source.chunk(0).givens == stream("latin:5:0.4", "validation", seed=2).chunk(0).givens).all()
    assert {form.partition(":")[0] for form in forms()} == {
        name for name in families() if families()[name].stream_forms
    }
    assert all(pickle.loads(pickle.dumps(stream(name))) == stream(name) for name in ("maze:9x9", "sudoku:4", "sat:10"))


def test_a_family_without_a_stream_is_refused() -> None:
    with pytest.raises(InputError, match="family graph has no stream of training examples") as refused:
        stream("graph:x")
    assert refused.value.hint


def test_an_exception_of_a_plugin_names_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Latin):
        def stream(self, spec: str, split: str = "train", seed: int = 0) -> Stream:
            raise KeyError(spec)

    monkeypatch.setattr("mull.problems.streams.families", lambda: {"broken": Broken()})
    with pytest.raises(InputError, match=r"family latin .* failed"):
        stream("broken:5")


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("mull.problems.family", "whole", "mull.problems.parsing.parse_int"),
        ("mull.problems.family", "share", "mull.problems.parsing.parse_fraction"),
        ("mull.problems.family", "shares", "mull.problems.parsing.parse_fraction_range"),
        ("mull.problems.family", "table", "mull.problems.parsing.numbered_lines"),
        ("mull.problems.streams", "Named", "mull.problems.streams.base.FamilyStream"),
        ("mull.problems.streams", "of_split", "mull.problems.streams.packing.draw_split"),
        ("mull.problems.streams", "between", "mull.problems.parsing.parse_range"),
        ("mull.problems.streams", "fields", "mull.problems.parsing.parse_fields"),
    ],
)
def test_former_names_for_plugins_work_with_a_warning(module: str, old: str, new: str) -> None:
    with pytest.warns(MullDeprecationWarning, match=new):
        found = getattr(import_module(module), old)
    assert found is resolve_name(new)


def test_the_former_name_of_rng_works_with_a_warning() -> None:
    source: Any = stream("sat:10")
    with pytest.warns(MullDeprecationWarning, match="rng"):
        assert source.dice(1).random() == source.rng(1).random()
