"""Packs: runs in one file that another store repeats; damaged and crafted files are refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import call, json_lines
from mull.engine.store import Store, StoreError, bundle
from mull.engine.store.bundle import read_pack, write_pack

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of two runs. The store is then another user's."""
    path = tmp_path / "runs.mull"
    assert call("queens:6", "latin:4", "-s", "localsearch", "--seed", "3", "-q") == 0
    with Store() as store:
        ids = [row.id for row in store.runs()]
    assert call("history", "pack", *ids, ids[0][-6:], str(path)) == 0
    monkeypatch.setenv("MULL_STORE", str(tmp_path / "other.db"))
    return path


def changed(path: Path, change: Change) -> None:
    data = json.loads(gzip.decompress(path.read_bytes()))
    change(data)
    path.write_bytes(gzip.compress(json.dumps(data).encode()))


def test_another_user_repeats_the_runs(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert call("replay", str(pack), "--json") == 0
    reports = json_lines(capsys.readouterr().out)
    assert [report["same"] for report in reports] == [True, True]
    with Store() as store:
        assert {row.detail for row in store.runs()} == {f"replay of {report['run']}" for report in reports}
    assert call("replay", str(pack), "--no-store") == 0
    assert "same result" in capsys.readouterr().out
    with Store() as store:
        assert store.count() == 2


def test_packed_runs_are_shown_with_trace_and_answer(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert call("replay", str(pack), "--show") == 0
    shown = capsys.readouterr().out
    for row in read_pack(pack):
        assert f"run        {row.id}" in shown
        assert f"problem    {row.source}" in shown
    assert shown.count("energy by iteration") == shown.count("violations by iteration") == 2
    assert ". . . Q" in shown
    assert not (tmp_path / "other.db").exists()  # nothing is repeated
    assert call("replay", str(pack), "--show", "--json") == 0
    assert [run["id"] for run in json_lines(capsys.readouterr().out)] == [row.id for row in read_pack(pack)]
    assert call("replay", "last", "--show", "--store", str(tmp_path / "store.db")) == 0
    assert "energy by iteration" in capsys.readouterr().out


def test_a_pack_has_all_that_the_store_has(pack: Path, tmp_path: Path) -> None:
    with Store(str(tmp_path / "store.db")) as store:
        for row in read_pack(pack):
            stored = store.run(row.id)
            assert row.trace is not None
            assert stored.trace is not None
            assert row.trace.to_json() == stored.trace.to_json()
            assert {**row.to_json(), "total": stored.total} == stored.to_json()
            assert row.payload == stored.payload


def test_a_changed_answer_is_a_difference(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(pack, lambda data: data["runs"][0].update(iterations=data["runs"][0]["iterations"] + 1, budget=None))
    assert call("replay", str(pack), "--no-store") == 1
    assert "differs" in capsys.readouterr().out


DAMAGED: dict[str, Change] = {
    "text has control characters": lambda d: d["runs"][0].update(source="\x1b]0;title\x07"),
    "does not have the digest": lambda d: d["problems"].update(
        {d["runs"][0]["problem"]: d["problems"][d["runs"][1]["problem"]]}
    ),
    "has no problem": lambda d: d["problems"].pop(d["runs"][0]["problem"]),
    "runs.0.seed": lambda d: d["runs"][0].update(seed="1"),
    "runs.0.id": lambda d: d["runs"][0].update(id="../../x"),
    "runs.1.budget": lambda d: d["runs"][1].update(budget={"seconds": -1}),
    "extra": lambda d: d.update(extra=1),
    "runs.0.code": lambda d: d["runs"][0].update(code="import os"),
    "other variables": lambda d: d["runs"][0].update(assignment={"x": 1}),
    "differ in length": lambda d: d["runs"][0]["trace"].update(energy=[]),
    "newer version of mull": lambda d: d.update(schema=2, runs=[], more=1),
    "schema": lambda d: d.update(schema=0),
    "runs:": lambda d: d.update(runs=[]),
    "runs.0.trace.iteration: a number is too large": lambda d: d["runs"][0]["trace"].update(
        {name: [1 << 70] for name in d["runs"][0]["trace"]}
    ),
    "runs.0.status: Value error, '<b>' is not a status": lambda d: d["runs"][0].update(status="<b>"),
    "runs.1.status": lambda d: d["runs"][1].update(status="trained"),
    "runs.0.solver": lambda d: d["runs"][0].update(solver=""),
    "runs.0.device": lambda d: d["runs"][0].update(device="tpu"),
    "runs.0.seconds: Input should be a finite number": lambda d: d["runs"][0].update(seconds=float("inf")),
    "runs.0.wall": lambda d: d["runs"][0].update(wall=-1.0),
    "runs.0.size: the problem has 16 variables": lambda d: d["runs"][0].update(size=7),
    "runs.0.assignment: 99 is not a value of": lambda d: d["runs"][0]["assignment"].update(
        {next(iter(d["runs"][0]["assignment"])): 99}
    ),
    "problems.": lambda d: d["problems"][d["runs"][0]["problem"]].update(variables=3),
}


@pytest.mark.parametrize("message", DAMAGED)
def test_crafted_packs_are_refused(message: str, pack: Path, reports_error: Callable[[str], None]) -> None:
    changed(pack, DAMAGED[message])
    assert call("replay", str(pack)) == 2
    reports_error(message)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-20], "damaged"),
        (lambda data: data[:40] + b"\0\0\0\0" + data[44:], "damaged"),
        (lambda data: data + b"more", "damaged"),
        (lambda data: b"", "is not a pack"),
        (lambda data: b"\x80\x04K\x01.", "is not a pack"),
        (lambda data: gzip.compress(b"[" * 100_000), "is not a valid pack"),
        (lambda data: gzip.compress(b"\xff\xfe"), "is not a valid pack"),
    ],
    ids=["cut", "bytes", "longer", "empty", "pickle", "nested", "encoding"],
)
def test_damaged_packs_are_refused(
    damage: Callable[[bytes], bytes], message: str, pack: Path, reports_error: Callable[[str], None]
) -> None:
    pack.write_bytes(damage(pack.read_bytes()))
    assert call("replay", str(pack)) == 2
    reports_error(message)


