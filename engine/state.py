"""Operations on the rows of solver states: nests of dataclasses, tuples, lists and dicts of arrays [B, ...].

An array is a numpy array or a tensor; this module imports no torch. Arrays without axes and plain Python values belong
to the whole batch and stay as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""An array of numpy, or a tensor of torch."""


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor of torch. Where torch was never imported, nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def to_numpy(array: Any) -> np.ndarray:
    """An array of numpy with the numbers of an array of either kind.

    Args:
        array: of numpy, or a tensor on any device. Numbers of 16 bits become float32: numpy has no bfloat16.
    """
    if not is_tensor(array):
        return np.asarray(array)
    array = array.detach()
    made: np.ndarray = (array.float() if array.is_floating_point() and array.itemsize == 2 else array).cpu().numpy()
    return made


def map_tensors(f: Callable[..., Any], state: Any, *others: Any) -> Any:
    """Apply a function to every array of a state that has axes.

    Args:
        f: receives an array [B, ...] of the state and the corresponding arrays of ``others``.
        state: any nest of arrays.
        others: states of the same structure.

    Returns:
        A state of the same structure with the results.
    """
    if isinstance(state, np.ndarray) or is_tensor(state):
        return f(state, *others) if state.ndim else state
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
    return map_tensors(lambda array: array.copy() if isinstance(array, np.ndarray) else array.clone(), state)


def select_rows(state: Any, rows: Array) -> Any:
    """The state of some rows.

    Args:
        state: of B rows.
        rows: [N] int64, the rows to take.

    Returns:
        The state with every array [B, ...] as [N, ...].
    """
    return map_tensors(lambda array: array[_index(rows, array)], state)


def put_rows(state: Any, rows: Array, fresh: Any) -> Any:
    """The state with some rows replaced.

    Args:
        state: of B rows. Its tensors are not changed. Its numpy arrays are, where they can be written: a copy of
            every array at each restart would cost more than the restart.
        rows: [N] int64, the rows to replace.
        fresh: a state of N rows.

    Returns:
        A state of B rows, every array [B, ...].
    """
    return map_tensors(lambda array, new: _put(array, rows, new), state, fresh)


def _put(array: Any, rows: Array, new: Any) -> Any:
    if not isinstance(array, np.ndarray):
        return array.index_copy(0, _index(rows, array), new)
    array = array if array.flags.writeable else array.copy()
    array[to_numpy(rows)] = new
    return array


def _index(rows: Array, array: Any) -> Any:
    """Row numbers as an index of an array: of its kind, and on its device."""
    if isinstance(array, np.ndarray):
        return to_numpy(rows)
    return sys.modules["torch"].as_tensor(rows, device=array.device)
