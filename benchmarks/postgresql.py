"""A PostgreSQL server of its own, in a temporary folder on a free port, that can be restarted."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self

PROGRAMS = "/usr/lib/postgresql/*/bin"
"""Where Debian installs the programs of the server, which are not on the PATH."""


def programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``; None without PostgreSQL, or for root without its account."""
    if os.getuid() == 0 and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        return None
    found = shutil.which("initdb")
    folders = sorted(Path("/").glob(PROGRAMS.removeprefix("/")), key=lambda folder: folder.parent.name.zfill(4))
    return next(
        (f for f in reversed([*([Path(found).parent] if found else []), *folders]) if (f / "pg_ctl").exists()), None
    )


class Server:
    """A running server. PostgreSQL refuses to run as root: then the account ``postgres`` runs it.

    Raises:
        SystemExit: PostgreSQL is not installed, or does not start.
    """

    def __init__(self) -> None:
        folder = programs()
        if folder is None:
            raise SystemExit("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        self._programs = folder
        self._folder = Path(tempfile.mkdtemp())
        password = secrets.token_hex(16)
        (self._folder / "password").write_text(password)
        if os.getuid() == 0:
            for path in (self._folder, self._folder / "password"):
                shutil.chown(path, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql+psycopg://mull:{password}@127.0.0.1:{self._port}/postgres"
        access = ["--username", "mull", "--pwfile", str(self._folder / "password"), "--auth", "scram-sha-256"]
        self._run("initdb", *access, "--encoding", "UTF8", "--locale", "C.UTF-8")
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        settings = f"-c listen_addresses=127.0.0.1 -c port={self._port} -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "--log", str(self._folder / "log"), "--wait", "start", "--options", settings)

    def stop(self, mode: str) -> None:
        """Stop the server.

        Args:
            mode: ``fast`` ends all connections and writes a checkpoint; ``immediate`` is a crash.
        """
        self._run("pg_ctl", "--mode", mode, "--wait", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        account = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*account, str(self._programs / program), "--pgdata", str(self._folder / "data"), *arguments]
        # The server keeps the output open that pg_ctl gives it, so a pipe would never end.
        with (self._folder / f"{program}.txt").open("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False)
            if done.returncode:
                output.seek(0)
                raise SystemExit(f"{program} failed: {output.read()}")
