"""Solvers from plain files: added, refused after a change, removed; errors and concurrent calls lose nothing."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conftest import call
from mull.engine import Random, Solver, compile_problems
from mull.plugins import PluginError, add, added, installed, load, remove
from mull.plugins import manifest as listing
from mull.problems import load as read

WALK = """
from dataclasses import dataclass
from typing import ClassVar
from mull.engine import Random
from mull.solvers.descent import Descent

@dataclass(frozen=True)
class State:
    inner: object

class {name}(Descent):
    name: ClassVar[str] = "{solver}"

    def init(self, instance, random):
        return State(super().init(instance, random))

    def step(self, instance, state):
        inner, info = super().step(instance, state.inner)
        return State(inner), info

    def decode(self, instance, state):
        return super().decode(instance, state.inner)

    def settled(self, instance, state, info):
        return super().settled(instance, state.inner, info)
"""
UNREGISTERED = "class Nothing: ...\n"


def write(path: Path, *solvers: str) -> Path:
    path.write_text("".join(WALK.format(name=name.capitalize(), solver=name) for name in solvers))
    return path


def test_a_file_is_added_used_changed_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands run in the folder of the file, as a user's would."""
    monkeypatch.chdir(tmp_path)
    write(Path("walks.py"), "stroll", "march")
    assert call("solvers", "add", "walks.py") == 0
    out, err = capsys.readouterr()
    assert f"stroll: Stroll of {tmp_path / 'walks.py'}" in out
    assert "march: March" in out
    monkeypatch.chdir("/")  # the path was taken down whole
    assert call("queens:5", "-s", "march", "--json") == 0
    assert json.loads(capsys.readouterr().out)["solver"] == "march"
    assert call("solvers", "--json") == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (rows["stroll"]["path"], rows["stroll"]["package"]) == (str(tmp_path / "walks.py"), None)
    assert not (tmp_path / "__pycache__").exists()

    write(tmp_path / "walks.py", "stroll", "hike")
    assert call("queens:5", "-s", "march") == 2
    err = capsys.readouterr().err
    assert "walks.py has changed since it was added: solve solvers add" in err
    assert call("solvers") == 0
    assert "broken: " in capsys.readouterr().out
    assert call("solvers", "add", str(tmp_path / "walks.py")) == 0
    assert [file.name for file in added()] == ["hike", "stroll"]  # march is removed
    assert call("queens:5", "-s", "hike") == 0

    assert call("solvers", "remove", "hike") == 0
    assert (tmp_path / "walks.py").exists()
    assert [file.name for file in added()] == ["stroll"]
    (tmp_path / "walks.py").unlink()
    assert call("queens:5", "-s", "stroll") == 2
    assert "No such file" in capsys.readouterr().err
    assert call("solvers", "list", "--load") == 1
    assert call("solvers", "remove", "stroll") == 0
    assert call("queens:5", "-s", "stroll") == 2


def test_a_folder_of_a_package_is_added(tmp_path: Path) -> None:
    package = tmp_path / "my walks"
    package.mkdir()
    (package / "__init__.py").write_text("from .inner import Stroll, Descent\n")
    write(package / "inner.py", "stroll")
    (file,) = add(package)
    assert file.name == "stroll"  # Descent is imported, not defined, there
    assert load("stroll").from_options({}).name == "stroll"
    assert add(package) == [file]  # what Python caches changes nothing
    (package / "data.txt").write_text("a table that it reads")
    with pytest.raises(PluginError, match="has changed since it was added"):
        load("stroll")


@pytest.mark.slow
def test_solvers_and_states_are_read_in_another_process(tmp_path: Path) -> None:
    """A new process reads pickles of this one; it has not imported the file."""
    add(write(tmp_path / "walks.py", "stroll"))
    solver = load("stroll")()
    assert isinstance(solver, Solver)
    instance = compile_problems(read("queens:5"))
    state, _ = solver.step(instance, solver.init(instance, Random.for_rows([0])))
    here = solver.decode(instance, state)
    data = tmp_path / "state"
    data.write_bytes(pickle.dumps((solver, state)))
    code = (
        "import pickle, sys; from mull.engine import compile_problems; from mull.problems import load\n"
        "solver, state = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(solver.decode(compile_problems(load('queens:5')), state).tolist())"
    )
    again = subprocess.run([sys.executable, "-c", code, str(data)], capture_output=True, text=True, check=True)
    assert torch.equal(torch.tensor(json.loads(again.stdout)), here)


