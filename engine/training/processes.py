"""The processes of one training under torchrun, one GPU each."""

from __future__ import annotations

import os

import torch


class Processes:
    """This process and the others of its training. ``rank`` is its number and ``count`` their number.

    Args:
        device: device of this process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = 0
        if self.count == 1:
            return
        if not torch.distributed.is_initialized():
            if device.type == "cuda":
                torch.cuda.set_device(device)
                torch.distributed.init_process_group("nccl", device_id=device)
            else:
                torch.distributed.init_process_group("gloo")
        self.rank = torch.distributed.get_rank()

    def broadcast(self, number: float) -> float:
        """The number of process 0, on all processes. They need the same learning rate and the same end."""
        if self.count == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(shared, 0)
        return shared.item()


def leave() -> None:
    """Close the connection to the other processes of a training, if there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
