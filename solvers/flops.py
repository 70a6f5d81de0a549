"""Counting of the floating-point operations of a trained net."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from platformdirs import user_cache_path
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from ..engine.compile import Instance
from ..engine.files import write_whole
from ..engine.state import clone, select_rows
from .nets.reasoner import Reasoner

if TYPE_CHECKING:
    from .learned import LearnedState

PRODUCTS = (torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.bmm)
ATTENTION_ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu

_known: WeakKeyDictionary[Reasoner, dict[tuple[object, ...], float]] = WeakKeyDictionary()
"""Net -> (graph, sizes) -> operations."""


def step_flops(
    net: Reasoner, checkpoint: str | None, instance: Instance, state: LearnedState, options: Mapping[str, Any]
) -> float:
    """Multiplications and additions of the matrix products in a step of solving, for one row.

    One step of the first row runs under a counter of PyTorch's operations, once for a net, a graph and sizes. This takes
    a fifth of a second, so the figures of trained weights are kept on disk.

    Args:
        net: with its weights, compiled or not.
        checkpoint: SHA-256 of the weights; None for a net that is not on disk.
        instance: the compiled problems.
        state: of any step; it is not changed.
        options: inference options of the solver.
    """
    known = _known.setdefault(net, {})
    key = (instance.graphs[int(instance.template[0])].digest, *instance.shape[1:])
    if key not in known:
        file = None if checkpoint is None else _file(checkpoint, *key, sorted(options.items()))
        known[key] = _read(file) or _counted(net, instance, state, options)
        _keep(file, known[key])
    return known[key]


def _file(*key: object) -> Path:
    name = hashlib.sha256(repr((version("mull-solver"), torch.__version__, *key)).encode()).hexdigest()
    return user_cache_path("mull", appauthor=False) / "flops" / f"{name[:32]}.txt"


def _read(file: Path | None) -> float | None:
    try:
        count = float(file.read_text()) if file is not None else 0.0
    except (OSError, ValueError):
        return None
    return count if 0 < count < inf else None


def _keep(file: Path | None, count: float) -> None:
    if file is not None and not file.exists():
        with suppress(OSError):  # a full disk, or a folder that only others may write
            file.parent.mkdir(parents=True, exist_ok=True)
            with write_whole(file) as opened:
                opened.write(repr(count).encode())


def _counted(net: Reasoner, instance: Instance, state: LearnedState, options: Mapping[str, Any]) -> float:
    first = np.zeros(1, dtype=np.int64)
    one, row = instance.select(first), clone(select_rows(state, first))
    # With gradients enabled, layers run PyTorch's operations: the counter does not see fused kernels. The class's
    # method is not compiled.
    with torch.enable_grad(), _Counter() as counter:
        view = net.backbone.view(one)
        type(net).solve_step(net, row.z, view, row.allowed, row.random, row.age, **options)
    return float(counter.total)


class _Counter(TorchDispatchMode):
    """Counts the operations by the formulas of ``torch.utils.flop_counter``.

    Its ``FlopCounterMode`` imports the compiler, which takes a second.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # skipping would import the compiler

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet = func._overloadpacket
        if packet in PRODUCTS:  # only the shapes matter here, and one step of a row takes up to half a second
            left, right = args[-2:]
            out = left.new_zeros((*left.shape[:-1], right.shape[-1]))
        else:
            out = func(*args, **(kwargs or {}))
        if packet in flop_registry:
            self.total += flop_registry[packet](*args, **(kwargs or {}), out_val=out)
        elif packet is ATTENTION_ON_CPU:  # PyTorch has formulas of its GPU kernels only
            self.total += sdpa_flop_count(*(each.shape for each in args[:3]))
        return out
