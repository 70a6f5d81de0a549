"""The value of ``--device``: checked, and shared out among the processes of torchrun."""

from __future__ import annotations

import ctypes
import os
import re

from mull.engine.errors import MullError


def usable_devices(name: str) -> tuple[str, ...]:
    """Resolve ``--device`` to one device or several ones of this host.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, several GPUs as ``cuda:0,2`` or ``cuda:all``, or ``cpu,cpu`` with
            one ``cpu`` for each process.

    Returns:
        Their names: ``cuda:N`` where several GPUs are named. ``auto`` is ``cuda`` if a GPU can be used, else ``cpu``.

    Raises:
        MullError: the name is not a device, a device does not exist on this machine, or the only one cannot be used.
    """
    devices = _named(name)
    if name != "auto" and len(devices) == 1 and devices != ("cpu",):
        _use(devices[0])  # not if there are several: each belongs to a process of its own, and a context takes memory
    return devices


def _named(name: str) -> tuple[str, ...]:
    """The devices of a name; nothing is allocated on them."""
    if name == "auto":
        return ("cuda" if has_driver() and _cuda_is_available() else "cpu",)
    found = re.fullmatch(r"cpu(?:,cpu){0,1023}|cuda(?::(all|[0-9]{1,4}(?:,[0-9]{1,4})*))?", name)
    if found is None:
        hint = "--device takes auto, cpu, cuda, cuda:N, cuda:0,2, cuda:all, or cpu,cpu for two processes"
        raise MullError(f"device {name[:40]!r} is not supported", hint)
    if name.startswith("cpu"):
        return tuple(name.split(","))
    import torch

    if not torch.cuda.is_available():
        reason = "no CUDA GPU is found" if torch.version.cuda else "the installed PyTorch has no CUDA"
        raise MullError(f"device {name!r} cannot be used: {reason}", "use --device cpu")
    count = torch.cuda.device_count()
    known = f"the GPUs are cuda:0 to cuda:{count - 1}" if count > 1 else "the only GPU is cuda:0"
    numbers = range(count) if found[1] == "all" else [int(n) for n in (found[1] or "").split(",") if n]
    if any(n >= count for n in numbers):
        raise MullError(f"device {name!r} cannot be used: {known}", "use --device cuda")
    if len(set(numbers)) < len(numbers):
        raise MullError(f"device {name!r} names a GPU twice", known)
    return tuple(f"cuda:{n}" for n in numbers) or ("cuda",)


def _use(device: str) -> None:
    """Raise an error if a GPU cannot be used."""
    import torch

    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise MullError(f"device {device!r} cannot be used: {reason}", "use --device cpu") from None


def usable_device(name: str) -> str:
    """Resolve ``--device`` for a command that uses one device.

    Args:
        name: as of ``usable_devices``.

    Raises:
        MullError: as ``usable_devices`` raises, or several devices are named.
    """
    devices = usable_devices(name)
    if len(devices) > 1:
        hint = f"use --device {devices[0].partition(':')[0]}"
        raise MullError(f"device {name!r} names {len(devices)} devices: this command uses one", hint)
    return devices[0]


def device_of_rank(name: str) -> str:
    """The device of this process under torchrun: GPU number LOCAL_RANK of all GPUs or of a list, or the CPU.

    Args:
        name: as of ``usable_devices``. For several processes ``cuda`` means ``cuda:all``.

    Raises:
        MullError: the device cannot be used, or there are more processes than GPUs.
    """
    if "LOCAL_RANK" not in os.environ:
        return usable_device(name)
    rank, processes = int(os.environ["LOCAL_RANK"]), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    devices = _named(name)
    if devices[0] == "cpu":
        return "cpu"
    if devices == ("cuda",):
        devices = _named("cuda:all")
    if max(rank + 1, processes) > len(devices):
        gpus = f"{len(devices)} {'GPUs' if len(devices) > 1 else 'GPU'}"
        hint = f"use torchrun --nproc-per-node {len(devices)}, --device cuda for all GPUs, or --device cpu"
        raise MullError(f"{max(rank + 1, processes)} processes for {gpus}", hint)
    _use(devices[rank])
    return devices[rank]


def has_driver() -> bool:
    """Whether a GPU driver is installed. Without one there is no GPU, and torch, which takes a second, is not imported."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def _cuda_is_available() -> bool:
    import torch

    return torch.cuda.is_available()
