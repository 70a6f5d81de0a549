"""9x9 boards: symmetries, guesses, random boards, and files of boards."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mull.problems
from conftest import same_examples
from mull.problems import InputError, families, squares
from mull.problems.streams import stream
from mull.problems.sudoku import boards, generate, search, symmetry
from mull.problems.sudoku import stream as sudoku


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few dozen boards."""
    monkeypatch.setattr(sudoku, "MINIMAL_CHUNK", 64)
    monkeypatch.setattr(sudoku, "EASY_CHUNK", 64)
    monkeypatch.setattr(sudoku, "HARD_CHUNK", 16)
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 96, 9: 32, 16: 16, 25: 16})


def scrambled(puzzle: np.ndarray, rng: random.Random) -> np.ndarray:
    """A board under a random symmetry."""

    def lines() -> list[int]:
        return [3 * band + i for band in rng.sample(range(3), 3) for i in rng.sample(range(3), 3)]

    digits = np.array([0, *rng.sample(range(1, 10), 9)], dtype=np.uint8)
    grid = digits[puzzle].reshape(9, 9)[lines()][:, lines()]
    return np.ascontiguousarray(grid.T if rng.random() < 0.5 else grid).ravel()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**9))
@pytest.mark.slow
def test_symmetric_boards_have_equal_canonical_forms_and_invariants(seed: int) -> None:
    puzzle, _ = boards.random_minimal(search.state(seed))
    image = scrambled(puzzle, random.Random(seed))
    assert np.array_equal(symmetry.canonical(image), symmetry.canonical(puzzle))
    assert symmetry.invariant(image) == symmetry.invariant(puzzle)
    form = symmetry.canonical(puzzle)
    assert symmetry.invariant(form) == symmetry.invariant(puzzle)  # the form is a symmetric board
    assert form.tolist() <= puzzle.tolist()
    changed = puzzle.copy()
    changed[np.flatnonzero(puzzle)[0]] = 0
    assert not np.array_equal(symmetry.canonical(changed), form)
    assert symmetry.invariant(changed) != symmetry.invariant(puzzle)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**9))
def test_random_boards_are_minimal_and_have_one_solution(seed: int) -> None:
    puzzle, solution = boards.random_minimal(search.state(seed))
    mean, found, answer = search.guesses(puzzle, seed, 3)
    assert found == 1
    assert mean >= 0
    assert np.array_equal(answer, solution)
    for i in np.flatnonzero(puzzle):
        fewer = puzzle.copy()
        fewer[i] = 0
        assert search.guesses(fewer, 0, 1)[1] == 2
    wrong = puzzle.copy()
    blank = np.flatnonzero(puzzle == 0)[0]
    wrong[blank] = solution[blank] % 9 + 1
    assert search.guesses(wrong, 0, 1)[1] == 0


def test_known_boards_take_known_guesses() -> None:
    empty = np.zeros(81, dtype=np.uint8)
    assert search.guesses(empty)[1] == 2
    easy = "530070000600195000098000060800060003400803001700020006060000280000419005000080079"
    assert search.guesses(np.array(list(easy), dtype=np.uint8))[:2] == (0.0, 1)
    # Inkala 2012: needs guesses, and the count does not depend much on the order of values.
    hard = np.array(list("800000000003600000070090200050007000000045700000100030001000068008500010090000400"), np.uint8)
    first, second = (search.guesses(hard, seed, 50)[0] for seed in (1, 2))
    assert 10 < first < 1000
    assert abs(first - second) < 0.5 * first
    assert search.guesses(hard, 1, 50)[0] == first


@pytest.mark.parametrize("name", ["sudoku:9:20-60", "sudoku:9:-5", "sudoku:9:30-"])
@pytest.mark.slow
def test_boards_of_a_range_of_guesses_are_in_that_range(name: str) -> None:
    limits = generate.parse_guesses(name.partition(":")[2])
    assert limits is not None
    puzzles = (stream(name).chunk(0).givens + 1).astype(np.uint8)
    assert len({int(symmetry.invariant(puzzle)) for puzzle in puzzles}) == len(puzzles)
    for seed, puzzle in enumerate(puzzles[:12]):
        mean, found, _ = search.guesses(puzzle, seed, 40)
        assert found == 1
        assert 0.6 * limits[0] <= mean <= 1.5 * limits[1]  # a mean of ten runs is a noisy figure


