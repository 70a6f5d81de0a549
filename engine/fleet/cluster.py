"""The connection of a driver to a Ray cluster."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import MullError

CLIENT = re.compile(r"ray://(?P<host>[^/\s:]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
"""The address of the client server of a head."""

TRIES = 5
"""Attempts to connect by Ray's client. Its server starts a process for each client by a fork that may end at once."""

PATIENCE = 5.0
"""Seconds until a host answers on its port."""


def ray_module(address: str | None) -> Any:
    """The module ``ray``, imported for an address.

    Args:
        address: as of ``RayCrew``.

    Raises:
        MullError: Ray is not installed.
    """
    if address is not None and "ray" not in sys.modules and _has_token():
        # Other drivers send the user's token by themselves; Ray's client reads this variable when it is imported.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        return import_module("ray")
    except ModuleNotFoundError:
        raise MullError("ray is not installed", 'pip install "mull-solver[ray]"') from None


def _has_token() -> bool:
    """Whether this user has a token for Ray clusters."""
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(named) or Path(os.path.expanduser("~/.ray/auth_token")).is_file()


def connect(ray: Any, address: str | None) -> None:
    """Connect to a cluster, or start one on this host.

    Args:
        ray: the module.
        address: as of ``RayCrew``.

    Raises:
        MullError: the cluster cannot be reached or used.
    """
    if address is not None:
        _knock(address)
    more = {} if address is not None else {"include_dashboard": False}
    for attempt in range(1, TRIES + 1):
        try:
            with _undisturbed():
                ray.init(address, logging_level="ERROR", log_to_driver=False, **more)
            return
        except ConnectionAbortedError as error:
            if attempt == TRIES:
                raise _refused(address, error) from None
        except (ray.exceptions.RayError, OSError, RuntimeError, ValueError, ImportError) as error:
            raise _refused(address, error) from None


def _knock(address: str) -> None:
    """Check that something listens at an address, because Ray's client waits 30 s and does not state why.

    Raises:
        MullError: the address has another form, or nothing listens there.
    """
    found = CLIENT.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 1 << 16:
        raise MullError(f"{address[:60]!r} is not the address of a Ray cluster", "write ray://HOST:PORT")
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), PATIENCE).close()
    except OSError as error:
        hint = "the port is that of Ray's client server: 10001, or ray start --ray-client-server-port"
        raise MullError(f"Ray at {address} cannot be reached: {error.strerror or error}", hint) from None


def _refused(address: str | None, error: Exception) -> MullError:
    """The error for the user."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    aborted = isinstance(error, ConnectionAbortedError)  # its last line is the cause, the first one a title
    reason = (lines[-1] if aborted else lines[0])[:300] if lines else type(error).__name__
    if address is None:
        hint = "start a cluster with ray start --head, or unset RAY_ADDRESS to use this host"
    elif "timeout" in reason or "UNAUTHENTICATED" in str(error):
        hint = "if the cluster requires a token, set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or ~/.ray/auth_token"
    else:
        hint = "the cluster needs the same versions of Ray and Python; or use --on ray on a host of the cluster"
    return MullError(f"Ray{f' at {address}' if address else ''} cannot be used: {reason}", hint)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the signal handlers, which Ray replaces, as the driver decides what is stopped; and drop Ray's tips."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
