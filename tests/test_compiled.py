"""Compilation of kernels and move forms: equal to plain Python, cached on disk, and without a cache."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import graphs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clocks import Clock as Seconds
from mull.engine import AllDifferent, Budget, Constraint, ConstraintGraph, Task
from mull.engine.clock import Clock, now, untimed
from mull.engine.constraints import KINDS
from mull.engine.deadline import OutOfTime, interrupting
from mull.engine.moves import compiled
from mull.engine.moves.compiled import Kernel, compiling
from mull.engine.moves.draws import below, chance, draw
from mull.engine.moves.graph import MoveGraph
from mull.engine.moves.intrinsics import call
from mull.engine.moves.program import compile_program

quick = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
WITH = sorted(kind for kind in KINDS if KINDS[kind].move_form is not Constraint.move_form)


@Kernel
def _one(function: Any, values: Any, scope: Any, params: Any, memory: Any, slot: Any, new: Any) -> Any:
    addresses = values.ctypes.data, scope.ctypes.data, params.ctypes.data, memory.ctypes.data
    return call(function, addresses[0], addresses[1], len(scope), addresses[2], addresses[3], slot, new)


@pytest.mark.parametrize("kind", WITH)
@quick
@given(data=st.data())
def test_compiled_move_forms_equal_plain_python(kind: str, data: st.DataObject) -> None:
    graph = MoveGraph.of(data.draw(graphs(kind)))
    notices: list[str] = []
    program = compile_program(graph, graph.constraints, notices.append, hints=True)
    assert program.checks == ()
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    for c, constraint in enumerate(graph.constraints):
        form = constraint.move_form(graph.domains, graph.code)
        assert form is not None
        scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
        values = graph.codes(rng.integers(0, graph.size))
        memories = [np.zeros(form.memory, dtype=np.int64) for _ in range(2)]
        functions = form.functions
        plain = functions.start, functions.change, functions.apply or functions.change
        for step in range(12):
            which = 0 if step == 0 else 1 + step % 2
            slot = int(rng.integers(len(scope)))
            new = int(graph.codes(rng.integers(0, graph.size))[scope[slot]])
            wanted = plain[which](values, scope, len(scope), form.params, memories[0], slot, new)
            address = int(program.functions[program.kind[c], which])
            assert _one(address, values, scope, form.params, memories[1], slot, new) == wanted
            assert (memories[0] == memories[1]).all()
            if which == 2:
                values[scope[slot]] = new
            for found, hint in ((program.functions[:, 3], functions.suggest), (program.blame, functions.blame)):
                if hint is not None:
                    wanted = hint(values, scope, len(scope), form.params, memories[0], slot, step)
                    address = int(found[program.kind[c]])
                    assert _one(address, values, scope, form.params, memories[1], slot, step) == wanted


class Unknown(AllDifferent):
    """A kind without a move form."""

    def check(self, values: Any) -> bool:
        return super().check(values)


class Broken(Unknown):
    """A kind whose check raises."""

    def check(self, values: Any) -> bool:
        raise ZeroDivisionError("in a check")


def test_a_kind_without_a_form_is_checked_in_python_and_reported() -> None:
    domains: dict[str, tuple[Any, ...]] = {"a": ("red", "blue"), "b": ("red", 7)}
    graph = MoveGraph.of(ConstraintGraph(domains, [Unknown(("a", "b"))]))
    notices: list[str] = []
    program = compile_program(graph, graph.constraints, notices.append)
    assert "Unknown" in notices[-1]
    start, change, apply, *_ = program.functions[program.kind[0]].tolist()
    values, memory = graph.codes(np.array([0, 0])), np.zeros(1, dtype=np.int64)
    assert _one(start, values, graph.scope, program.params, memory, 0, 0) == 1
    assert _one(change, values, graph.scope, program.params, memory, 1, 7) == -1
    assert _one(apply, values, graph.scope, program.params, memory, 0, graph.code("blue")) == -1
    program.raise_errors()


def test_an_exception_of_a_check_is_raised_after_the_kernel() -> None:
    graph = MoveGraph.of(ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [AllDifferent(("a", "b"))]))
    program = compile_program(graph, [Broken(("a", "b"))], lambda text: None)
    _one(int(program.functions[0, 0]), np.zeros(2, np.int64), graph.scope, program.params, np.zeros(1, np.int64), 0, 0)
    with pytest.raises(ZeroDivisionError, match="in a check"):
        program.raise_errors()


@Kernel
def _numbers(key: Any, count: Any) -> Any:
    found = np.zeros(count, dtype=np.uint64)
    small = np.zeros(count, dtype=np.int64)
    total = 0.0
    for i in range(count):
        found[i] = draw(key, i)
        small[i] = below(found[i], 7)
        total += chance(found[i])
    return found, small, total / count


def test_compiled_random_numbers_are_those_of_numpy() -> None:
    found, small, mean = _numbers(np.uint64(5), 1000)
    wanted = draw(np.full(1000, 5, dtype=np.uint64), np.arange(1000))
    assert (found == wanted).all()
    assert (small == below(wanted, 7)).all()
    assert set(small.tolist()) == set(range(7))
    assert 0.45 < mean < 0.55


PROGRAM = """
import sys
from mull.engine import AllDifferent
from mull.engine.moves import compiled
functions = AllDifferent(("a", "b")).move_form({"a": (0, 1), "b": (0, 1)}, int).functions
assert "numba" not in sys.modules
compiled.addresses(functions)
print(compiled._callback(functions.change).cache_hits)
"""


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # every write to a file fails
"""