@pytest.mark.slow
def test_one_board_of_a_range_of_guesses_is_generated_by_seed() -> None:
    problem, *_ = mull.problems.load("sudoku:9:20-60", seed=1)
    again, *_ = mull.problems.load("sudoku:9:20-60", seed=1)
    other, *_ = mull.problems.load("sudoku:9:20-60", seed=2)
    assert problem.givens == again.givens != other.givens
    puzzle = np.array([problem.givens.get(name, 0) for name in problem.graph.names], dtype=np.uint8)
    assert 15 <= search.guesses(puzzle)[0] <= 75


def test_random_full_boards_are_valid_and_diverse() -> None:
    rng = random.Random(0)
    for n in (2, 3, 4):
        grid = np.array(squares.random_sudoku(n, rng))
        boxes = grid.reshape(n, n, n, n).transpose(0, 2, 1, 3).reshape(n * n, n * n)
        for unit in (*grid, *grid.T, *boxes):
            assert sorted(unit) == list(range(1, n * n + 1))
    found = {tuple(map(tuple, squares.random_latin(4, rng))) for _ in range(2000)}
    assert len(found) > 500  # of 576; the cyclic group's squares are 432
    for square in found:
        grid = np.array(square)
        assert all(sorted(unit) == [0, 1, 2, 3] for unit in (*grid, *grid.T))


def test_a_file_of_boards_is_a_stream(tmp_path: Path) -> None:
    made = [boards.random_minimal(search.state(seed)) for seed in range(10)]
    path = str(tmp_path / "some.npz")
    np.savez(path, puzzles=np.array([p for p, _ in made]), solutions=np.array([s for _, s in made]))
    source = stream(path, seed=1)
    assert source.family == "sudoku"
    first, second = source.chunk(0), source.chunk(1)
    assert same_examples(first, source.chunk(0))
    assert len({row.tobytes() for row in first.givens}) == 10
    assert not same_examples(first, second)
    held = [stream(path, "validation", seed=1).chunk(k).givens for k in range(2)]
    assert {row.tobytes() for row in held[0]} == {row.tobytes() for row in held[1]}
    assert ((first.givens == -1) | (first.givens == first.targets[:, 0])).all()
    np.savez(path + "x", puzzles=np.zeros((3, 80), np.uint8), solutions=np.zeros((3, 80), np.uint8))
    (tmp_path / "text.npz").write_text("nothing")
    for bad in ("some.npzx.npz", "text.npz"):
        with pytest.raises(InputError, match="not a file of boards"):
            stream(str(tmp_path / bad))


def test_code_compiles_without_a_folder_for_a_cache(tmp_path: Path) -> None:
    code = (
        "import numba.core.caching as c\n"
        "c.CacheImpl._locator_classes = []\n"
        "from mull.problems.sudoku.jit import jit\n"
        "assert jit(lambda x: x + 1)(1) == 2"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "HOME": str(tmp_path)})


