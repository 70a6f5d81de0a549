"""Recognise errors that mean that memory ran out."""

from __future__ import annotations

import sys


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or in this process.

    Args:
        error: as caught. PyTorch's CPU allocator raises a plain ``RuntimeError``, which is recognised by its text.
    """
    torch = sys.modules.get("torch")
    on_device = torch is not None and isinstance(error, torch.OutOfMemoryError)
    return on_device or isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def release() -> None:
    """Return unused memory of the GPU to the driver, where torch uses one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
