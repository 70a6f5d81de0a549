"""``solve doctor``: each fault is found, named with its remedy, and does not hide the other findings."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import call, install, modules_of
from mull.commands import doctor
from mull.engine.store import Store
from mull.engine.weights import folders

Examined = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def examined(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Examined:
    """Runs the command: the findings that are wrong."""
    monkeypatch.setattr("mull.commands.devices.has_driver", lambda: False)

    def run(*arguments: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        code = call("doctor", "--json", *arguments)
        report = json.loads(capsys.readouterr().out)
        wrong = [finding for finding in report["findings"] if finding["wrong"]]
        assert report["wrong"] == len(wrong)
        assert code == (1 if wrong else 0)
        assert all(finding["hint"] for finding in wrong)
        areas = [finding["area"] for finding in report["findings"]]
        assert list(dict.fromkeys(areas)) == [
            "versions", "devices", "store", "plugins", "caches", "weights", "optional"
        ]  # fmt: skip
        return wrong

    return run


def test_nothing_is_wrong_and_no_store_is_made(examined: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    assert examined() == []
    assert call("doctor") == 0
    out = capsys.readouterr().out
    assert "does not exist yet" in out
    assert "nothing is wrong" in out
    assert not Path(os.environ["MULL_STORE"]).exists()


def test_torch_is_not_imported() -> None:
    pytest.importorskip("torch")
    if not _has_gpu():
        assert "torch" not in modules_of("doctor")


def _has_gpu() -> bool:
    from mull.commands.devices import has_driver

    return has_driver()


def test_a_store_in_use_is_counted(runs: Any, examined: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    with Store() as store:
        store.write([runs.one(), runs.one()])
    assert examined() == []
    call("doctor")
    out = capsys.readouterr().out
    assert "0006, up to date" in out
    assert "runs           2" in out


def test_a_store_of_an_older_schema_is_found_and_not_changed(tmp_path: Path, examined: Examined) -> None:
    path = Path(shutil.copy(Path(__file__).parent / "stores" / "0003.db", tmp_path / "old.db"))
    before = path.read_bytes()
    (wrong,) = examined("--store", str(path))
    assert "0003 is older" in wrong["text"]
    assert wrong["hint"] == f"upgrade it with: solve history upgrade --store {path}"
    assert path.read_bytes() == before


def test_a_store_of_a_newer_schema_is_found(tmp_path: Path, examined: Examined) -> None:
    Store(str(tmp_path / "new.db")).close()
    with sqlite3.connect(tmp_path / "new.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    (wrong,) = examined("--store", str(tmp_path / "new.db"))
    assert "9999 is unknown" in wrong["text"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text", "not an SQLite database"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "damaged"),
        (None, "is a directory"),
    ],
    ids=["text", "damaged", "folder"],
)
def test_a_file_that_is_not_a_store_is_found(
    content: bytes | None, message: str, tmp_path: Path, examined: Examined
) -> None:
    path = tmp_path / "bad.db"
    path.mkdir() if content is None else path.write_bytes(content)
    (wrong,) = examined("--store", str(path))
    assert wrong["area"] == "store"
    assert message in wrong["text"]


def test_a_database_of_another_program_is_found(tmp_path: Path, examined: Examined) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE other (x)")
    (wrong,) = examined("--store", str(tmp_path / "other.db"))
    assert "another program" in wrong["text"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_network_file_system_is_found(
    exists: bool, tmp_path: Path, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exists:
        Store(str(tmp_path / "s.db")).close()
    monkeypatch.setattr("mull.engine.store.network.network_type", lambda path: "nfs4")
    monkeypatch.setattr("mull.engine.store.file.network_type", lambda path: "nfs4")
    (wrong,) = examined("--store", str(tmp_path / "s.db"))
    assert "nfs4" in wrong["text"]
    monkeypatch.setenv("MULL_STORE_ANYWAY", "1")
    assert examined("--store", str(tmp_path / "s.db")) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk_is_found(
    exists: bool, tmp_path: Path, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exists:
        Store(str(tmp_path / "s.db")).close()
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=0))
    (wrong,) = examined("--store", str(tmp_path / "s.db"))
    assert "0 B free: the disk is full" in wrong["text"]
    assert "free some disk space" in wrong["hint"]


def test_a_password_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("psycopg")
    assert call("doctor", "--store", "postgresql://me:secret@127.0.0.1:1/none?connect_timeout=1") == 1
    assert "secret" not in capsys.readouterr().out


def test_broken_plugins_are_named(site: Path, examined: Examined) -> None:
    install(site, "broken", {"lost": "nowhere:Lost"}, {})
    install(site, "second", {"cpsat": "second:CpSat"}, {"second": "class CpSat: ...\n"})
    wrong = {finding["name"]: finding["text"] for finding in examined()}
    assert set(wrong) == {"lost", "cpsat"}
    assert "module nowhere does not exist" in wrong["lost"]
    assert "claimed by" in wrong["cpsat"]


def test_plugins_that_are_not_installed_are_named(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULL_PLUGINS", "no-such-package")
    (wrong,) = examined()
    assert wrong["name"] == "no-such-package"


def test_weights_are_compared_with_their_cards(examined: Examined) -> None:
    own, bundled = folders()
    own.mkdir(parents=True)
    for name in ("looped-four.json", "looped-four.safetensors"):
        shutil.copy(bundled / name, own / name)
    assert examined() == []
    with (own / "looped-four.safetensors").open("ab") as file:
        file.write(b"more")
    (own / "text.json").write_text("{")
    shutil.copy(bundled / "looped-four.json", own / "alone.json")
    wrong = {finding["name"]: finding["text"] for finding in examined()}
    assert set(wrong) == {"looped-four", "text", "alone"}
    assert "SHA-256" in wrong["looped-four"]
    assert "not a valid card" in wrong["text"]
    assert "No such file" in wrong["alone"]


def test_a_cache_that_is_not_a_folder_is_found(
    tmp_path: Path, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MULL_CACHE", str(tmp_path / "file"))
    (wrong,) = examined()
    assert (wrong["area"], wrong["name"]) == ("caches", "compiled code")


def test_versions_are_compared(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    named = ["numpy>=99", "click<1,>=0.1", "absent>=1", "rich>=1; extra == 'plot'", "none>=2; extra == 'words'"]
    monkeypatch.setattr("mull.commands.doctor.metadata.requires", lambda name: named)
    wrong = {finding["name"]: finding for finding in examined()}
    assert set(wrong) == {"numpy", "click", "absent"}  # an optional package may be missing
    assert wrong["absent"]["hint"] == "pip install 'absent>=1'"


def test_a_part_that_fails_does_not_hide_the_others(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError("\x1b[31munexpected")

    monkeypatch.setattr(doctor, "_caches", fails)
    (wrong,) = examined()
    assert "RuntimeError" in wrong["text"]
