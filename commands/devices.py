"""The value of ``--device``: checked, and shared out among the processes of torchrun."""

from __future__ import annotations

import ctypes
import os
import re

from mull.engine.errors import MullError


def usable_device(name: str) -> str:
    """Resolve ``--device``: ``auto`` becomes ``cuda`` if a GPU can be used, else ``cpu``.

    Raises:
        MullError: the name is not a device, or the device cannot be used on this machine.
    """
    if name == "auto":
        return "cuda" if _has_driver() and _cuda_is_available() else "cpu"
    found = re.fullmatch(r"cpu|cuda(?::([0-9]{1,4}))?", name)
    if found is None:
        raise MullError(f"device {name[:40]!r} is not supported", "--device takes auto, cpu, cuda or cuda:N")
    if name == "cpu":
        return name
    import torch

    if not torch.cuda.is_available():
        reason = "no CUDA GPU is found" if torch.version.cuda else "the installed PyTorch has no CUDA"
        raise MullError(f"device {name!r} cannot be used: {reason}", "use --device cpu")
    count = torch.cuda.device_count()
    if found[1] and int(found[1]) >= count:
        known = f"the GPUs are cuda:0 to cuda:{count - 1}" if count > 1 else "the only GPU is cuda:0"
        raise MullError(f"device {name!r} cannot be used: {known}", "use --device cuda")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise MullError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}", "use --device cpu") from None
    return name


def device_of_rank(name: str) -> str:
    """The device of this process under torchrun: GPU number LOCAL_RANK, or the CPU.

    Raises:
        MullError: the device cannot be used, ``cuda:N`` would be shared by several processes, or there are more
            processes than GPUs.
    """
    import torch

    device = usable_device(name)
    if "LOCAL_RANK" not in os.environ or device == "cpu":
        return device
    rank, processes = int(os.environ["LOCAL_RANK"]), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if ":" in device and processes > 1:
        hint = "--device cuda gives each process its own GPU; set CUDA_VISIBLE_DEVICES to choose among the GPUs"
        raise MullError(f"{processes} processes cannot share {device}", hint)
    count = torch.cuda.device_count()
    if max(rank + 1, processes) > count:
        hint = f"use torchrun --nproc-per-node {count}, or --device cpu"
        raise MullError(f"{max(rank + 1, processes)} processes for {count} {'GPUs' if count > 1 else 'GPU'}", hint)
    return device if ":" in device else f"cuda:{rank}"


def _has_driver() -> bool:
    """Whether a GPU driver is installed. Without one there is no GPU, and torch, which takes a second, is not imported."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def _cuda_is_available() -> bool:
    import torch

    return torch.cuda.is_available()
