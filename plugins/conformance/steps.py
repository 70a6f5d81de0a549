"""Checks of single steps: shapes, independent rows, states that can be stored, devices."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ...engine.compile import Instance
from ...engine.moves.instance import MoveInstance
from ...engine.problem import Problem
from ...engine.solver import AbstractSolver, Info, Solver
from ...engine.state import Array, clone, map_tensors, select_rows, to_numpy
from .base import ContractViolation, Skipped, check, require, streams
from .problems import supported

ROWS = 4


@check
def steps_keep_their_shapes(solver: type[AbstractSolver]) -> None:
    """States, info and decoded assignments have the right shapes and types, and decoded assignments keep the givens."""
    for made, problem in _stepped(solver):
        instance = made.compile([problem, problem], ROWS // 2, "cpu")
        state = made.init(instance, streams(instance, ROWS))
        for _ in range(3):
            state, info = made.step(instance, state)
            _check_info(info)
            map_tensors(_rows_first, state)
            _check_assignment(instance, made.decode(instance, state))
            _check_counts(instance, made.decode(instance, state), info)
            settled = made.settled(instance, state, info)
            require(
                settled.shape == (ROWS,) and _dtype(settled) == "bool",
                f"settled to return bool [B], here [{ROWS}]",
                _shown(settled),
                "reduce over all axes but the first",
            )


def _check_info(info: Any) -> None:
    require(
        isinstance(info, Info),
        "step to return (state, Info)",
        type(info).__name__,
        "return state, Info(energy, residual)",
    )
    for name, tensor in zip(info._fields, info, strict=True):
        if tensor is None:
            continue
        require(
            tensor.shape == (ROWS,),
            f"Info.{name} to have one number for each row, [{ROWS}]",
            _shown(tensor),
            "reduce over all axes but the first",
        )
    require(
        bool(np.isfinite(to_numpy(info.energy)).all()),
        "finite energies",
        f"{info.energy.tolist()}",
        "look for a division by zero or a logarithm of zero in step",
    )
    require(
        bool((info.residual >= 0).all()),
        "residuals of at least 0",
        f"{info.residual.tolist()}",
        "return the norm of the change of the state, relative to the state",
    )


def _check_counts(instance: Instance | MoveInstance, assignment: Array, info: Info) -> None:
    if info.violations is None:
        return
    counted, violated = to_numpy(info.violations), to_numpy(instance.check(assignment)[0])
    require(
        bool((counted == violated).all()),
        "Info.violations to count the constraints that the decoded assignment violates",
        f"{counted.tolist()} where {violated.tolist()} are violated",
        "count each violated constraint once, or leave Info.violations out",
    )


def _check_assignment(instance: Instance | MoveInstance, assignment: Array) -> None:
    rows, variables, values = instance.shape
    require(
        assignment.shape == (rows, variables) and _dtype(assignment) == "int64",
        f"decode to return int64 [B, V], here [{rows}, {variables}]",
        _shown(assignment),
        "return domain indices, e.g. by argmax over the last axis",
    )
    require(
        bool(((assignment >= 0) & (assignment < values)).all()),
        f"decode to return domain indices from 0 to {values - 1}",
        f"indices from {int(assignment.min())} to {int(assignment.max())}",
        "return positions in the domain, not values",
    )
    if isinstance(instance, Instance):
        allowed = to_numpy(instance.allowed.gather(2, assignment[..., None]))
    else:
        allowed = instance.allows(assignment)
    require(
        bool(allowed.all()),
        "decode to return only allowed literals",
        f"{int((~allowed).sum())} literals that instance.allowed excludes",
        "mask by instance.allowed (in a MoveInstance: instance.fixed): givens and unequal domains restrict the values",
    )


@check
def rows_do_not_mix(solver: type[AbstractSolver]) -> None:
    """A row takes the same step alone as in a batch."""
    for made, problem in _stepped(solver):
        instance = made.compile([problem], 3, "cpu")
        state, _ = made.step(instance, made.init(instance, streams(instance, 3)))
        row = np.array([1])
        alone = select_rows(clone(state), row)  # a step may reuse the memory of its state
        together, _ = made.step(instance, state)
        apart, _ = made.step(instance.select(row), alone)
        # Assignments are compared, not states: sums over a batch of another shape may round differently.
        differs = to_numpy(made.decode(instance, together))[row] != to_numpy(made.decode(instance.select(row), apart))
        require(
            not bool(differs.any()),
            "a row to take the same step alone as in a batch",
            f"other values for {int(differs.sum())} of {differs.size} variables",
            "do not reduce, sort or normalise over the batch axis, and draw random numbers from the row's own stream",
        )


@check
def resumes_from_its_state(solver: type[AbstractSolver]) -> None:
    """The state is complete: a pickled state continues in the same way in another object of the solver.

    Raises:
        ContractViolation: the state cannot be pickled, or continues differently.
    """
    for made, problem in _stepped(solver):
        instance = made.compile([problem], 4, "cpu")
        state = made.init(instance, streams(instance, 4))
        for _ in range(3):
            state, _ = made.step(instance, state)
        try:
            pickled = pickle.dumps(state)  # before the next step, which may reuse the memory of the state
            continued, energies = _steps(made, instance, state)
            resumed, energies_again = _steps(_bound(solver, problem), instance, pickle.loads(pickled))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ContractViolation(
                "a state that can be pickled",
                f"{type(error).__name__}: {error}",
                "use only dataclasses, tuples and dictionaries of tensors",
            ) from error
        one, two = (to_numpy(made.decode(instance, each)) for each in (continued, resumed))
        same = np.array_equal(one, two)
        require(
            same and np.array_equal(energies, energies_again),
            "a resumed state to continue in the same way",
            "other energies" if same else "another assignment",
            "store everything that changes from step to step in the state, nothing on the solver or its class",
        )


@check
def moves_between_devices(solver: type[AbstractSolver]) -> None:
    """It runs on the device of the instance, and its state can be moved to another device and back.

    Without a GPU, tensors created without ``device=`` are tracked. Combining one with a tensor of the instance fails
    the check, as it would on a GPU.

    Args:
        solver: the class to check.

    Raises:
        Skipped: its state consists of numpy arrays, and there is no GPU.
    """
    for made, problem in _stepped(solver):
        if torch.cuda.is_available():
            on_gpu = made.compile([problem], 2, "cuda")
            state, _ = made.step(on_gpu, made.init(on_gpu, streams(on_gpu, 2)))
            state, info = made.step(on_gpu, map_tensors(_to_cuda, map_tensors(_to_cpu, state)))
            map_tensors(_on_gpu, [state, *info[:2], made.decode(on_gpu, state), made.settled(on_gpu, state, info)])
            continue
        instance = made.compile([problem], 2, "cpu")
        if not isinstance(instance, Instance):
            raise Skipped("its state consists of numpy arrays")
        made.step(
            instance, made.init(instance, streams(instance, 2))
        )  # loads everything that is loaded at the first use
        with _DeviceTracker():
            state, info = made.step(instance, made.init(instance, streams(instance, 2)))
            made.settled(instance, state, info)
            made.decode(instance, state)


class _DeviceTracker(TorchFunctionMode):
    """Tracks tensors made without ``device=``, and refuses to combine them with tensors of the instance.

    Such tensors may be moved by ``.to``, and may be indices: torch accepts indices on the CPU.
    """

    FACTORIES = (
        "zeros",
        "ones",
        "full",
        "empty",
        "arange",
        "rand",
        "randn",
        "randint",
        "randperm",
        "eye",
        "linspace",
        "tensor",
    )
    MOVES = ("to", "cuda", "type_as")
    INDEXING = ("__getitem__", "__setitem__")

    def __init__(self) -> None:
        super().__init__()
        self.tracked: dict[int, Tensor] = {}  # holds the tensors, so that no other tensor gets the same id
        self.factories = {getattr(torch, name) for name in self.FACTORIES}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func in self.factories:
            if kwargs.get("device") is None:
                self._track(result)
            return result
        given = [t for t in _tensors((*args, *kwargs.values())) if t.dim()]
        tracked = [t for t in given if id(t) in self.tracked]
        name = getattr(func, "__name__", "")
        if not tracked or name in self.MOVES:
            return result
        if len(tracked) == len(given):
            self._track(result)
        elif name not in self.INDEXING:
            raise ContractViolation(
                "all tensors of a step on the instance's device",
                f"a tensor {list(tracked[0].shape)} without device= in {name}",
                "create tensors with device=instance.device",
            )
        return result

    def _track(self, result: Any) -> None:
        self.tracked.update((id(t), t) for t in _tensors((result,)) if t.dim())


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


def _stepped(solver: type[AbstractSolver]) -> list[tuple[Solver, Problem]]:
    """The small problems to step through, each with the solver bound to it.

    Raises:
        Skipped: the solver has no steps, or supports none of the problems.
    """
    problems = supported(solver())
    if not problems:
        raise Skipped("it supports none of the small problems")
    return [(_bound(solver, problem), problem) for problem in problems]


def _bound(solver: type[AbstractSolver], problem: Problem) -> Solver:
    bound = solver().bind(problem)
    if not isinstance(bound, Solver):
        raise Skipped("a WholeSolver has no steps")
    return bound


def _steps(solver: Solver, instance: Instance | MoveInstance, state: Any) -> tuple[Any, np.ndarray]:
    energies = []
    for _ in range(3):
        state, info = solver.step(instance, state)
        energies.append(to_numpy(info.energy).copy())
    return state, np.stack(energies)


def _shown(array: Array) -> str:
    return f"{_dtype(array)} {list(array.shape)}"


def _dtype(array: Array) -> str:
    return str(array.dtype).removeprefix("torch.")


def _to_cpu(tensor: Any) -> Any:
    return tensor.cpu() if isinstance(tensor, Tensor) else tensor


def _to_cuda(tensor: Any) -> Any:
    # Figures of rows that stay in numpy arrays are not tensors of the device.
    return tensor.cuda() if isinstance(tensor, Tensor) else tensor


def _on_gpu(tensor: Any) -> Any:
    require(
        isinstance(tensor, np.ndarray) or tensor.is_cuda,  # compiled searches return figures of rows as numpy arrays
        "all tensors of a step on the instance's device",
        f"a tensor {list(tensor.shape)} on {tensor.device}",
        "create tensors with device=instance.device",
    )
    return tensor


def _rows_first(tensor: Array) -> Array:
    require(
        len(tensor) == ROWS,
        f"the batch axis first in every tensor of the state, [{ROWS}, ...]",
        _shown(tensor),
        "transpose the tensor, or expand it to one entry for each row",
    )
    return tensor