def test_boards_of_files_are_augmented_for_training(tmp_path: Path) -> None:
    from mull.problems.sudoku.symmetry import canonical

    first = stream("sudoku:9", seed=1).chunk(0).take(np.arange(3))
    puzzles, solutions = (first.givens + 1).astype(np.uint8), (first.targets[:, 0] + 1).astype(np.uint8)
    for part, rows in (("a", slice(0, 1)), ("b", slice(1, 3))):
        np.savez(tmp_path / f"{part}.npz", puzzles=puzzles[rows], solutions=solutions[rows])
    known = {canonical(p).tobytes() for p in puzzles}
    files = stream(str(tmp_path / "*.npz"))
    seen = [files.chunk(k) for k in range(2)]
    for examples in seen:
        assert {canonical((g + 1).astype(np.uint8)).tobytes() for g in examples.givens} == known
        for givens, (target,) in zip(examples.givens, examples.targets, strict=True):
            names = examples.graphs[0].names
            assert not examples.graphs[0].broken({n: int(t) + 1 for n, t in zip(names, target, strict=True)})
            assert ((givens == target) | (givens < 0)).all()
    assert (seen[0].givens != seen[1].givens).any()
    held = stream(str(tmp_path / "*.npz"), "validation").chunk(0)
    assert {g.tobytes() for g in held.givens} == {g.tobytes() for g in first.givens.astype(np.int16)}
    with pytest.raises(InputError, match="no such files"):
        stream(str(tmp_path / "x*.npz"))


def test_archives_are_read_by_the_family_that_lists_their_suffix(tmp_path: Path) -> None:
    puzzle, solution = boards.random_minimal(search.state(1))
    path = str(tmp_path / "a.npz")
    np.savez(path, puzzles=puzzle[None], solutions=solution[None])
    assert stream(path).family == mull.problems.load(path)[0].family == "sudoku"
    queens_family = families()["queens"]
    for read in (queens_family.read_archive, lambda path: queens_family.archive_stream(path, "train", 0)):
        with pytest.raises(InputError, match="queens reads no archives"):
            read(path)


@pytest.mark.parametrize(("size", "high", "wide"), [(6, 2, 3), (12, 3, 4)])
def test_boards_of_six_and_twelve_rows_have_rectangular_boxes(size: int, high: int, wide: int) -> None:
    problem, *_ = mull.problems.load(f"sudoku:{size}:0.6", seed=3)
    boxes = [group.scope for group in problem.graph.constraints[2 * size :]]
    assert len(boxes) == size
    assert boxes[0] == tuple(f"r{r}c{c}" for r in range(1, high + 1) for c in range(1, wide + 1))
    assert {name for box in boxes for name in box} == set(problem.graph.names)
    grid = np.array(squares.random_sudoku(high, random.Random(0), wide))
    for unit in (*grid, *grid.T, *grid.reshape(wide, high, high, wide).transpose(0, 2, 1, 3).reshape(size, size)):
        assert sorted(unit) == list(range(1, size + 1))
    assert problem.render is not None
    drawn = problem.render(problem.givens).split("\n")
    assert len(drawn) == size + size // high - 1  # rows, and lines between bands
    assert drawn[0].count("|") == size // wide - 1


def test_a_file_of_six_rows_is_a_sudoku(tmp_path: Path) -> None:
    problem, *_ = mull.problems.load("sudoku:6:0.6", seed=3)
    assert problem.render is not None
    line = "".join(str(problem.givens.get(name, ".")) for name in problem.graph.names)
    for text in (line, problem.render(problem.givens), "\n".join(line[i : i + 6] for i in range(0, 36, 6))):
        path = tmp_path / "six.sudoku"
        path.write_text(text + "\n")
        again, *_ = mull.problems.load(str(path))
        assert (again.family, again.givens, again.graph) == ("sudoku", problem.givens, problem.graph)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**9))
def test_symmetries_of_rectangular_boxes_keep_the_invariant(seed: int) -> None:
    rng = random.Random(seed)
    grid = np.array(squares.random_sudoku(2, rng, 3), dtype=np.uint8)
    puzzle = np.where(np.array(rng.choices((0, 1), k=36)).reshape(6, 6), grid, 0).astype(np.uint8)

    def lines(high: int) -> list[int]:
        bands = rng.sample(range(6 // high), 6 // high)
        return [high * band + i for band in bands for i in rng.sample(range(high), high)]

    image = np.array([0, *rng.sample(range(1, 7), 6)], dtype=np.uint8)[puzzle][lines(2)][:, lines(3)]
    assert symmetry.invariant(np.ascontiguousarray(image).ravel(), 2) == symmetry.invariant(puzzle.ravel(), 2)
