"""The connection to a Ray cluster, with a module in the place of Ray: attempts, signals, tokens and messages."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from mull.engine import MullError
from mull.engine.fleet import RayCrew, cluster


@pytest.fixture
def head() -> Iterator[str]:
    """The address of a port on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"ray://127.0.0.1:{listening.getsockname()[1]}"


def stand_in(init: Callable[..., None]) -> Any:
    """A module with what is used of Ray."""
    return SimpleNamespace(init=init, exceptions=SimpleNamespace(RayError=RuntimeError))


def test_a_client_whose_server_process_ended_is_connected_again(head: str) -> None:
    """Ray replaces the signal handlers; they are put back."""
    asked: list[str] = []

    def init(address: str, **options: Any) -> None:
        asked.append(address)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if len(asked) < cluster.TRIES:
            raise ConnectionAbortedError("Initialization failure from server:\nit is a zombie")

    before = signal.getsignal(signal.SIGTERM)
    cluster.connect(stand_in(init), head)
    assert asked == [head] * cluster.TRIES
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (ConnectionAbortedError("Initialization failure from server:\nit is a zombie"), "it is a zombie", "--on ray"),
        (ConnectionError("ray client connection timeout"), "timeout", "RAY_AUTH_MODE=token"),
        (RuntimeError("Version mismatch: Python 3.11.7, 3.12.1\nmore"), "Version mismatch", "same versions"),
    ],
)
def test_a_cluster_that_refuses_is_named_with_the_cause(head: str, error: Exception, message: str, hint: str) -> None:
    def init(address: str, **options: Any) -> None:
        raise error

    with pytest.raises(MullError, match=f"Ray at {head} cannot be used: .*{message}") as raised:
        cluster.connect(stand_in(init), head)
    assert hint in raised.value.hint


def test_a_port_on_which_nothing_listens_is_refused_at_once() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(MullError, match="cannot be reached: Connection refused") as raised:
            cluster.connect(stand_in(lambda *address, **options: None), address)
    assert "10001" in raised.value.hint


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "ray://", "ray://head", "ray://head:0", "ray://head:99999"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(MullError, match="is not the address of a Ray cluster") as raised:
        cluster.connect(stand_in(lambda *address, **options: None), address)
    assert raised.value.hint == "write ray://HOST:PORT"


@pytest.mark.parametrize(("address", "mode"), [("ray://head:10001", "token"), (None, "")])
def test_a_client_sends_the_token_of_the_user(address: str | None, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    modes: list[str] = []

    def found(name: str) -> Any:
        modes.append(os.environ.get("RAY_AUTH_MODE", ""))
        return stand_in(lambda *address, **options: None)

    monkeypatch.setattr(cluster, "import_module", found)
    cluster.ray_module(address)
    assert modes == [mode]


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MullError, match="ray is not installed") as raised:
        RayCrew()
    assert "mull-solver[ray]" in raised.value.hint
