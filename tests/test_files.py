"""Files of the wrong kind or size, unusual store paths, small character sets, missing devices."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import mull
from conftest import call
from mull import plugins
from mull.commands import devices
from mull.engine import files, weights
from mull.engine.store import Store, StoreError
from mull.engine.training import checkpoint
from mull.plugins.manifest import added
from mull.problems import InputError, load
from mull.problems.sudoku.files import load_boards


@pytest.fixture(params=["/dev/zero", "fifo", "socket", "folder", "large"])
def strange(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path that must not be read: the reader would block, never end, or fill the memory."""
    path = tmp_path / "strange"
    if request.param == "fifo":
        os.mkfifo(path)
    elif request.param == "socket":
        monkeypatch.chdir(tmp_path)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("strange")
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "large":
        with path.open("wb") as file:
            file.truncate(1 << 40)  # sparse: takes no room
    else:
        return Path(request.param)
    return path


def _link(strange: Path, name: str) -> str:
    """A link to it with a name that the reader accepts."""
    link = strange.parent / name if strange.parent != Path("/dev") else Path.cwd() / name
    link.symlink_to(strange)
    return str(link)


READERS: dict[str, tuple[str, Callable[[str], object], type[Exception]]] = {
    "problem": ("a.cnf", load, InputError),
    "boards": ("a.npz", load_boards, InputError),
    "plugin": ("a.py", lambda path: plugins.add(Path(path)), plugins.PluginError),
    "card": ("a.json", weights.read_card, weights.CheckpointError),
    "training": ("a.safetensors", lambda path: checkpoint.read(Path(path), {}), weights.CheckpointError),
}


@pytest.mark.parametrize("reader", READERS)
def test_devices_pipes_folders_and_huge_files_are_refused_before_they_are_read(
    reader: str, strange: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, read, kind = READERS[reader]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as caught:
        read(_link(strange, name))
    assert caught.value.hint  # type: ignore[attr-defined]
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("path", ["/dev/zero", "fifo"])
def test_a_store_is_a_regular_file(path: str, tmp_path: Path) -> None:
    if path == "fifo":
        os.mkfifo(tmp_path / "fifo")
        path = str(tmp_path / "fifo")
    with pytest.raises(StoreError, match="not a regular file") as caught:
        Store(path)
    assert caught.value.hint


def test_the_list_of_added_solvers_is_a_regular_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "solvers.json").symlink_to("/dev/zero")
    monkeypatch.setenv("MULL_CONFIG", str(tmp_path))
    with pytest.raises(plugins.PluginError, match="not a regular file"):
        added()


def test_a_device_cannot_be_added_as_a_solver(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("solvers", "add", "/dev/zero") == 2
    assert "hint: " in capsys.readouterr().err


def test_a_pipe_of_the_shell_is_read(tmp_path: Path) -> None:
    end, other = os.pipe()
    os.write(other, b"p cnf 1 1\n1 0\n")
    os.close(other)
    assert files.read(f"/dev/fd/{end}", 100, pipes=True).startswith(b"p cnf")
    with pytest.raises(OSError, match="is a pipe"):
        files.read(f"/dev/fd/{end}", 100)
    os.close(end)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert files.read(path, 5) == b"12345"
    with pytest.raises(OSError, match="is larger than 4 bytes"):
        files.read(path, 4)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY", b"PK\x03\x04 and no more"])
def test_boards_that_are_not_an_archive_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a file of boards"):
        load_boards(str(path))


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mull.problems.sudoku.files.LARGEST", 100_000)
    path = tmp_path / "a.npz"
    packed = io.BytesIO()
    np.save(packed, np.zeros((2000, 81), np.uint8))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("puzzles.npy", packed.getvalue())
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match="larger than"):
        load_boards(str(path))


# Addresses --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["q?x.db", "a%20b.db", "a#b.db", "ä ö.db", "a&b=c?d.db", "user@host:1.db"])
def test_a_plain_path_of_a_store_is_a_path(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / name)
    assert call("queens:4", "-s", "cpsat", "--store", path) == 0
    assert call("history", "path", "--store", path) == 0
    assert capsys.readouterr().out.endswith(f"{path}\n")
    assert {name} <= set(os.listdir(tmp_path)) <= {name, f"{name}-wal", f"{name}-shm", "store.db", "config", "home"}
    with Store(path) as store:
        assert len(store.runs()) == 1
        store.backup(tmp_path / f"copy {name}")
    assert (tmp_path / f"copy {name}").exists()