def test_sizes_are_limited(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_pack(pack)
    monkeypatch.setattr(bundle, "MAX_TEXT", 1000)
    with pytest.raises(StoreError, match="expands to more"):
        read_pack(pack)
    with pytest.raises(StoreError, match="would have"):
        write_pack(rows, pack.with_name("large.mull"))
    monkeypatch.setattr(bundle, "MAX_FILE", 100)
    with pytest.raises(StoreError, match="larger than 100 bytes"):
        read_pack(pack)
    assert not pack.with_name("large.mull").exists()


def test_weights_are_never_read_by_a_path_of_a_pack(pack: Path) -> None:
    changed(pack, lambda data: data["runs"][0]["options"].update(weights="/etc/passwd"))
    assert "weights" not in read_pack(pack)[0].options


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pack", "last", "01M89DPKHA8S9JEE6BNP9WNJNJ"), "name the new file last"),
        (("pack", "last", "missing/runs.mull"), "No such file"),
        (("pack", "ZZZZZZ", "new.mull"), "ZZZZZZ"),
        (("pack", "last", "taken.mull"), "exists already"),
    ],
)
def test_wrong_arguments_of_pack(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: Any,
    reports_error: Callable[[str], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.mull").touch()
    with Store() as store:
        store.write([runs.one()])
    assert call("history", *arguments) == 2
    reports_error(message)
    assert not (tmp_path / "new.mull").exists()


def test_a_training_is_not_packed(runs: Any, tmp_path: Path, reports_error: Callable[[str], None]) -> None:
    with Store() as store:
        store.write([runs.one(problem=runs.problem(family="training"))])
    assert call("history", "pack", "last", str(tmp_path / "t.mull")) == 2
    reports_error("is a training")


@pytest.mark.parametrize("name", ["none.mull", "folder.d"])
def test_a_missing_file_or_folder_is_named(name: str, tmp_path: Path, reports_error: Callable[[str], None]) -> None:
    (tmp_path / "folder.d").mkdir()
    assert call("replay", str(tmp_path / name)) == 2
    reports_error(name)
