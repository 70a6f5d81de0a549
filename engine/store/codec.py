"""Traces and assignments as compressed bytes. numpy is imported where it works: a list of runs has no need of it."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np


def _deflate(data: bytes) -> bytes:
    """zlib at its fastest level, with a window and tables for a few kilobytes: setting up larger ones costs more time
    than compressing a trace."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return deflate.compress(data) + deflate.flush()


class StoredTrace(NamedTuple):
    """A run's course: four arrays of one length (see ``engine.solution.Trace``)."""

    iteration: np.ndarray
    energy: np.ndarray
    violations: np.ndarray
    residual: np.ndarray


def pack_trace(iteration: np.ndarray, energy: np.ndarray, violations: np.ndarray, residual: np.ndarray) -> bytes:
    """Two arrays int32, two float32, little-endian, as one compressed block and what is not worth compressing.

    Iterations and violations become differences, which are small and repeat. Of floats the bytes of like weight stand
    together; the lower two are noise, which would double the time of the whole and not shrink: they follow as they are,
    or are left out where all are zero.
    """
    import numpy as np

    n = len(iteration)
    words = np.empty((4, n), dtype="<i4")
    for row, counts in zip(words, (iteration, violations), strict=False):
        row[:1] = counts[:1]
        np.subtract(counts[1:], counts[:-1], out=row[1:], casting="unsafe")
    words[2] = np.ascontiguousarray(energy, dtype="<f4").view("<i4")
    words[3] = np.ascontiguousarray(residual, dtype="<f4").view("<i4")
    planes = words.view(np.uint8).reshape(4, n, 4).transpose(0, 2, 1)
    low = planes[2:, :2].tobytes()
    return _deflate(planes[:2].tobytes() + planes[2:, 2:].tobytes()) + (low if any(low) else b"")


def unpack_trace(data: bytes, points: int) -> StoredTrace:
    """What ``pack_trace`` packed."""
    import numpy as np

    inflate = zlib.decompressobj()
    block = np.frombuffer(inflate.decompress(data), dtype=np.uint8)
    planes = np.zeros((4, 4, points), dtype=np.uint8)
    planes[:2] = block[: 8 * points].reshape(2, 4, points)
    planes[2:, 2:] = block[8 * points :].reshape(2, 2, points)
    if inflate.unused_data:
        planes[2:, :2] = np.frombuffer(inflate.unused_data, dtype=np.uint8).reshape(2, 2, points)
    words = np.ascontiguousarray(planes.transpose(0, 2, 1)).view("<i4").reshape(4, points)
    iteration, violations = words[:2].cumsum(1, dtype=np.int32)
    return StoredTrace(iteration, words[2].view("<f4").copy(), violations, words[3].view("<f4").copy())


def clean(text: str) -> str:
    """Text that every database takes: file names may hold bytes that are no characters, and PostgreSQL refuses NUL."""
    return text.encode(errors="replace").decode().replace("\0", "?")


@lru_cache(maxsize=4096)
def source_digest(text: str) -> int:
    """What a source is known by: 63 bits of SHA-256, for there may be as many sources as runs."""
    return int.from_bytes(hashlib.sha256(clean(text).encode()).digest()[:8]) >> 1


def pack_json(value: Any) -> bytes:
    """JSON, compressed."""
    return _deflate(json.dumps(value, separators=(",", ":")).encode())


def unpack_json(data: bytes) -> Any:
    """What ``pack_json`` packed."""
    return json.loads(zlib.decompress(data))


@lru_cache(maxsize=1024)
def _places(domain: tuple[Any, ...]) -> dict[Any, int]:
    return {value: d for d, value in enumerate(domain)}


def pack_assignments(assignments: Iterable[Mapping[str, Any]], domains: Mapping[str, tuple[Any, ...]]) -> bytes:
    """Positions in the domains, in the order of the variables' names: a byte each where domains are small.

    The first byte is the width of a position, with 128 added where the rest is compressed (short ones gain nothing), and 64
    for the order: at first it was the graph's, but graphs of one digest, which are one template, may have several orders.
    """
    import numpy as np

    places = [(name, _places(domains[name])) for name in sorted(domains)]
    positions = [place[assignment[name]] for assignment in assignments for name, place in places]
    width = 1 if max(positions, default=0) < 256 else 4
    data = np.array(positions, dtype=f"<u{width}").tobytes()
    return bytes([width + 64]) + data if len(data) < 128 else bytes([width + 192]) + _deflate(data)


def unpack_assignments(data: bytes, domains: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """What ``pack_assignments`` packed."""
    import numpy as np

    width, rest = data[0] % 64, zlib.decompress(data[1:]) if data[0] >= 128 else data[1:]
    positions = np.frombuffer(rest, dtype=f"<u{width}").reshape(-1, len(domains))
    order = {name: i for i, name in enumerate(sorted(domains) if data[0] & 64 else domains)}
    return [{name: domain[row[order[name]]] for name, domain in domains.items()} for row in positions.tolist()]
