"""The checkpoint file of a training: tensors in safetensors, all other state as JSON in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import files
from ..weights import LARGEST, CheckpointError, renamed, write_file

LATER = ("hold", "literals", "turns")
"""Parts of an identity that are left out where they are empty: files from before they existed lack them."""


def write(path: Path, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: of the file.
        state: JSON-able; ``state["of"]`` identifies the training.
        tensors: by key, of any shape.

    Raises:
        CheckpointError: the file cannot be written; the last checkpoint is kept.
    """
    from safetensors.torch import save  # not pickle, which could run code when it is read

    data = save({k: t.contiguous().cpu() for k, t in tensors.items()}, {"training": json.dumps(state)})
    write_file(path, data)


def read(path: Path, of: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The state and the tensors of a checkpoint.

    Args:
        path: of the file.
        of: identity of the training, which must be that of the checkpoint.

    Raises:
        CheckpointError: the file cannot be read, or is of another training.
    """
    from safetensors import SafetensorError, safe_open

    try:
        files.check(path, LARGEST)
        with safe_open(path, "pt") as file:
            state = json.loads((file.metadata() or {})["training"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        kept = renamed(state["of"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"cannot resume from {path}: {error}",
            "the file is truncated or not a checkpoint; move it away to start again",
        ) from None
    stated = json.loads(json.dumps(of))
    for what in (*stated, *(key for key in LATER if key in kept)):
        if kept.get(what) != stated.get(what):
            raise CheckpointError(
                f"{path} is of another training: it has another {what}", "choose another name: --name NAME"
            )
    return state, tensors


def tensors_of(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The state of optimizers, by ``optimizer.NUMBER.PARAMETER.KEY``."""
    return {
        f"optimizer.{o}.{p}.{key}": torch.as_tensor(value)
        for o, optimizer in enumerate(optimizers)
        for p, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def restore(optimizers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Load the state of optimizers.

    Args:
        optimizers: in the order of ``tensors_of``.
        tensors: of a checkpoint; other keys are ignored.
    """
    for o, optimizer in enumerate(optimizers):
        found: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith(f"optimizer.{o}."):
                _, _, p, name = key.split(".", 3)
                found.setdefault(int(p), {})[name] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": found})