# Encodings --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("arguments", [("solvers", "show", "ebt"), ("solvers",), ("history",), ("--help",)])
def test_output_is_printed_in_small_character_sets(encoding: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "Dvořák→∑.cnf"
    path.write_text("p cnf 1 1\n1 0\n")
    with Store() as store:
        from mull.engine import Budget, Task, solve
        from mull.plugins import load as solver

        solve(load(str(path)), solver("cpsat")(), Task(Budget(seconds=20)), store=store)
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    err = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        assert call(*arguments) == 0
        out.flush()
    assert len(out.buffer.getvalue()) > 50


@pytest.mark.slow
def test_the_program_succeeds_with_a_small_character_set(tmp_path: Path) -> None:
    path = tmp_path / "Dvořák.cnf"
    path.write_text("p cnf 1 1\n1 0\n")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "mull", str(path), "-s", "cpsat"],
        check=False,
        env=environment,
        capture_output=True,
        timeout=120,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert b"Dvo?\xe1k.cnf: sat solved" in done.stdout


# Devices ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make torch report this many GPUs."""

    def pretend(count: int) -> None:
        empty = torch.zeros
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(devices, "has_driver", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch, "empty", lambda size, device: empty(size))

    return pretend


@pytest.mark.parametrize(
    "name", ["mps", "xpu", "meta", "cpu:1", "cuda:x", "tpu", "", "cuda:", "cuda:0,", "cuda:all,1", "cpu,"]
)
def test_unsupported_devices_are_refused(name: str) -> None:
    with pytest.raises(mull.MullError, match="not supported") as caught:
        devices.usable_device(name)
    assert "cuda:N" in caught.value.hint


def test_missing_devices_are_refused(gpus: Callable[[int], None]) -> None:
    gpus(0)
    assert devices.usable_device("auto") == "cpu"
    for named in ("cuda", "cuda:0,1", "cuda:all"):
        with pytest.raises(mull.MullError, match="CUDA"):
            devices.usable_devices(named)
    gpus(2)
    assert (devices.usable_device("auto"), devices.usable_device("cuda:1")) == ("cuda", "cuda:1")
    for missing in ("cuda:2", "cuda:9", "cuda:0,2"):
        with pytest.raises(mull.MullError, match="GPUs are cuda:0 to cuda:1"):
            devices.usable_devices(missing)


def test_several_devices_are_named_by_a_list_or_all(gpus: Callable[[int], None]) -> None:
    gpus(3)
    assert devices.usable_devices("cuda:all") == ("cuda:0", "cuda:1", "cuda:2")
    assert devices.usable_devices("cuda:2,0") == ("cuda:2", "cuda:0")
    with pytest.raises(mull.MullError, match="twice"):
        devices.usable_devices("cuda:1,1")
    assert devices.usable_devices("cpu,cpu") == ("cpu", "cpu")
    with pytest.raises(mull.MullError, match="names 2 devices"):
        devices.usable_device("cuda:0,1")


@pytest.mark.parametrize(
    ("device", "there", "rank", "processes", "expected"),
    [
        ("auto", 2, 1, 2, "cuda:1"),
        ("cuda", 2, 1, 2, "cuda:1"),
        ("cuda", 2, 0, 1, "cuda:0"),
        ("cuda:1", 2, 0, 1, "cuda:1"),
        ("cpu", 2, 1, 2, "cpu"),
        ("cpu", 0, 1, 2, "cpu"),
        ("auto", 0, 1, 2, "cpu"),
        ("cuda:all", 2, 1, 2, "cuda:1"),
        ("cuda:2,0", 3, 1, 2, "cuda:0"),
        ("cuda:0", 2, 1, 2, "2 processes for 1 GPU"),
        ("cuda:0,1", 2, 2, 3, "3 processes for 2 GPUs"),
        ("cuda", 1, 0, 2, "2 processes for 1 GPU"),
        ("auto", 2, 3, 4, "4 processes for 2 GPUs"),
        ("cuda", 0, 0, 2, "CUDA"),
        ("mps", 2, 0, 2, "not supported"),
    ],
)
def test_each_process_gets_its_own_device(
    device: str,
    there: int,
    rank: int,
    processes: int,
    expected: str,
    gpus: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpus(there)
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    if expected.startswith(("cuda", "cpu")):
        assert devices.device_of_rank(device) == expected
    else:
        with pytest.raises(mull.MullError, match=expected):
            devices.device_of_rank(device)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), files.write_whole(path) as file:
        file.writelines(text.encode("ascii") for text in ("ne", "w…"))
    assert path.read_text() == "old"
    with files.write_whole(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("target", ["folder", "nowhere/a"])
def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError), files.write_whole(tmp_path / target) as file:
        file.write(b"x")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]
