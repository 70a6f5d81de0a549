"""Counter-based random numbers: a stream for each row of a batch, the same on every device.

A solver's state is a value, so its randomness must be one too: numbers are a pure function of a row's key and a label.
A row then draws the same numbers whichever rows share its batch, on CPU and GPU, and after a run was resumed. The
mixing function is the 32-bit finaliser "lowbias32" (C. Wellons, 2018), a bijection with an avalanche bias of 0.17.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import tau

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF


def _mix(x: Tensor) -> Tensor:
    """[...] int64 holding 32-bit numbers -> the same, scrambled (products wrap in int64; the mask keeps 32 bits)."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


@dataclass(frozen=True)
class Random:
    """A stream of random numbers for each of B rows.

    Args:
        keys: [B] int64 in [0, 2^32).
    """

    keys: Tensor

    @classmethod
    def for_rows(cls, labels: Sequence[object], device: torch.device | str = "cpu") -> Random:
        """Streams named by anything with a stable ``repr``: equal labels give equal streams."""
        keys = [int.from_bytes(hashlib.sha256(repr(label).encode()).digest()[:4], "big") for label in labels]
        return cls(torch.tensor(keys, dtype=torch.int64, device=device))

    def at(self, label: int | Tensor) -> Random:
        """The substreams for a label (an iteration, a purpose): an int, or one a row [B]."""
        return Random(_mix((self.keys + _mix(torch.as_tensor(label, device=self.keys.device) + 0x9E3779B9)) & _MASK))

    def bits(self, *shape: int) -> Tensor:
        """[B, *shape] int64, uniform over [0, 2^32).

        A number is named by its place along every axis, not by its place in the whole: a problem that was padded to the size
        of a larger one beside it draws what it draws alone.
        """
        place = torch.zeros((), dtype=torch.int64, device=self.keys.device)
        for size in shape:
            place = _mix(place[..., None] ^ _mix(torch.arange(1, size + 1, device=place.device)))
        return _mix(_mix(self.keys).view(-1, *(1 for _ in shape)) ^ place)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """[B, *shape] uniform over [0, 1), in steps of 2^-24."""
        return (self.bits(*shape) >> 8).to(dtype) * 2.0**-24

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """[B, *shape] standard normal (Box-Muller)."""
        u = self.uniform(2, *shape, dtype=dtype)
        return (-2 * (1 - u[:, 0]).log()).sqrt() * (tau * u[:, 1]).cos()
