"""Operations on the rows of solver states: nests of dataclasses, tuples, lists and dicts of tensors [B, ...].

Tensors without axes and plain Python values belong to the whole batch and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from .shapes import Int


def map_tensors(f: Callable[..., Tensor], state: Any, *others: Any) -> Any:
    """Apply a function to every tensor of a state that has axes.

    Args:
        f: receives a tensor [B, ...] of the state and the corresponding tensors of ``others``.
        state: any nest of tensors.
        others: states of the same structure.

    Returns:
        A state of the same structure with the results.
    """
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
    """The state of some rows.

    Args:
        state: of B rows.
        rows: [N] int64, the rows to take.

    Returns:
        The state with every tensor [B, ...] as [N, ...].
    """
    return map_tensors(lambda t: t[rows], state)


def put_rows(state: Any, rows: Int[Tensor, " chosen"], fresh: Any) -> Any:
    """The state with some rows replaced. The old tensors are not changed.

    Args:
        state: of B rows.
        rows: [N] int64, the rows to replace.
        fresh: a state of N rows.

    Returns:
        A state of B rows, every tensor [B, ...].
    """
    return map_tensors(lambda t, new: torch.index_copy(t, 0, rows, new), state, fresh)
