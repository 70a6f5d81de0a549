"""SQLite stores on network file systems are refused, by a table of mounts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import call
from mull.engine.store import network
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


def test_such_a_store_is_refused_unless_the_user_insists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports_error: Callable[[str], None]
) -> None:
    (tmp_path / "mounts").write_text(f"server:/ {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(network, "MOUNTS", tmp_path / "mounts")
    store = str(tmp_path / "runs.db")
    assert call("queens:6", "--solver", "cpsat", "--store", store, "-q") == 2
    reports_error("is on a network file system (nfs)")
    assert not Path(store).exists()
    monkeypatch.setenv("MULL_STORE_ANYWAY", "1")
    assert call("queens:6", "--solver", "cpsat", "--store", store, "-q") == 0
    assert Path(store).exists()
