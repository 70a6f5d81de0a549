"""Counter-based random numbers: a stream for each row of a batch, the same on every device.

A solver's state is a value, so its randomness must be one too. Each number is a pure function of a row's key and a
label. A row draws the same numbers on a CPU and a GPU, after a run is resumed, and whatever rows share its batch. The
mixing function is the 32-bit finaliser "lowbias32" (C. Wellons, 2018), a bijection with an avalanche bias of 0.17.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import tau

import numpy as np
import torch
from torch import Tensor

_MASK = 0xFFFFFFFF


def _mix(x: Tensor) -> Tensor:
    """Mix the bits of 32-bit numbers [...] stored as int64. Products wrap around; the mask keeps 32 bits."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def _mix_numpy(x: np.ndarray) -> np.ndarray:
    """``_mix`` of numbers [...] uint32, in place."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    x ^= x >> np.uint32(16)
    return x


@dataclass(frozen=True)
class Random:
    """A stream of random numbers for each of B rows.

    Args:
        keys: [B] int64 in [0, 2^32), which determine the streams.

    Example:
        >>> random = Random.for_rows([("seed", 1), ("seed", 2)])
        >>> random.at(5).uniform(3).shape
        torch.Size([2, 3])
        >>> bool((random.at(5).bits(2) == random.at(5).bits(3)[:, :2]).all())
        True
    """

    keys: Tensor

    @classmethod
    def for_rows(cls, labels: Sequence[object], device: torch.device | str = "cpu") -> Random:
        """One stream for each label. Equal labels give equal streams.

        Args:
            labels: B objects whose ``repr`` depends on their value only: numbers, strings, tuples.
            device: of the keys.
        """
        keys = [int.from_bytes(hashlib.sha256(repr(label).encode()).digest()[:4], "big") for label in labels]
        return cls(torch.tensor(keys, dtype=torch.int64, device=device))

    def at(self, label: int | Tensor) -> Random:
        """The substreams of a label.

        Args:
            label: an integer for all rows (an iteration, a purpose), or [B] int64, one for each row.
        """
        return Random(_mix((self.keys + _mix(torch.as_tensor(label, device=self.keys.device) + 0x9E3779B9)) & _MASK))

    def bits(self, *shape: int) -> Tensor:
        """Uniform integers.

        A number depends on its index along every axis, not on its position in the whole array. A problem that is padded
        to a larger size therefore draws the same numbers.

        Args:
            shape: of the numbers of one row.

        Returns:
            [B, *shape] int64 in [0, 2^32).
        """
        words = self._words(*shape)
        if words is not None:
            return torch.from_numpy(words.astype(np.int64))
        index = torch.zeros((), dtype=torch.int64, device=self.keys.device)
        for size in shape:
            index = _mix(index[..., None] ^ _mix(torch.arange(1, size + 1, device=index.device)))
        return _mix(_mix(self.keys).view(-1, *(1 for _ in shape)) ^ index)

    def _words(self, *shape: int) -> np.ndarray | None:
        """``bits`` [B, *shape] as uint32, on a CPU: a third of the time, and half of the memory. Else None."""
        if not self.keys.is_cpu or torch.compiler.is_compiling():
            return None
        try:
            keys = self.keys.numpy()
        except RuntimeError:  # a transform of torch.func holds the keys
            return None
        index = np.zeros(1, dtype=np.uint32)
        for size in shape:
            index = _mix_numpy(index[..., None] ^ _mix_numpy(np.arange(1, size + 1, dtype=np.uint32)))
        words = np.empty((len(self.keys), *index.shape), dtype=np.uint32)
        for row, key in zip(words, _mix_numpy(keys.astype(np.uint32)), strict=True):
            row[:] = _mix_numpy(index ^ key)  # row by row: all rows at once leave the caches
        return words.reshape(len(words), *shape)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Uniform floats.

        Args:
            shape: of the numbers of one row.
            dtype: of the result.

        Returns:
            [B, *shape] in [0, 1), multiples of 2^-24: float32 represents them exactly.
        """
        # 24 bits, the precision of float32: 32 bits could round up to 1, and would depend on the dtype.
        words = self._words(*shape)
        if words is not None:
            words >>= np.uint32(8)
            return torch.from_numpy(words.view(np.int32)).to(dtype).mul_(2.0**-24)
        return (self.bits(*shape) >> 8).to(dtype) * 2.0**-24

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Standard normal floats, by the Box-Muller transform.

        Args:
            shape: of the numbers of one row.
            dtype: of the result.

        Returns:
            [B, *shape], within ±5.8: the uniform numbers have 24 bits.
        """
        # 1 - u is never 0. The second normal number of each pair is not used: keeping it would couple two positions.
        u = self.uniform(2, *shape, dtype=dtype)
        if u.is_cpu and not torch.compiler.is_compiling():
            # The same numbers in place: on a CPU, new memory for each operation costs as much as the operation.
            length = u[:, 0].neg_().add_(1).log_().mul_(-2).sqrt_()
            return length * u[:, 1].mul_(tau).cos_()
        return (-2 * (1 - u[:, 0]).log()).sqrt() * (tau * u[:, 1]).cos()