def test_two_versions_of_a_file_are_two_modules(tmp_path: Path) -> None:
    """Both have the same length and the same second, which Python's bytecode cache cannot distinguish."""
    path = write(tmp_path / "walks.py", "stroll")
    add(path)
    first = load("stroll")
    path.write_text(path.read_text().replace("return State(inner), info", "return State(inner), _nfo"))
    add(path)
    assert load("stroll") is not first
    assert load("stroll") is load("stroll")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import absent_library", "ModuleNotFoundError: No module named 'absent_library'"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("1 / 0", "ZeroDivisionError"),
        (UNREGISTERED, "defines no solver"),
        ("from mull.solvers.descent import Descent", "defines no solver"),
        ("from mull.engine import Solver\nclass Walk(Solver):\n    name = 'walk'", "defines no solver"),
        (WALK.format(name="Walk", solver="two words"), "defines no solver"),
        (WALK.format(name="Walk", solver="descent"), "the name 'descent' is taken by a solver of mull"),
        (
            WALK.format(name="A", solver="walk") + WALK.format(name="B", solver="walk"),
            "A and B have the same name 'walk'",
        ),
    ],
)
def test_an_invalid_file_is_refused(
    tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    assert call("solvers", "add", str(path)) == 2
    out, err = capsys.readouterr()
    assert not out
    assert message in err
    assert "hint: " in err
    assert "Traceback" not in err
    assert added() == []


def test_an_invalid_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no code")
    (tmp_path / "empty").mkdir()
    project = tmp_path / "mull-walk"
    (project / "src" / "mull_walk").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    (project / "src" / "mull_walk" / "__init__.py").touch()
    for path, message in {
        tmp_path / "absent.py": "no such file",
        tmp_path / "notes.txt": "not a .py file",
        tmp_path / "empty": "no __init__.py",
    }.items():
        with pytest.raises(PluginError, match=message):
            add(path)
    with pytest.raises(PluginError) as caught:
        add(project)
    assert caught.value.hint == f"pip install --editable {project}, or: solve solvers add {project}/src/mull_walk"


def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    add(write(tmp_path / "a.py", "walk"))
    with pytest.raises(PluginError, match=r"the name 'walk' is taken by a solver of .*a\.py") as caught:
        add(write(tmp_path / "b.py", "walk"))
    assert "solve solvers remove walk" in caught.value.hint
    with pytest.raises(PluginError, match="no solver 'walc' was added"):
        remove("walc")
    with pytest.raises(PluginError, match="not added from a file: it belongs to mull"):
        remove("descent")


def test_mull_plugins_excludes_added_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(write(tmp_path / "walks.py", "stroll", "march"))
    monkeypatch.setenv("MULL_PLUGINS", "march")
    assert [entry.name for entry in installed() if not entry.built_in] == ["march"]
    with pytest.raises(PluginError, match="MULL_PLUGINS leaves out solver 'stroll'"):
        load("stroll")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"solvers": 3}', '{"solvers": [{"name": "walk"}]}', '{"solvers": [7]}', "\udcff"]
)
def test_a_damaged_list_is_reported_and_installed_solvers_work(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list is not overwritten."""
    listing.manifest_path().parent.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8", "surrogateescape")
    listing.manifest_path().write_bytes(data)
    assert call("queens:5", "-s", "localsearch") == 0
    assert call("solvers") == 1
    out, err = capsys.readouterr()
    assert "localsearch" in out
    assert str(listing.manifest_path()) in err
    for arguments in (("add", str(write(tmp_path / "walks.py", "walk"))), ("remove", "walk"), ("show", "walk")):
        assert call("solvers", *arguments) == 2
        assert "hint: " in capsys.readouterr().err
    assert listing.manifest_path().read_bytes() == data


def test_a_list_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MULL_CONFIG", str(tmp_path / "file"))
    with pytest.raises(PluginError, match="cannot be"):
        add(write(tmp_path / "walks.py", "walk"))


def test_a_write_that_fails_leaves_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(write(tmp_path / "a.py", "stroll"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PluginError, match="No space left"):
        add(write(tmp_path / "b.py", "march"))
    assert [file.name for file in added()] == ["stroll"]


def _register(path: Path) -> None:
    add(path)


def test_concurrent_additions_are_all_stored(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    paths = [write(tmp_path / f"{name}.py", name) for name in ("ant", "bee", "cat", "dog")]
    workers = [context.Process(target=_register, args=(path,)) for path in paths]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert [file.name for file in added()] == ["ant", "bee", "cat", "dog"]
    assert not [path for path in listing.manifest_path().parent.iterdir() if path.name.startswith(".solvers.json")]


def test_a_moved_folder_is_added_again(tmp_path: Path) -> None:
    path = write(tmp_path / "walks.py", "stroll")
    add(path)
    moved = tmp_path / "elsewhere.py"
    shutil.move(path, moved)
    with pytest.raises(PluginError):
        load("stroll")
    remove("stroll")
    assert [file.path for file in add(moved)] == [str(moved)]
    assert load("stroll").name == "stroll"


def test_a_file_is_used_for_one_call_without_adding_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = write(tmp_path / "one.py", "stroll"), write(tmp_path / "two.py", "amble", "ramble")
    assert call("queens:4", "-s", str(one), "--json") == 0
    assert json.loads(capsys.readouterr().out)["solver"] == "stroll"
    assert call("queens:4", "-s", f"{two}:ramble", "--json") == 0
    assert json.loads(capsys.readouterr().out)["solver"] == "ramble"
    assert added() == []
    for name, message in (
        (str(two), "has several solvers: amble, ramble"),
        (f"{two}:trot", "has no solver 'trot'"),
        (str(tmp_path / "three.py"), "no such file"),
    ):
        assert call("queens:4", "-s", name) == 2
        assert message in capsys.readouterr().err
