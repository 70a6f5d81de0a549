"""Faults below a store: damaged files, missing permissions, full disks, servers that do not answer, kills."""

from __future__ import annotations

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from conftest import BENCHMARKS, call
from mull.engine.store import Store, StoreError, connect

PAGE = 4096


def refusal(use: Callable[[], Any]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        use()
    assert caught.value.hint
    assert "Traceback" not in str(caught.value)
    assert "sqlalche.me" not in str(caught.value)
    return caught.value


def read_all(url: str) -> None:
    with Store(url) as store:
        for row in store.runs(None):
            store.run(row.id)
        list(store.each(traces=True))
        store.compare()


@pytest.mark.parametrize("content", [b"I am no database, only a text of some length.", bytes(range(256)) * 64])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    refusal(lambda: Store(str(path)))
    assert call("queens:4", "--store", str(path)) == 2
    out, err = capsys.readouterr()
    assert (out, "hint:" in err) == ("", True)
    assert path.read_bytes() == content


def test_a_directory_is_refused(tmp_path: Path) -> None:
    refusal(lambda: Store(str(tmp_path)))


@pytest.fixture
def written(tmp_path: Path, runs: Any) -> Path:
    path = tmp_path / "s.db"
    with Store(str(path)) as store:
        store.write([runs.one(problem=runs.problem(n % 16)) for n in range(200)])
    return path


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.95])
def test_a_truncated_database_is_reported(share: float, written: Path) -> None:
    data = written.read_bytes()
    written.write_bytes(data[: int(len(data) * share)])
    refusal(lambda: read_all(str(written)))


def test_random_bytes_after_a_valid_header_are_reported(written: Path) -> None:
    written.write_bytes(written.read_bytes()[:100] + random.Random(0).randbytes(20 * PAGE))
    refusal(lambda: read_all(str(written)))


@pytest.mark.parametrize("page", range(1, 40, 3))
def test_an_overwritten_page_is_reported_or_harmless(
    page: int, written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Opening or reading raises an error with a message, unless the page is not needed."""
    data = bytearray(written.read_bytes())
    assert len(data) > 40 * PAGE
    data[page * PAGE : (page + 1) * PAGE] = random.Random(page).randbytes(PAGE)
    written.write_bytes(data)
    with suppress(StoreError):
        read_all(str(written))
    for command in ("list", "show", "compare"):
        assert call("history", command, *["last"][: command == "show"], "--store", str(written)) in (0, 2)
        assert "Traceback" not in capsys.readouterr().err
    before = written.read_bytes()
    assert call("history", "upgrade", "--store", str(written)) in (0, 2)
    assert written.read_bytes() == before  # nothing is repaired behind one's back


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE trace SET data = x'00ff'",
        "UPDATE trace SET points = 7",
        "UPDATE template SET graph = x'789c'",
        "UPDATE solution SET data = x'01ffffffff'",
        "UPDATE solver SET options = '{'",
        "UPDATE run SET copies = '['",
        "UPDATE run SET iterations = 'x'",
    ],
)
def test_damage_that_sqlite_does_not_notice_is_reported(damage: str, written: Path) -> None:
    with closing(sqlite3.connect(written)) as connection, connection:
        connection.execute(damage)
    assert "damaged" in str(refusal(lambda: read_all(str(written))))


def as_nobody(use: Callable[[], Any]) -> str:
    """The error's text for a user without permissions. It runs in a child process, because root has all permissions."""
    listen, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            use()
        except BaseException as error:
            os.write(tell, f"{type(error).__name__}: {error}; hint: {getattr(error, 'hint', None)}".encode())
        finally:
            os._exit(0)
    os.close(tell)
    with open(listen, encoding="utf-8") as output:
        text = output.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_a_folder_without_write_permission_is_reported(open_folder: Path, runs: Any) -> None:
    store = Store(str(open_folder / "s.db"))
    store.write([runs.one()])
    store.close()
    (open_folder / "s.db").chmod(0o666)
    open_folder.chmod(0o555)
    before = (open_folder / "s.db").read_bytes()
    for name in ("s.db", "new.db", "deeper/new.db"):
        message = as_nobody(lambda name=name: Store(str(open_folder / name)))  # type: ignore[misc]
        assert message.startswith("StoreError"), message
        assert "hint: choose another" in message
    assert (open_folder / "s.db").read_bytes() == before


def test_a_store_that_cannot_be_written_can_be_read(open_folder: Path, runs: Any) -> None:
    path = open_folder / "s #1%.db"
    with Store(str(path)) as store:
        store.write([runs.one()])
    path.chmod(0o444)
    open_folder.chmod(0o555)

    def read() -> None:
        with Store(str(path), reading=True) as store:
            assert len(store.runs()) == 1
            store.write([runs.one()])

    said = as_nobody(read)
    assert "readonly" in said
    assert "hint: choose another store" in said


def test_a_file_without_read_permission_is_reported(open_folder: Path, runs: Any) -> None:
    open_folder.chmod(0o777)
    store = Store(str(open_folder / "s.db"))
    store.write([runs.one()])
    store.close()
    (open_folder / "s.db").chmod(0o000)
    assert as_nobody(lambda: Store(str(open_folder / "s.db"))).startswith("StoreError")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 1024)
        except OSError:
            return


