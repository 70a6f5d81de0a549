"""What a solver does step by step: shapes, rows, states that can be put away, devices."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ...engine.compile import Instance, compile_problems
from ...engine.problem import Problem
from ...engine.random import Random
from ...engine.solver import AbstractSolver, Info, Solver
from ...engine.state import clone, map_tensors, select_rows
from .base import Broken, Skipped, hold, streams
from .problems import supported


def steps_keep_their_shapes(solver: type[AbstractSolver]) -> None:
    """States are batches, info and decoded assignments have their shapes, and givens stay as they are."""
    for made, problem in _stepped(solver):
        instance = compile_problems([problem, problem], copies=2)
        state = made.init(instance, streams(4))
        for _ in range(3):
            state, info = made.step(instance, state)
            hold(isinstance(info, Info), "a step returns (state, Info)")
            hold(info.energy.shape == (4,) and info.residual.shape == (4,), "info has one energy and residual a row")
            hold(bool(torch.isfinite(info.energy).all()), "an energy is a finite number")
            hold(bool((info.residual >= 0).all()), "a residual is not negative")
            map_tensors(_rows_lead, state)
            assignment = made.decode(instance, state)
            hold(assignment.shape == instance.shape[:2] and assignment.dtype == torch.int64, "decode: int64 [B, V]")
            hold(bool(((assignment >= 0) & (assignment < instance.shape[2])).all()), "decode gives domain indices")
            hold(bool(instance.allowed.gather(2, assignment[..., None]).all()), "decode keeps to the allowed literals")
            settled = made.settled(instance, state, info)
            hold(settled.shape == (4,) and settled.dtype == torch.bool, "settled: bool [B]")


def rows_do_not_mix(solver: type[AbstractSolver]) -> None:
    """A row of the batch goes on as it would alone."""
    for made, problem in _stepped(solver):
        instance = compile_problems([problem], copies=3)
        state, _ = made.step(instance, made.init(instance, streams(3)))
        row = torch.tensor([1])
        alone = select_rows(clone(state), row)
        together, _ = made.step(instance, state)
        apart, _ = made.step(instance.select(row), alone)
        same = made.decode(instance, together)[row] == made.decode(instance.select(row), apart)
        hold(bool(same.all()), "a row alone takes the step that it takes among others")


def resumes_from_its_state(solver: type[AbstractSolver]) -> None:
    """The state is all there is: put away, and taken up by another object of the same options, it goes on the same."""
    for made, problem in _stepped(solver):
        instance = compile_problems([problem], copies=4)
        state = made.init(instance, streams(4))
        for _ in range(3):
            state, _ = made.step(instance, state)
        try:
            kept = pickle.dumps(state)
            on, told = _steps(made, instance, state)
            resumed, told_again = _steps(_bound(solver, problem), instance, pickle.loads(kept))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise Broken(f"does not hold: the state can be pickled and read again ({error})") from error
        same = made.decode(instance, on) == made.decode(instance, resumed)
        hold(bool(same.all()), "a resumed state comes to the same assignment")
        hold(torch.equal(told, told_again), "a resumed state comes to the same energies")


def moves_between_devices(solver: type[AbstractSolver]) -> None:
    """It runs where the instance is, its state can be put away elsewhere and taken up again, and what it makes is made there.

    Without a second device the tensors made with no word of a device are followed: where they meet the instance's, a GPU
    would refuse.
    """
    for made, problem in _stepped(solver):
        instance = compile_problems([problem], copies=2)
        if torch.cuda.is_available():
            there = instance.to("cuda")
            state, _ = made.step(there, made.init(there, Random(streams(2).keys.cuda())))
            state, info = made.step(there, map_tensors(Tensor.cuda, map_tensors(Tensor.cpu, state)))
            map_tensors(_on_gpu, [state, *info[:2], made.decode(there, state), made.settled(there, state, info)])
            continue
        made.step(instance, made.init(instance, streams(2)))  # what is loaded at first use is loaded now
        with _Strays():
            state, info = made.step(instance, made.init(instance, streams(2)))
            made.settled(instance, state, info)
            made.decode(instance, state)


class _Strays(TorchFunctionMode):
    """Follows tensors made without a device: ``.to`` brings them home; with others they may be an index, and no more."""

    MAKERS = (
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
    HOMEWARD = ("to", "cuda", "type_as")
    INDEXING = ("__getitem__", "__setitem__")

    def __init__(self) -> None:
        super().__init__()
        self.strays: dict[int, Tensor] = {}  # held, so that no other tensor gets the same id
        self.makers = {getattr(torch, name) for name in self.MAKERS}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func in self.makers:
            if kwargs.get("device") is None:
                self._follow(result)
            return result
        given = [t for t in _tensors((*args, *kwargs.values())) if t.dim()]
        stray = [t for t in given if id(t) in self.strays]
        name = getattr(func, "__name__", "")
        if not stray or name in self.HOMEWARD:
            return result
        if len(stray) == len(given):
            self._follow(result)
        elif name not in self.INDEXING:
            shape = list(stray[0].shape)
            raise Broken(f"does not hold: a tensor {shape} that meets the instance's in {name} is made on its device")
        return result

    def _follow(self, result: Any) -> None:
        self.strays.update((id(t), t) for t in _tensors((result,)) if t.dim())


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


def _steps(solver: Solver, instance: Instance, state: Any) -> tuple[Any, Tensor]:
    energies = []
    for _ in range(3):
        state, info = solver.step(instance, state)
        energies.append(info.energy)
    return state, torch.stack(energies)


def _on_gpu(tensor: Tensor) -> Tensor:
    hold(tensor.is_cuda, "what a step makes is on the instance's device")
    return tensor


def _rows_lead(tensor: Tensor) -> Tensor:
    hold(len(tensor) == 4, f"tensors of the state lead with the batch axis, not {list(tensor.shape)} for 4 rows")
    return tensor