def _hits(cache: Path | str, before: str = "") -> int:
    return int(
        subprocess.run(
            [sys.executable, "-c", before + PROGRAM],
            env={"MULL_CACHE": str(cache)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )


def test_code_is_compiled_once_and_then_loaded_from_the_cache(tmp_path: Path) -> None:
    assert [_hits(tmp_path), _hits(tmp_path)] == [0, 1]


def test_a_folder_that_cannot_be_written_works_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert _hits(tmp_path / "file" / "below") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_works_without_a_cache(tmp_path: Path) -> None:
    assert [_hits(tmp_path, FULL), _hits(tmp_path, FULL)] == [0, 0]


def test_a_compilation_goes_on_after_its_caller_was_interrupted() -> None:
    started, released, ended = (threading.Event() for _ in range(3))
    notices: list[str] = []

    def compilation() -> None:
        started.set()
        released.wait(60)
        ended.set()

    with pytest.raises(OutOfTime), interrupting(Task(cancelled=started.is_set), grace=0.0), compiling(notices.append):
        compiled._to_the_end(compilation)
    assert compiled._running
    released.set()
    assert ended.wait(60)
    compiled._wait_for_compilations()
    assert not compiled._running
    assert any("goes on" in notice for notice in notices)


def test_compilation_does_not_count_against_the_time_limit() -> None:
    seconds = Seconds()
    clock = Clock(seconds)
    task = Task(Budget(seconds=10), started=clock(), clock=clock)

    def compilation() -> float:
        seconds.now += 100
        return task.remaining

    seconds.now += 4
    assert untimed(compilation, clock) == 6
    assert not task.over
    seconds.now += 7
    assert task.over


def test_compilations_that_overlap_count_once() -> None:
    seconds = Seconds()
    clock = Clock(seconds)
    with clock.stopped():
        seconds.now += 1
        with clock.stopped():
            seconds.now += 2
        seconds.now += 4
    seconds.now += 8
    assert clock() == 8


def test_the_clock_of_runs_stops_for_every_compilation() -> None:
    before = []

    def compilation() -> list[float]:
        before.append(now())
        return [now(), *before]

    later, first = compiled._to_the_end(compilation)
    assert later == first <= now()


@Kernel
def _sum(values: Any) -> Any:
    total = 0
    for i in range(len(values)):
        total += values[i]
    return total


def test_a_kernel_takes_arrays_of_other_types() -> None:
    for kind in (np.int64, np.int32, np.uint8, np.int64):
        assert _sum(np.arange(5, dtype=kind)) == 10


def test_a_call_while_another_thread_compiles_waits_and_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    _sum(np.arange(5))
    made = _sum._compiled
    whole = made.compile

    def compile_meanwhile(types: Any) -> Any:
        with pytest.raises(TypeError):  # the kernel then waits for the compilation
            made(np.arange(5, dtype=np.float32))
        return whole(types)

    monkeypatch.setattr(made, "compile", compile_meanwhile)
    assert _sum(np.arange(5, dtype=np.float32)) == 10