def test_a_full_disk_costs_no_answers(small_disk: Path, runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    url = str(small_disk / "s.db")
    with Store(url) as store:
        kept = [runs.one() for _ in range(20)]
        store.write(kept)
        fill(small_disk)
        for _ in range(2):
            assert "full" in str(refusal(lambda: store.write([runs.one() for _ in range(500)])))
        assert store.count() == 20
        assert call("queens:6", "queens:8", "--json", "-s", "localsearch", "--store", url) == 2
        out, err = capsys.readouterr()
        assert [json.loads(line)["status"] for line in out.splitlines()] == ["solved"] * 2
        assert "2 of 2 answered" in err
        assert "full" in err
        assert "hint: free some disk space" in err
        (small_disk / "filler").unlink()
        store.write([runs.one()])
        assert {s.id for s in kept} < {row.id for row in store.runs(None)}
        assert store.run(kept[0].id).assignment == kept[0].assignment


def test_a_new_store_on_a_full_disk_is_an_error(small_disk: Path) -> None:
    fill(small_disk)
    refusal(lambda: Store(str(small_disk / "s.db")))


@pytest.mark.parametrize(
    "url",
    ["nosuch://x", "mysql://u@h/d", "postgresql+nosuch://h/d", "postgresql://h:port/d", "://", "sqlite+nosuch:///x"],
)
def test_an_unknown_url_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    refusal(lambda: Store(url))
    assert call("history", "--store", url) == 2
    assert "hint:" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        error = refusal(lambda: Store(f"postgresql://u:geheim@127.0.0.1:{silent.getsockname()[1]}/d"))
        assert time.monotonic() - began < 10
    assert "geheim" not in str(error)
    assert "server runs" in error.hint


def test_a_refused_connection_is_reported() -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = refusal(lambda: Store(f"postgresql://u:geheim@127.0.0.1:{unused.getsockname()[1]}/d"))
    assert "refused" in str(error)
    assert "server runs" in error.hint


def test_a_wrong_password_or_database_is_reported(postgresql: str) -> None:
    url = sa.make_url(postgresql)
    wrong = refusal(lambda: Store(url.set(password="geheim").render_as_string(hide_password=False)))
    assert "password authentication failed" in str(wrong)
    assert "geheim" not in str(wrong)
    assert "nosuch" in str(refusal(lambda: Store(url.set(database="nosuch").render_as_string(hide_password=False))))


def test_a_restarted_server_is_used_again(postgresql: str, runs: Any) -> None:
    """The server has closed the connections of the pool, as after a restart; the next write succeeds."""
    with Store(postgresql) as store:
        store.write([runs.one()])
        with Store(postgresql) as other, other._engine().connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
        store.write([runs.one()])
        assert store.count() == 2


@pytest.mark.slow
def test_a_killed_writer_loses_no_acknowledged_run(store_url: str) -> None:
    arguments = ["4", store_url] if "://" in store_url else ["6"]
    command = [sys.executable, str(BENCHMARKS / "kill9.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "all stored and complete" in done.stdout


@pytest.mark.slow
def test_concurrent_writers_lose_no_run(store_url: str) -> None:
    command = [sys.executable, str(BENCHMARKS / "concurrent_writers.py"), store_url, "5", "3", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "150 rows of 150" in done.stdout
