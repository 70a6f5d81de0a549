"""Recognition of network file systems, on which SQLite's locks and its write-ahead log are not reliable."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
"""The table of mounted file systems (Linux). Other systems have none: there nothing is recognised."""

NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "ncpfs",
        "coda",
        "ceph",
        "lustre",
        "gpfs",
        "beegfs",
        "orangefs",
        "pvfs2",
        "glusterfs",
        "panfs",
        "ocfs2",
        "gfs2",
        "davfs",
        "sshfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "fuse.davfs",
        "fuse.davfs2",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.goofys",
        "fuse.juicefs",
        "fuse.curlftpfs",
        "fuse.smbnetfs",
        "fuse.moosefs",
        "fuse.lizardfs",
    ]
)
"""Types of file systems that several hosts may share."""


def network_type(path: Path, mounts: Path | None = None) -> str | None:
    """The type of the network file system that holds a path; None for a local one.

    Args:
        path: of a file, which need not exist; links are followed.
        mounts: a table with a line for each mount: device, folder, type, options (man 5 fstab); by default ``MOUNTS``.
    """
    try:
        lines = (mounts or MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    place = os.path.realpath(path)
    deepest, kind = "", None
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        folder = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[1])  # \040 is a space
        # A later mount hides an earlier one at the same folder.
        if len(folder) >= len(deepest) and (place + "/").startswith(folder.rstrip("/") + "/"):
            deepest, kind = folder, fields[2]
    return kind if kind in NETWORK else None
