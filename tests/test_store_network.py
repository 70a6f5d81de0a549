"""SQLite stores on network file systems are refused, by a table of mounts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from conftest import call, json_lines
from mull.cli import SolveGroup
from mull.engine.store import Store, StoreError, network
from mull.engine.store.file import ANYWAY
from mull.engine.store.network import network_type

TABLE = """\
/dev/vda / ext4 rw 0 0
server:/home /srv/home nfs4 rw 0 0
/dev/vdb /srv/home/local xfs rw 0 0
//server/share /srv/my\\040share cifs rw 0 0
tmpfs /srv/twice tmpfs rw 0 0
me@server: /srv/twice fuse.sshfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/home/runs.db", "nfs4"),
        ("/srv/home", "nfs4"),
        ("/srv/home/local/runs.db", None),
        ("/srv/homes/runs.db", None),
        ("/srv/my share/a/runs.db", "cifs"),
        ("/srv/twice/runs.db", "fuse.sshfs"),
        ("/runs.db", None),
    ],
)
def test_the_deepest_and_latest_mount_decides(path: str, kind: str | None, tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(TABLE)
    assert network_type(Path(path), table) == kind
    assert network_type(Path(path), tmp_path / "missing") is None


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "share" / "runs.db")
    (tmp_path / "mounts").write_text(f"/dev/vda / ext4 rw 0 0\nserver:/ {tmp_path}/share nfs rw 0 0\n")
    assert network_type(tmp_path / "link.db", tmp_path / "mounts") == "nfs"


@pytest.fixture
def shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a network file system."""
    (tmp_path / "share").mkdir()
    (tmp_path / "mounts").write_text(f"server:/ {tmp_path}/share nfs rw 0 0\n")
    monkeypatch.setattr(network, "MOUNTS", tmp_path / "mounts")
    monkeypatch.delenv(ANYWAY, raising=False)
    return tmp_path / "share"


def test_such_a_store_is_refused_unless_the_user_insists(
    shared_folder: Path, reports_error: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    store = shared_folder / "runs.db"
    solving = ["queens:6", "--solver", "cpsat", "--store", str(store), "-q"]
    assert call(*solving) == 2
    reports_error("is on a network file system (nfs)")
    assert not store.exists()
    assert call(*solving, "--store-anyway") == 0
    assert store.exists()
    assert ANYWAY not in os.environ  # the permission ends with the command
    capsys.readouterr()
    assert call("history", "list", "--store", str(store)) == 2
    reports_error("--store-anyway")
    assert call("history", "list", "--store", str(store), "--store-anyway", "--json") == 0
    assert len(json_lines(capsys.readouterr().out)) == 1


@pytest.mark.parametrize(("value", "permitted"), [("1", True), ("0", False), ("", False)])
def test_the_environment_permits_such_a_store(
    value: str, permitted: bool, shared_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ANYWAY, value)
    if permitted:
        Store(str(shared_folder / "runs.db")).close()
        return
    with pytest.raises(StoreError) as refused:
        Store(str(shared_folder / "runs.db"))
    for way in ("--store-anyway", "MULL_STORE_ANYWAY=1", "solve history merge", "PostgreSQL"):
        assert way in refused.value.hint


def test_a_merge_reads_such_a_store_and_writes_one_where_the_user_insists(
    tmp_path: Path, shared_folder: Path, runs: Any, reports_error: Callable[[str], None]
) -> None:
    local, shared = str(tmp_path / "local.db"), str(shared_folder / "runs.db")
    with Store(local) as store:
        store.write([runs.one()])
    merge = ["history", "merge", local, "--into", shared]
    assert call(*merge) == 2
    reports_error("is on a network file system (nfs)")
    assert call(*merge, "--store-anyway") == 0
    assert call("history", "merge", shared, "--into", str(tmp_path / "all.db")) == 0
    with Store(str(tmp_path / "all.db")) as store:
        assert store.count() == 1


def commands(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in [*group.list_commands(context), *(["run"] if isinstance(group, SolveGroup) else [])]:
        command = group.get_command(context, name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


def test_every_command_with_a_store_has_the_option() -> None:
    found = set()
    for command in commands(SolveGroup()):
        names = {name for parameter in command.params for name in parameter.opts}
        if names & {"--store", "--into"}:
            found.add(command.name)
            assert "--store-anyway" in names, command.name
    assert found >= {"run", "bench", "train", "replay", "merge", "upgrade", "delete", "list", "ui"}
