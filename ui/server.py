"""The server: a free port of this machine, the browser, and the end by Ctrl-C."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError

if TYPE_CHECKING:
    from mull.engine.store import Store

ADDRESS = "127.0.0.1"
PORTS = 50
"""Ports that are tried one after another."""


def listen(port: int) -> socket.socket:
    """A listening socket of this machine.

    Args:
        port: the first port to try; 0 for any.

    Raises:
        MullError: none of ``PORTS`` ports is free.
    """
    for each in [0] if port == 0 else range(port, min(port + PORTS, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, each))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        return listener
    raise MullError(f"no port from {port} to {port + PORTS - 1} is free", "name another one with --port, or --port 0")


def serve(store: Store, listener: socket.socket, url: str | None = None, *, browser: bool = True) -> None:
    """Serve the pages until Ctrl-C or SIGTERM.

    Args:
        store: with the runs.
        listener: of ``listen``. It is closed at the end.
        url: of the store, as the user named it; None for the user's own.
        browser: whether to open the pages in the browser.
    """
    import uvicorn

    from .app import application

    port = listener.getsockname()[1]
    app = application(store, token := secrets.token_urlsafe(24), port, url)
    address = f"http://{ADDRESS}:{port}/?token={token}"
    settings = uvicorn.Config(
        app, log_level="error", access_log=False, timeout_graceful_shutdown=1, lifespan="on", server_header=False
    )
    server = uvicorn.Server(settings)
    click.echo(f"mull is at {address}\npress Ctrl-C to end", err=True)
    if browser:
        threading.Thread(target=_open, args=(address,), daemon=True).start()
    app.state.stopping = lambda: server.should_exit
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal once more when all connections are closed
        pass
    finally:
        listener.close()


def _open(address: str) -> None:
    """Open an address in the user's browser; a text browser would take the terminal."""
    shown = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    named = bool(os.environ.get("BROWSER"))
    try:
        opened = (shown or named) and webbrowser.open(address)
    except Exception:  # of the browser's own script
        opened = False
    if not opened:
        click.echo("no browser opened: open the address above in one", err=True)
