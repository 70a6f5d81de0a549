"""Compressed files: gzip, bzip2, xz and Zstandard, up to a largest unpacked size."""

from __future__ import annotations

import bz2
import lzma
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import InputError

SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".lzma")
"""Suffixes of compressed files; the suffix before it names the format."""

MEMORY = 256 << 20
"""The most bytes that an xz decoder uses."""

_STARTS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "Zstandard"}


def kind(data: bytes) -> str | None:
    """The compression of some data by its first bytes, or None."""
    return next((name for start, name in _STARTS.items() if data.startswith(start)), None)


def inner_path(path: str) -> str:
    """A path without the suffix of its compression: ``model.xml.xz`` becomes ``model.xml``."""
    return path[: -len(Path(path).suffix)] if Path(path).suffix.lower() in SUFFIXES else path


def unpacked(data: bytes, most: int) -> bytes:
    """The unpacked content of compressed data; other data unchanged.

    Args:
        data: the file.
        most: the largest size of the content in bytes. Unpacking stops there, so that a small file cannot fill the
            memory.

    Raises:
        InputError: the data is damaged or truncated, its content is too large, or Zstandard is not installed.
    """
    name = kind(data)
    if name is None:
        return data
    parts: list[bytes] = []
    size = 0
    try:
        while data:  # a file may hold several streams
            decoder = _decoder(name)
            while not decoder.eof:
                part = _decoded(decoder, data, most + 1 - size)
                data = b""
                parts.append(part)
                size += len(part)
                if size > most:
                    raise InputError(
                        f"its {name} content is larger than {most >> 20} MiB",
                        hint="split the file, or give a part of it",
                    )
                if not part and _starved(decoder):
                    raise InputError(f"its {name} data ends too early", hint="the file may be truncated")
            data = decoder.unused_data.lstrip(b"\x00")
            if data and kind(data) != name:
                raise InputError(f"has other data after its {name} data", hint="the file may be damaged")
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise InputError(f"is not valid {name} data: {error}", hint="the file may be damaged") from None
    return b"".join(parts)


def _decoder(name: str) -> Any:
    if name == "gzip":
        return zlib.decompressobj(31)
    if name == "bzip2":
        return bz2.BZ2Decompressor()
    if name == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)
    return _Zstandard()


def _decoded(decoder: Any, data: bytes, most: int) -> bytes:
    """The next part of the content, of at most ``most`` bytes."""
    if hasattr(decoder, "unconsumed_tail"):  # zlib returns the rest of its input
        data = data or decoder.unconsumed_tail
    part: bytes = decoder.decompress(data, most)
    return part


def _starved(decoder: Any) -> bool:
    """Whether a decoder needs more input than there is."""
    if hasattr(decoder, "unconsumed_tail"):
        return not decoder.eof and not decoder.unconsumed_tail
    return not decoder.eof and bool(decoder.needs_input)


class _Zstandard:
    """A decoder of Zstandard with the interface of those in the standard library.

    Raises:
        InputError: no library for Zstandard is installed.
    """

    def __init__(self) -> None:
        self.eof, self.unused_data, self.needs_input = False, b"", True
        try:
            self._library = import_module("zstandard")
        except ImportError:
            raise InputError(
                "is a Zstandard file, which needs the package zstandard",
                hint="install it with: pip install zstandard; or unpack the file",
            ) from None

    def decompress(self, data: bytes, most: int) -> bytes:
        """The whole content, of at most ``most`` bytes.

        Args:
            data: the compressed data.
            most: the largest size.
        """
        try:
            with self._library.ZstdDecompressor(max_window_size=MEMORY).stream_reader(
                data, read_across_frames=True
            ) as reader:
                content: bytes = reader.read(most)
        except self._library.ZstdError as error:
            raise OSError(str(error)) from None
        self.eof = True
        return content
