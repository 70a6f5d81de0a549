"""``solve doctor``: a sound installation, and each fault with its remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import call, install, modules_of
from mull.commands import doctor
from mull.commands.devices import has_driver
from mull.engine.weights import folders

STORES = Path(__file__).parent / "stores"


def _findings(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> list[dict[str, Any]]:
    assert call("doctor", "--json", *arguments) == code
    report = json.loads(capsys.readouterr().out)
    findings: list[dict[str, Any]] = report["findings"]
    assert report["wrong"] == sum(finding["wrong"] for finding in findings)
    return findings


def _faults(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    return [finding for finding in _findings(capsys, *arguments, code=1) if finding["wrong"]]


def test_a_sound_installation(capsys: pytest.CaptureFixture[str]) -> None:
    findings = _findings(capsys, code=0)
    assert {finding["area"] for finding in findings} == {
        *("versions", "devices", "store", "plugins", "caches", "weights", "optional")
    }
    assert call("doctor") == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")


def test_the_runs_of_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = str(tmp_path / "runs.db")
    assert call("queens:6", "-s", "cpsat", "--store", url) == 0
    capsys.readouterr()
    texts = {finding["name"]: finding["text"] for finding in _findings(capsys, "--store", url, code=0)}
    assert texts["runs"] == "1"
    assert texts["schema"].endswith("up to date")


@pytest.mark.parametrize("schema", ["0001", "0003", "0005"])
def test_an_older_store(schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (STORES / f"{schema}.db").read_bytes()
    (tmp_path / "old.db").write_bytes(before)
    (fault,) = _faults(capsys, "--store", str(tmp_path / "old.db"))
    assert fault["text"].startswith(f"{schema} is older than")
    assert "solve history upgrade --store" in fault["hint"]
    assert (tmp_path / "old.db").read_bytes() == before


def test_a_file_that_is_not_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.db").write_text("not a store " * 100)
    (fault,) = _faults(capsys, "--store", str(tmp_path / "text.db"))
    assert fault["area"] == "store"
    assert fault["hint"]


def test_a_damaged_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray((STORES / "0006.db").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    (tmp_path / "damaged.db").write_bytes(data)
    (fault,) = _faults(capsys, "--store", str(tmp_path / "damaged.db"))
    assert "damaged" in fault["text"]


def test_a_broken_plugin(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "mull-lost", {"lost": "nowhere_at_all:Lost"}, {})
    (fault,) = _faults(capsys)
    assert (fault["area"], fault["name"]) == ("plugins", "lost")
    assert "nowhere_at_all" in fault["text"]


def test_weights_that_are_not_those_of_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    own, bundled = folders()[0], folders()[-1]
    own.mkdir(parents=True, exist_ok=True)
    names = [own / f"looped-maze.{suffix}" for suffix in ("json", "safetensors")]
    try:
        for name in names:
            shutil.copy(bundled / name.name, name)
        with names[1].open("ab") as file:
            file.write(b"more")
        (fault,) = _faults(capsys)
        assert "SHA-256" in fault["text"]
    finally:
        for name in names:
            name.unlink(missing_ok=True)


def test_a_package_that_is_too_old(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_requirements", lambda: iter([("click", ">=999", ""), ("no-such-package", "", "x")]))
    (fault,) = _faults(capsys)
    assert fault["hint"] == "pip install 'click>=999'"


def test_without_a_gpu_driver_torch_is_not_imported() -> None:
    assert has_driver() or "torch" not in modules_of("doctor")
