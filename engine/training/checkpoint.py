"""The checkpoint file of a training: tensors in safetensors, the rest as JSON in their metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import files
from ..weights import LARGEST, CheckpointError, renamed, write_file


def write(path: Path, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write, at once or not at all; ``state["of"]`` says what the training is.

    Raises:
        CheckpointError: it cannot be written; the last one stays.
    """
    from safetensors.torch import save

    data = save({k: t.contiguous().cpu() for k, t in tensors.items()}, {"training": json.dumps(state)})
    write_file(path, data)


def read(path: Path, of: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """State and tensors of a training that is the same as ``of``.

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
            f"{path} cannot be resumed from: {error}", "it is truncated or no training; move it away to begin anew"
        ) from None
    for what, value in json.loads(json.dumps(of)).items():
        if kept.get(what) != value:
            raise CheckpointError(
                f"{path} is of another training: its {what} differ", "give this one another name: --name NAME"
            )
    return state, tensors


def tensors_of(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """What optimisers remember, by ``optimizer.NUMBER.PARAMETER.KEY``."""
    return {
        f"optimizer.{o}.{p}.{key}": torch.as_tensor(value)
        for o, optimizer in enumerate(optimizers)
        for p, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def restore(optimizers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Let optimisers remember it again."""
    for o, optimizer in enumerate(optimizers):
        found: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith(f"optimizer.{o}."):
                _, _, p, name = key.split(".", 3)
                found.setdefault(int(p), {})[name] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": found})
