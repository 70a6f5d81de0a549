"""What an answer cost: floating-point operations, and energy where the machine has counters that can be read."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
"""Folder of the energy counters of processors and memory (Linux, RAPL). Most systems let only root read them."""
LEAST_SECONDS = 0.02
"""Shortest time whose energy is stated. RAPL counters change once a millisecond."""
READ_SECONDS = 0.1
"""Time between two readings of the counters."""

Counter = Callable[[], float]
"""A function that returns joules, counted from any start."""


def added(*values: float | None) -> float | None:
    """The sum of the values that are known; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Meter:
    """The mean power of the machine since the meter was made.

    A machine has no counter for each problem. So the energy of an answer is its solving time, multiplied by the mean
    power of the call so far. Other programs that run at the same time are included.

    Args:
        counters: of energy.
        clock: returns seconds.
    """

    def __init__(self, counters: Sequence[Counter], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counters: list[tuple[Counter, float]] = []
        for counter in counters:
            with suppress(OSError, ValueError):
                self._counters.append((counter, counter()))
        self._began = self._read = clock()
        self._watts: float | None = None

    def joules(self, seconds: float) -> float | None:
        """The energy of some solving time.

        Args:
            seconds: of the time.

        Returns:
            Joules; None if no counter can be read, or if the call is too short.
        """
        now = self._clock()
        elapsed = now - self._began
        if self._counters and elapsed >= LEAST_SECONDS and (self._watts is None or now - self._read >= READ_SECONDS):
            try:
                spent = sum(counter() - start for counter, start in self._counters)
            except (OSError, ValueError):
                self._counters, self._watts = [], None
            else:
                self._read, self._watts = now, spent / elapsed if spent > 0 else None
        return None if self._watts is None else self._watts * seconds


def counters(device: str, folder: Path = POWERCAP) -> list[Counter]:
    """The energy counters of the processors and their memory, and of the GPU where a run uses one.

    Args:
        device: of the run.
        folder: of the processors' counters.
    """
    found: list[Counter] = []
    for zone in sorted(folder.glob("*-rapl:*")) if folder.is_dir() else ():
        with suppress(OSError, ValueError):
            name = (zone / "name").read_text().strip()
            # "psys" includes the packages, and a package includes its cores: only what does not overlap is counted.
            if name.startswith("package") or name == "dram":
                counter = _Rapl(zone, int((zone / "max_energy_range_uj").read_text()))
                counter()
                found.append(counter)
    if device.startswith("cuda") and (gpu := _gpu(device)) is not None:
        found.append(gpu)
    return found


class _Rapl:
    """The counter of one zone, which starts again at 0 after ``most`` microjoules (every few minutes under load)."""

    def __init__(self, zone: Path, most: int) -> None:
        self._file, self._most = zone / "energy_uj", most
        self._last = self._turns = 0

    def __call__(self) -> float:
        now = int(self._file.read_text())
        self._turns += now < self._last
        self._last = now
        return (self._turns * self._most + now) / 1e6


def _gpu(device: str) -> Counter | None:
    """The energy counter of a GPU, of Volta or later; None without NVML or the counter, e.g. of a part of a GPU (MIG)."""
    torch = sys.modules.get("torch")
    if torch is None:  # a run on the device would have imported it
        return None
    try:
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        # NVIDIA's management library (NVML)
        library = ctypes.CDLL("libnvidia-ml.so.1")
        handle = ctypes.c_void_p()
        # The library numbers all GPUs of the machine, PyTorch those that the process may use: the UUID names both.
        name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
        if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)):
            return None
    except (OSError, AttributeError, RuntimeError, AssertionError, ValueError):
        return None

    def counter() -> float:
        millijoules = ctypes.c_ulonglong()
        if library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)):
            raise OSError("the GPU has no energy counter")
        return millijoules.value / 1e3

    try:
        counter()
    except OSError:
        return None
    return counter
