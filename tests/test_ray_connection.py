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
from fleet_solvers import STEPS, InlineCrew, small

import mull
from mull.engine import MullError, Solution, solve
from mull.engine.fleet import Fleet, RayCrew, actors, cluster


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


def test_a_cluster_that_is_lost_ends_the_call_and_keeps_what_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second chunk is never answered: the head is gone, so the actor cannot be killed either."""

    class Lost(InlineCrew):
        """One actor, with the methods that Ray has for it."""

        def call(self, work: bytes) -> int:
            if len(arrived):
                raise ConnectionError("the head is gone\ntraceback")
            self.submit(0, work)
            return 1

        def remote(self, *arguments: Any) -> Any:
            self.start(arguments[0])
            return SimpleNamespace(
                ready=SimpleNamespace(remote=lambda: 0), solve=SimpleNamespace(remote=lambda work: self.call(work))
            )

        def gone(self, actor: Any) -> None:
            raise ConnectionError("the head is gone")

    arrived: list[Solution] = []
    actor = Lost(1)
    monkeypatch.setattr(mull.solvers.cpsat.CpSat, "chunk", 4)
    fake = stand_in(lambda *address, **options: None)
    fake.is_initialized = lambda: True
    fake.cluster_resources = lambda: {"CPU": 1.0}
    fake.remote = lambda kind: SimpleNamespace(options=lambda **resources: actor)
    fake.put = lambda orders: orders
    fake.wait = lambda calls, num_returns, timeout: (calls, [])
    fake.get = lambda call: actor.wait(0)[0].data
    fake.kill = actor.gone
    monkeypatch.setattr(actors, "ray_module", lambda address: fake)
    with pytest.raises(MullError, match=r"the connection to Ray was lost: the head is gone$") as raised:
        solve(small(8), mull.solver("cpsat"), STEPS, on_solution=arrived.append, fleet=Fleet(RayCrew()))
    assert "--skip-solved" in raised.value.hint
    assert len(arrived) == 4


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MullError, match="ray is not installed") as raised:
        RayCrew()
    assert "mull-solver[ray]" in raised.value.hint
