"""Traces and assignments as compressed bytes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

LEVEL = 1
"""zlib's fastest level: higher ones cost twice the time of a whole run's writing and save a tenth."""


class StoredTrace(NamedTuple):
    """A run's course: four arrays of one length (see ``engine.solution.Trace``)."""

    iteration: np.ndarray
    energy: np.ndarray
    violations: np.ndarray
    residual: np.ndarray


def pack_trace(iteration: np.ndarray, energy: np.ndarray, violations: np.ndarray, residual: np.ndarray) -> bytes:
    """Little-endian int32 differences of iterations and violations, float32 energies and residuals, byte planes apart.

    Differences are small and repeat, and the bytes of floats compress when those of like weight stand together.
    """
    n = len(iteration)
    words = np.empty((4, n), dtype="<i4")
    words[0] = np.diff(iteration, prepend=0)
    words[1] = np.diff(violations, prepend=0)
    words[2] = np.ascontiguousarray(energy, dtype="<f4").view("<i4")
    words[3] = np.ascontiguousarray(residual, dtype="<f4").view("<i4")
    planes = words.view(np.uint8).reshape(4, n, 4).transpose(0, 2, 1)
    return zlib.compress(planes.tobytes(), LEVEL)


def unpack_trace(data: bytes, points: int) -> StoredTrace:
    """What ``pack_trace`` packed."""
    planes = np.frombuffer(zlib.decompress(data), dtype=np.uint8).reshape(4, 4, points)
    words = np.ascontiguousarray(planes.transpose(0, 2, 1)).view("<i4").reshape(4, points)
    iteration, violations = words[:2].cumsum(1, dtype=np.int32)
    return StoredTrace(iteration, words[2].view("<f4").copy(), violations, words[3].view("<f4").copy())


def pack_json(value: Any) -> bytes:
    """JSON, compressed."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), LEVEL)


def unpack_json(data: bytes) -> Any:
    """What ``pack_json`` packed."""
    return json.loads(zlib.decompress(data))


def pack_assignment(assignment: Mapping[str, Any], domains: Mapping[str, tuple[Any, ...]]) -> bytes:
    """Positions in the domains, in the template's order of variables: a byte each where domains are small."""
    places: dict[tuple[Any, ...], dict[Any, int]] = {}
    positions = []
    for name, domain in domains.items():
        place = places.get(domain)
        if place is None:
            place = places[domain] = {value: d for d, value in enumerate(domain)}
        positions.append(place[assignment[name]])
    small = max(positions, default=0) < 256
    return bytes([small]) + zlib.compress(np.array(positions, dtype=np.uint8 if small else "<u4").tobytes(), LEVEL)


def unpack_assignment(data: bytes, domains: Mapping[str, list[Any]]) -> dict[str, Any]:
    """What ``pack_assignment`` packed."""
    positions = np.frombuffer(zlib.decompress(data[1:]), dtype=np.uint8 if data[0] else "<u4")
    return {name: domain[d] for (name, domain), d in zip(domains.items(), positions.tolist(), strict=True)}
