"""Compiled code on disk: the code that is loaded is always the code of the function and the types that are asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from mull.engine import ConstraintGraph, Minimum, Reify
from mull.engine.moves import compiled
from mull.engine.moves.code_cache import CodeFiles, fingerprint
from mull.engine.moves.compiled import Kernel
from mull.engine.moves.graph import MoveGraph
from mull.engine.moves.intrinsics import call
from mull.engine.moves.program import compile_program


class Meanwhile:
    """Code during whose writing another process acts."""

    def __init__(self, code: str, act: Callable[[], None]) -> None:
        self.code, self.act = code, act

    def __reduce__(self) -> tuple[Any, ...]:
        self.act()
        return str, (self.code,)


def _ours(folder: Path) -> Any:
    return CodeFiles(folder, ("name", "stamp"))


def _of_numba(folder: Path) -> Any:
    from numba.core.caching import IndexDataCacheFile

    return IndexDataCacheFile(str(folder), "name", "stamp")


@pytest.mark.parametrize(
    "files",
    [_ours, pytest.param(_of_numba, marks=pytest.mark.xfail(reason="numba names files by a counter", strict=True))],
)
def test_processes_that_save_at_once_do_not_mix_their_codes(files: Callable[[Path], Any], tmp_path: Path) -> None:
    one, other, reader = files(tmp_path), files(tmp_path), files(tmp_path)
    other._load_index = dict  # of numba: the other process has read the index before this one wrote it
    one.save("int64", Meanwhile("code of int64", lambda: other.save("float64", "code of float64")))
    assert [reader.load("int64"), reader.load("float64")] == ["code of int64", "code of float64"]


def test_a_file_with_the_code_of_another_key_is_not_loaded(tmp_path: Path) -> None:
    files = _ours(tmp_path)
    files.save("int64", "code of int64")
    [saved] = tmp_path.iterdir()
    files.save("float64", "code of float64")
    [other] = {*tmp_path.iterdir()} - {saved}
    os.replace(other, saved)
    assert files.load("int64") is None
    files.save("int64", "code of int64")
    assert files.load("int64") == "code of int64"


@pytest.mark.parametrize("part", [0, 20, 40, -1])
def test_a_part_of_a_file_is_not_loaded(part: int, tmp_path: Path) -> None:
    files = _ours(tmp_path)
    files.save("int64", "code of int64")
    [saved] = tmp_path.iterdir()
    saved.write_bytes(saved.read_bytes()[:part])
    assert files.load("int64") is None


def test_code_of_other_sources_is_not_loaded_and_removed(tmp_path: Path) -> None:
    stamps = "0" * 32, "f" * 32
    (tmp_path / "of the user").mkdir()  # no other folder is removed
    for stamp in stamps:
        files = CodeFiles(tmp_path / stamp, ("name", stamp))
        (tmp_path / stamp).mkdir()
        assert files.load("int64") is None
        files.save("int64", f"code of {stamp} sources")
        assert files.load("int64") == f"code of {stamp} sources"
    assert {each.name for each in tmp_path.iterdir()} == {stamps[1], "of the user"}


def _template(x: int) -> int:
    return _called(x) + CONSTANT


def _called(x: int) -> int:
    return x


CONSTANT = 1


def _with(**named: Any) -> Any:
    made = FunctionType(_template.__code__, {**globals(), **named}, _template.__name__)
    made.__qualname__ = _template.__qualname__
    return made


def test_a_fingerprint_depends_on_all_that_a_function_reads() -> None:
    def outer(x: int) -> int:
        return _template(x)

    variants = [
        _template,
        _with(CONSTANT=2),
        _with(_called=abs),
        _with(_called=lambda x: x),
        _with(_called=_with(CONSTANT=3)),
        _with(CONSTANT=np.zeros(2000)),
        _with(CONSTANT=np.arange(2000) % 1000 == 999),
        outer,
    ]
    assert len({*map(fingerprint, variants)}) == len(variants)
    assert fingerprint(_with()) == fingerprint(_template)
    names = {compiled._with_compiled_globals(each).__qualname__ for each in variants[:2]}
    assert len(names) == 2  # numba finds compiled code by names


@Kernel
def _changes(functions: Any, values: Any, scope: Any, params: Any, memory: Any, moves: Any) -> Any:
    chain, own = (values.ctypes.data, scope.ctypes.data, len(scope)), (params.ctypes.data, memory.ctypes.data)
    found = np.zeros(len(moves), dtype=np.int64)
    call(functions[0], chain[0], chain[1], chain[2], own[0], own[1], 0, 0)
    for i in range(len(moves)):
        found[i] = call(functions[1], chain[0], chain[1], chain[2], own[0], own[1], moves[i, 0], moves[i, 1])
    return found


def test_kinds_made_from_one_template_have_their_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``Reify`` of a kind whose terms are different variables, and of the same kind with repeated ones."""
    monkeypatch.setenv("MULL_CACHE", str(tmp_path))
    domains = {**dict.fromkeys("abm", range(3)), "on": range(3)}
    for inner in (Minimum(("a", "b"), "m"), Minimum(("a", "a", "m"), "b")):
        graph = MoveGraph.of(ConstraintGraph(domains, [Reify(("on", 1), inner)]))
        [constraint] = graph.constraints
        form = constraint.move_form(graph.domains, graph.code)
        assert form is not None
        start, change = form.functions.start, form.functions.change
        functions = compile_program(graph, [constraint], lambda notice: None).functions[0]
        memory, moves = np.zeros(form.memory, dtype=np.int64), np.array([*product(range(4), range(3))])
        for values in map(np.array, product(range(3), repeat=4)):
            rest = graph.scope, 4, form.params, memory
            start(values, *rest, 0, 0)
            wanted = [change(values, *rest, slot, new) for slot, new in moves]
            assert _changes(functions, values, graph.scope, form.params, memory, moves).tolist() == wanted, inner
