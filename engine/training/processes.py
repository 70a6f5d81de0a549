"""The processes of one training under torchrun, one device each."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from ..errors import MullError
from .heartbeat import Heartbeat

T = TypeVar("T")

_heartbeats: list[Heartbeat] = []
"""That of the process group, which torch keeps for the whole process; empty without a group."""


def device_of_process(device: str) -> str:
    """The device of this process: ``cuda`` becomes the GPU of number LOCAL_RANK if torchrun started several processes.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
    """
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" and several else device


class Processes:
    """This process and the others of its training. ``rank`` is its number and ``count`` their number.

    If one of the processes fails or stops to respond, all others end with its error; see ``Heartbeat``.

    Args:
        device: device of this process.

    Raises:
        MullError: another process has the same GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = 0
        if self.count == 1:
            return
        if not torch.distributed.is_initialized():
            self._join()
        self.rank = torch.distributed.get_rank()

    def _join(self) -> None:
        from torch.distributed.rendezvous import rendezvous

        store, rank, count = next(rendezvous("env://"))
        # The sockets of a store serve one thread at a time, and a wait for a key would delay the heartbeat.
        heartbeat = Heartbeat(store.clone(), rank, count)
        _heartbeats.append(heartbeat)
        heartbeat.start()
        with self.stopping_all():
            if self.device.type == "cuda":
                _refuse_shared(self.device, store, rank, count)
                torch.cuda.set_device(self.device)
            torch.distributed.init_process_group(
                "nccl" if self.device.type == "cuda" else "gloo",
                store=torch.distributed.PrefixStore("training", store),  # type: ignore[attr-defined,unused-ignore]
                rank=rank,
                world_size=count,
                device_id=self.device if self.device.type == "cuda" else None,
            )

    def broadcast(self, number: float) -> float:
        """The number of process 0, on all processes. They need the same learning rate and the same end."""
        if self.count == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(shared, 0)
        return shared.item()

    def shared(self, make: Callable[[], T]) -> T:
        """The value that process 0 makes, on all processes. An error of process 0 is raised on all of them.

        Args:
            make: called on process 0 alone, such as the reading of a file that the other hosts do not have.
        """
        if self.count == 1:
            return make()
        held: list[Any] = [None, None]
        if self.rank == 0:
            try:
                held[0] = make()
            except MullError as error:
                held[1] = error
        torch.distributed.broadcast_object_list(held, 0)
        if held[1] is not None:
            raise held[1]
        value: T = held[0]
        return value

    def gathered(self, value: T) -> list[T]:
        """The values of all processes, by rank, on all processes."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(values, value)
        return values

    @contextmanager
    def stopping_all(self) -> Iterator[None]:
        """An error inside the block ends the other processes too, with its text.

        Raises:
            MullError: the error was the loss of another process, and that process has stated why it failed.
        """
        try:
            yield
        except BaseException as error:
            for heartbeat in _heartbeats:
                heartbeat.fail(error)
            raise


def leave() -> None:
    """Close the connection to the other processes of a training, if there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    while _heartbeats:
        _heartbeats.pop().leave()


def _refuse_shared(device: torch.device, store: Any, rank: int, count: int) -> None:
    """Refuse processes with one GPU, which NCCL would report without naming the option.

    Raises:
        MullError: the GPU of this process is also that of another one.
    """
    properties = torch.cuda.get_device_properties(device)
    mine = f"{socket.gethostname()} {getattr(properties, 'uuid', device)}"
    store.set(f"gpu/{rank}", mine)
    for other in range(count):
        if other != rank and store.get(f"gpu/{other}").decode() == mine:
            hint = "start one process for each GPU, with --device cuda; each takes the GPU of its LOCAL_RANK"
            raise MullError(f"processes {min(rank, other)} and {max(rank, other)} both have {device}", hint)
