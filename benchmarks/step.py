"""Milliseconds of a training step, by variant of its code, and the share of the arithmetic that a device can do.

    python benchmarks/step.py VARIANT [--batch N] [--steps N] [--device cuda]
    python benchmarks/step.py kernels

A step is one segment with its backward pass, check, optimizers and average, as ``solve train`` takes it, on boards of
``sudoku:9:0.4``: ``trm`` on the mixer (81 tokens, width 512), or ``looped`` on the lattice (width 128). Not timed:
compilation and the first steps. Arithmetic: the matrix products of a segment and its backward pass, as PyTorch counts them.

``kernels`` times sizes of tiles for each kernel, beside PyTorch's operations. ``--tiny`` takes 4×4 boards and small nets,
to try the program on a CPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import mull
from mull.engine.training import Recipe, Trainer
from mull.problems.streams import stream
from mull.solvers.learned import Learned
from mull.solvers.nets import fused, gated, lattice, mixing
from mull.solvers.nets.layers import norm
from mull.solvers.nets.reasoner import Reasoner

ROOFLINE = 800e12
"""Multiplications and additions a second of large bfloat16 products on an H100 or H200."""
WINDOW, WINDOWS = 5, 8
"""Steps between two synchronisations, and how many such windows are timed."""
VARIANTS: dict[str, tuple[str, frozenset[str]]] = {
    "trm": ("trm", frozenset({"mixing", "gated"})),
    "trm-mixing": ("trm", frozenset({"mixing"})),
    "trm-plain": ("trm", frozenset()),
    "looped": ("looped", frozenset({"lattice"})),
    "looped-plain": ("looped", frozenset()),
}
"""Variant -> solver, and the kernels that it uses, where they fit; the first of each solver is what ``solve train`` uses."""


def use(kernels: frozenset[str]) -> None:
    """Leave out all kernels but those named."""
    for kernel, module, name in (
        ("mixing", mixing, "fits"),
        ("gated", gated, "fits"),
        ("lattice", lattice, "trainable"),
    ):
        if kernel not in kernels:
            setattr(module, name, lambda *_: False)


def arithmetic(net: Reasoner, trainer: Trainer) -> int:
    """Operations of the matrix products of a segment and its backward pass, for one row, on the CPU."""
    rows = trainer._rows(None, 0)
    rows.load(1)
    instance = rows.instance
    view = net.backbone.view(instance)
    z = rows.states(view)
    with FlopCounterMode(display=False) as counter:
        _, readout = net(z, view)
        readout.logits.float().square().sum().backward()
    net.zero_grad(set_to_none=True)
    total: int = counter.get_total_flops()
    return total


def make(solver: str, tiny: bool) -> tuple[Reasoner, list[tuple[Any, Any]], Recipe]:
    """The net, its streams and its recipe."""
    name, values = ("sudoku:4", 4) if tiny else ("sudoku:9:0.4", 9)
    options = {"hidden": "32", "inner": "64"} if tiny else {}
    learned = mull.solver(solver, **options)
    assert isinstance(learned, Learned)
    source = stream(name)
    torch.manual_seed(0)
    roles = tuple(sorted(source.chunk(0).graphs[0].roles))
    net = learned.reasoner(learned.shape(roles=roles, values=values, variables=values * values))
    return net, [(source, stream(name, "validation"))], Recipe(block=1, validation=0, passes=64)


def time_steps(name: str, args: argparse.Namespace) -> None:
    """Time a variant and print its row."""
    solver, kernels = VARIANTS[name]
    batch = args.batch or {"trm": 768, "looped": 512}[solver]
    net, streams, recipe = make(solver, args.tiny)
    operations = batch * arithmetic(net, Trainer(net, streams, recipe))
    on_gpu = args.device.startswith("cuda")
    trainer = Trainer(net, streams, recipe.model_copy(update={"batch": batch}), device=args.device)
    use(kernels)
    started = time.perf_counter()
    if on_gpu:
        torch._dynamo.reset()
        torch._dynamo.config.recompile_limit = 64
        net.compile(dynamic=False)
    wait: Callable[[], None] = torch.cuda.synchronize if on_gpu else lambda: None
    rows = trainer._rows(None, 0)
    trainer._reseed()
    losses = []
    for _ in range(3):
        losses.append(float(trainer._step(rows, 0.5)[0]))
    wait()
    first = time.perf_counter() - started
    if args.compile_only:
        print(f"{name}: compiled in {first:.0f} s", flush=True)
        return
    took = []
    for _ in range(args.steps // WINDOW or 1):
        wait()
        began = time.perf_counter()
        for _ in range(WINDOW):
            trainer._step(rows, 0.5)
        wait()
        took.append((time.perf_counter() - began) / WINDOW)
        rows.advance()
    seconds = statistics.median(took)
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if on_gpu else ""
    print(
        f"{name:24} batch {batch}: {1e3 * seconds:7.2f} ms/step ({1e3 * min(took):.2f} to {1e3 * max(took):.2f}), "
        f"{operations / seconds / 1e12:6.1f} TFLOP/s, {100 * operations / seconds / ROOFLINE:5.1f} % of the roofline"
        f"{memory}, loss {losses[-1]:.4f}, first steps {first:.0f} s",
        flush=True,
    )


# Kernels ----------------------------------------------------------------------------------------------------------------


def timed(run: Callable[[], Any], repeats: int = 20) -> float:
    """Median seconds of a call on the GPU."""
    for _ in range(3):
        run()
    took: list[float] = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        took.append(start.elapsed_time(end) / 1e3)
    return statistics.median(took)


def random(*shape: int, scale: float = 1.0) -> Tensor:
    return (scale * torch.randn(*shape, device="cuda")).bfloat16()


def cases() -> Iterator[tuple[str, list[tuple[int, ...]], Callable[[tuple[int, ...]], None], Any, Any, float]]:
    """(kernel, tiles to try, how to set one, the call, PyTorch's call or None, operations of the call)."""
    b, s, h, i = 768, 81, 512, 256
    z, up, down, dy = random(b, s, h), random(s, 2 * i, scale=1 / 9), random(s, i, scale=1 / 16), random(b, s, h)
    unit = 2.0 * b * s * h * i

    def plain_mix() -> Tensor:
        gate, other = torch.bmm(up.t().expand(b, 2 * i, s), z).chunk(2, 1)
        return norm(z + torch.bmm(down.expand(b, s, i), F.silu(gate) * other))

    def set_mix(key: str) -> Callable[[tuple[int, ...]], None]:
        return lambda tile: mixing.TILES.__setitem__(key, (tile[0], tile[1], tile[2], tile[3]))

    tiles = [(128, 64, 8, 2), (128, 64, 8, 3), (128, 32, 8, 3), (64, 64, 4, 2), (64, 64, 8, 2), (64, 32, 4, 3)]
    call: Callable[[], Any] = lambda: mixing.mixed_norm(z, up, down)
    yield "mixing.forward", list(tiles), set_mix("forward"), call, plain_mix, 3 * unit
    tiles = [(64, 64, 8, 2), (64, 64, 4, 2), (128, 64, 8, 2), (128, 32, 8, 2), (64, 32, 4, 2), (64, 32, 4, 3)]
    call = lambda: mixing._back(dy, z, up, down)
    yield "mixing.backward", list(tiles), set_mix("backward"), call, None, 5 * unit
    x, w = random(b * s, h), random(3072, h, scale=1 / 23)

    def plain_gated() -> Tensor:
        gate, other = F.linear(x, w).chunk(2, -1)
        return F.silu(gate) * other

    def set_gated(tile: tuple[int, ...]) -> None:
        gated.TILE = tile  # type: ignore[assignment]

    sizes = [(128, 128, 64, 8, 3), (128, 128, 64, 8, 4), (128, 64, 64, 4, 3), (128, 64, 64, 8, 4), (64, 128, 64, 4, 4)]
    call = lambda: gated.gated(x, w)
    yield "gated", [*sizes, (256, 64, 64, 8, 3)], set_gated, call, plain_gated, 2.0 * b * s * h * 3072
    n, h, i = 512 * 729, 128, 384
    x, up, down, dy = random(n, h), random(2 * i, h, scale=1 / 11), random(h, i, scale=1 / 20), random(n, h)
    unit = 2.0 * n * h * i

    def plain_layer() -> Tensor:
        one, other = F.linear(x, up).chunk(2, -1)
        return norm(x + F.linear(F.silu(one) * other, down))

    def set_fused(tile: tuple[int, ...]) -> None:
        fused.TILE = tile  # type: ignore[assignment]

    def set_back(tile: tuple[int, ...]) -> None:
        fused.BACK_TILE = tile  # type: ignore[assignment]

    tiles = [(64, 64, 4, 2), (128, 64, 8, 2), (128, 64, 8, 3), (128, 32, 8, 3), (64, 32, 4, 3), (64, 64, 8, 2)]
    call = lambda: fused.residual_swiglu(x, up, down)
    yield "lattice, forward", list(tiles), set_fused, call, plain_layer, 3 * unit
    out, scale = fused._trained(x, up, down)
    call = lambda: fused._back(dy, x, up, down, out, scale)
    tiles = [(64, 64, 8, 2), (64, 64, 4, 2), (64, 32, 4, 2), (128, 32, 8, 2), (128, 64, 8, 2)]
    yield "lattice, backward", list(tiles), set_back, call, None, 6 * unit


def time_kernels() -> None:
    """Time tiles of each kernel, and print them."""
    with torch.no_grad():
        for name, tiles, set_tile, call, plain, operations in cases():
            if plain is not None:
                seconds = timed(plain)
                error = float((call().float() - plain().float()).norm() / plain().float().norm())
                print(f"{name:18} PyTorch, not compiled: {1e3 * seconds:.3f} ms; difference {error:.1e}", flush=True)
            found: dict[tuple[int, ...], float] = {}
            for tile in tiles:
                try:
                    set_tile(tile)
                    found[tile] = timed(call)
                except Exception as error:
                    print(f"{name:18} {tile}: {type(error).__name__}: {str(error)[:100]}", flush=True)
                    continue
                rate = operations / found[tile] / 1e12
                print(f"{name:18} {tile}: {1e3 * found[tile]:.3f} ms, {rate:.0f} TFLOP/s", flush=True)
            if found:
                fastest = min(found, key=lambda tile: found[tile])
                set_tile(fastest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=[*VARIANTS, "kernels"], help=f"{', '.join(VARIANTS)}, or kernels")
    parser.add_argument("--batch", type=int, default=0, help="rows of a batch (trm 768, looped 512)")
    parser.add_argument("--steps", type=int, default=WINDOW * WINDOWS, help="steps that are timed (40)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    parser.add_argument(
        "--compile-only", action="store_true", help="take three steps, which fills the compiler's cache"
    )
    parser.add_argument("--tiny", action="store_true", help="4×4 boards and small nets")
    args = parser.parse_args()
    if args.variant == "kernels":
        time_kernels()
    else:
        time_steps(args.variant, args)


if __name__ == "__main__":
    main()
