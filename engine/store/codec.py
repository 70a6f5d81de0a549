"""Traces and assignments as compressed bytes.

The functions import numpy themselves, because a list of runs does not need it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..values import Domain

if TYPE_CHECKING:
    from ..trace import Trace


def _deflate(data: bytes) -> bytes:
    # Fastest level, with window and tables for a few kilobytes: setting up larger ones takes longer than compressing a
    # trace.
    deflate = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return deflate.compress(data) + deflate.flush()


def pack_trace(trace: Trace) -> bytes:
    """A trace as bytes: one compressed block, then the bytes that do not compress.

    Numbers are little-endian, int32 or float32. Iterations and violations are stored as differences, which are small
    and repeat. Float bytes are grouped by significance.
    """
    import numpy as np

    n = len(trace)
    words = np.empty((4, n), dtype="<i4")
    for row, counts in zip(words, (trace.iteration, trace.violations), strict=False):
        row[:1] = counts[:1]
        np.subtract(counts[1:], counts[:-1], out=row[1:], casting="unsafe")
    words[2] = np.ascontiguousarray(trace.energy, dtype="<f4").view("<i4")
    words[3] = np.ascontiguousarray(trace.residual, dtype="<f4").view("<i4")
    planes = words.view(np.uint8).reshape(4, n, 4).transpose(0, 2, 1)
    # The two low bytes of a float are noise: compressing them doubles the time and saves nothing. So they are stored
    # raw, or left out if all are zero.
    low = planes[2:, :2].tobytes()
    return _deflate(planes[:2].tobytes() + planes[2:, 2:].tobytes()) + (low if any(low) else b"")


def unpack_trace(data: bytes, points: int) -> Trace:
    """The inverse of ``pack_trace``.

    Args:
        data: the packed bytes.
        points: length of the trace.
    """
    import numpy as np

    from ..trace import Trace

    inflate = zlib.decompressobj()
    block = np.frombuffer(inflate.decompress(data), dtype=np.uint8)
    planes = np.zeros((4, 4, points), dtype=np.uint8)
    planes[:2] = block[: 8 * points].reshape(2, 4, points)
    planes[2:, 2:] = block[8 * points :].reshape(2, 2, points)
    if inflate.unused_data:
        planes[2:, :2] = np.frombuffer(inflate.unused_data, dtype=np.uint8).reshape(2, 2, points)
    words = np.ascontiguousarray(planes.transpose(0, 2, 1)).view("<i4").reshape(4, points)
    iteration, violations = words[:2].cumsum(1, dtype=np.int32)
    return Trace(iteration, words[2].view("<f4").copy(), violations, words[3].view("<f4").copy())


def clean(text: str) -> str:
    """Text that every database accepts.

    File names may contain bytes that are not valid characters, and PostgreSQL refuses NUL.
    """
    return text.encode(errors="replace").decode().replace("\0", "?")


@lru_cache(maxsize=4096)
def source_digest(text: str) -> int:
    """63 bits of the SHA-256 of a source. There may be as many sources as runs, so their keys are short."""
    return int.from_bytes(hashlib.sha256(clean(text).encode()).digest()[:8]) >> 1


def pack_json(value: Any) -> bytes:
    """A value as compressed JSON."""
    return _deflate(json.dumps(value, separators=(",", ":")).encode())


def pack_text(pieces: Iterable[bytes]) -> bytes:
    """Pieces of a JSON text, compressed as ``pack_json`` does."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, 12, 5)
    return b"".join([*map(deflate.compress, pieces), deflate.flush()])


def unpack_json(data: bytes) -> Any:
    """The inverse of ``pack_json``."""
    return json.loads(zlib.decompress(data))


def _position(domain: Domain) -> Callable[[Any], int]:
    """The function from a value of a domain to its place."""
    return domain.index if isinstance(domain, range) else _positions(tuple(domain)).__getitem__


@lru_cache(maxsize=1024)
def _positions(domain: tuple[Any, ...]) -> dict[Any, int]:
    return {value: d for d, value in enumerate(domain)}


def pack_assignments(assignments: Iterable[Mapping[str, Any]], domains: Mapping[str, Domain]) -> bytes:
    """Assignments as positions in the domains, in the order of the variables' names.

    The first byte is the width of a position in bytes (1, 4 or 8). It has 128 added if the rest is compressed, and 64
    if the order is that of the names.

    Args:
        assignments: each has a value for every variable.
        domains: the values of each variable.
    """
    # The first release stored positions in the graph's order. But graphs of one digest, hence of one template, may
    # differ in order; ``unpack_assignments`` still reads that form (no 64 in the first byte).
    import numpy as np

    columns = [(name, _position(domains[name])) for name in sorted(domains)]
    positions = [position(assignment[name]) for assignment in assignments for name, position in columns]
    largest = max(positions, default=0)
    width = 1 if largest < 256 else 4 if largest < 1 << 32 else 8
    data = np.array(positions, dtype=f"<u{width}").tobytes()
    # Below 128 bytes zlib saves nothing.
    return bytes([width + 64]) + data if len(data) < 128 else bytes([width + 192]) + _deflate(data)


def unpack_assignments(data: bytes, domains: Mapping[str, Domain]) -> list[dict[str, Any]]:
    """The inverse of ``pack_assignments``.

    Args:
        data: the packed bytes.
        domains: the values of each variable, in the graph's order.
    """
    import numpy as np

    width, rest = data[0] % 64, zlib.decompress(data[1:]) if data[0] >= 128 else data[1:]
    positions = np.frombuffer(rest, dtype=f"<u{width}").reshape(-1, len(domains))
    order = {name: i for i, name in enumerate(sorted(domains) if data[0] & 64 else domains)}
    return [{name: domain[row[order[name]]] for name, domain in domains.items()} for row in positions.tolist()]
