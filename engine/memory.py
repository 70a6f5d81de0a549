"""Whether an error says that memory ran out."""

from __future__ import annotations

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or in this process.

    Args:
        error: as it was caught. PyTorch's allocator on the CPU raises a plain ``RuntimeError``, so its text is read.
    """
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
