"""Recognise errors that mean that memory ran out."""

from __future__ import annotations

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or in this process.

    Args:
        error: as caught. PyTorch's CPU allocator raises a plain ``RuntimeError``, which is recognised by its text.
    """
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
