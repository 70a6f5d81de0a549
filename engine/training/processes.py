"""The processes of one training, a GPU each, under torchrun."""

from __future__ import annotations

import os

import torch


class Processes:
    """This process among those of its training.

    Args:
        device: of this process.
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
        """The number of rank 0, on all ranks: the learning rate and the end must be the same everywhere."""
        if self.count == 1:
            return number
        agreed = torch.tensor(number, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(agreed, 0)
        return agreed.item()


def leave() -> None:
    """End the connection to the other processes of a training, where there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
