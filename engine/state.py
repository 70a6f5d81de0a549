"""Row surgery on solver states: any nest of dataclasses, tuples, lists and dicts whose tensors lead with the batch axis.

Tensors without axes and plain Python values belong to the whole batch and are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from .shapes import Int


def map_tensors(f: Callable[..., Tensor], state: Any, *others: Any) -> Any:
    """``f`` applied to every tensor with axes of ``state`` (and its counterparts in ``others``), the nest kept."""
    if isinstance(state, Tensor):
        return f(state, *others) if state.dim() else state
    if is_dataclass(state) and not isinstance(state, type):
        changed = {
            field.name: map_tensors(f, getattr(state, field.name), *(getattr(o, field.name) for o in others))
            for field in fields(state)
            if field.init
        }
        return type(state)(**changed)
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*(map_tensors(f, *parts) for parts in zip(state, *others, strict=True)))
    if isinstance(state, tuple | list):
        return type(state)(map_tensors(f, *parts) for parts in zip(state, *others, strict=True))
    if isinstance(state, dict):
        return {key: map_tensors(f, value, *(o[key] for o in others)) for key, value in state.items()}
    return state


def clone(state: Any) -> Any:
    """A copy that shares no memory with the state."""
    return map_tensors(torch.clone, state)


def select_rows(state: Any, rows: Int[Tensor, " chosen"]) -> Any:
    """The state of some rows: every [B, ...] tensor becomes [len(rows), ...]."""
    return map_tensors(lambda t: t[rows], state)


def put_rows(state: Any, rows: Int[Tensor, " chosen"], fresh: Any) -> Any:
    """The state with the rows ``rows`` replaced by those of ``fresh``; the old tensors are left alone."""
    return map_tensors(lambda t, new: torch.index_copy(t, 0, rows, new), state, fresh)
