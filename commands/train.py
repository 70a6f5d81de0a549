"""``solve train``: train a learned solver on streams of examples and save its weights."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mull import __version__
from mull.engine.errors import MullError

from . import completion
from .common import (
    INTERRUPTED,
    interruptible,
    json_option,
    make_solver,
    open_store,
    pairs,
    renamed_option,
    show_warnings,
    store_option,
)
from .devices import device_of_rank
from .tables import describe_weights
from .training_screen import TrainingScreen

if TYPE_CHECKING:
    from mull.engine.weights import Card


def _name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise click.BadParameter(f"{value[:40]!r} is not a valid name: use letters, digits, - and _")
    return value


@click.command()
@click.argument("name", metavar="SOLVER", shell_complete=completion.solvers)
@renamed_option(
    "--data",
    former=("--on",),
    multiple=True,
    required=True,
    metavar="FAMILY:SPEC|FILE",
    help="Stream or file of training examples. Repeat it to mix several; the same one again gets more steps.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Length of the whole training in minutes, over all sessions.",
)
@click.option("--steps", type=click.IntRange(1), help="Length of the whole training in optimiser steps.")
@renamed_option(
    "--session-minutes",
    former=("--sitting",),
    type=click.FloatRange(0, min_open=True),
    help="Length of this session in minutes; the same command resumes the training later (default: no limit).",
)
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="Option of the solver or of the training recipe.",
)
@click.option("--from", "base", metavar="NAME|FILE", help="Trained weights to start from (default: random weights).")
@renamed_option(
    "--name",
    "weights",
    former=("--as",),
    metavar="NAME",
    callback=_name,
    help="Name of the weights (default: made of SOLVER and the data).",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the weights (default: your weights folder).")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Random seed.")
@click.option(
    "--device",
    shell_complete=completion.devices,
    default="auto",
    show_default=True,
    help="Device: auto, cpu, cuda, cuda:N, or a list for torchrun.",
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Number of processes that generate examples (default: 1 with a net on the CPU, all cores but one with a GPU).",
)
@click.option("--compile/--no-compile", "compiled", default=None, help="Compile the net (default: only on a GPU).")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print only the result and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print every progress report as a line on stderr.")
@store_option
@click.option("--no-store", is_flag=True, help="Do not record the training in the store.")
def train(
    name: str,
    data: Sequence[str],
    minutes: float | None,
    steps: int | None,
    session_minutes: float | None,
    options: dict[str, str],
    base: str | None,
    weights: str | None,
    out: Path | None,
    seed: int,
    device: str,
    workers: int | None,
    compiled: bool | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    url: str | None,
    no_store: bool,
) -> int:
    """Train a learned solver on generated examples.

    A training that was stopped resumes when the same command runs again. Under torchrun each process trains on
    its own GPU, and all processes train the same net.
    """
    where = device_of_rank(device)
    with show_warnings(), _training_failures():
        from mull.problems.streams import stream

        solver, recipe = _solver_and_recipe(name, options)
        if minutes is None and steps is None:
            raise MullError(
                "missing --minutes or --steps: the length of the training",
                "solve train looped --data sudoku:4 --steps 300",
            )
        streams = [(stream(item, seed=seed), stream(item, "validation", seed=seed)) for item in data]
        from mull.engine.weights import own_folder
        from mull.solvers.train import train as train_solver

        title = weights or _default_name(solver.name, data)
        rank = int(os.environ.get("RANK", "0"))  # under torchrun: process 0 alone opens the store
        interrupted = interruptible()
        with (
            TrainingScreen(title, quiet=quiet, verbose=verbose) as screen,
            open_store(url) if rank == 0 and not no_store else nullcontext() as store,
        ):
            result = train_solver(
                solver,
                streams,
                recipe,
                name=title,
                folder=out or own_folder(),
                version=__version__,
                minutes=minutes,
                steps=steps,
                stop_after=session_minutes,
                base=base,
                seed=seed,
                device=where,
                processes=_workers(where) if workers is None else workers,
                compiled=where.startswith("cuda") if compiled is None else compiled,
                on_progress=screen.progress,
                on_notice=screen.notice,
                cancelled=interrupted,
            )
            run = result.solution()
            if store is not None:
                store.write([run])
    from mull.engine.training import leave

    leave()
    if result.rank == 0:
        if as_json:
            fields = {"path": str(result.card.path), "id": run.id, "finished": result.finished}
            click.echo(json.dumps({**result.card.model_dump(), **fields}))
        else:
            describe_weights([result.card])
        _warn_if_refused(result.card)
    return 0 if result.finished else INTERRUPTED if interrupted() else 1


def _default_name(solver: str, data: Sequence[str]) -> str:
    """A name made of the solver and the data: ``looped-sudoku-9``."""
    parts = [item if ":" in item else Path(item).stem for item in data]
    return "-".join([solver, *(re.sub(r"[^A-Za-z0-9]+", "-", part) for part in parts)]).strip("-")


def _warn_if_refused(card: Card) -> None:
    """Warn about weights that failed their validation."""
    from mull.engine.choice import refused

    if reason := refused(card):
        click.echo(
            f"warning: the weights {card.name} are used only by name (-o weights={card.name}): {reason}", err=True
        )
        click.echo("hint: train for longer (the same command with more --steps resumes), or use a larger net", err=True)


@contextmanager
def _training_failures() -> Iterator[None]:
    """Raise the errors that only a training has as MullError, with hints."""
    from mull.engine.training import out_of_memory

    try:
        yield
    except FloatingPointError as error:
        raise MullError(
            str(error), "a smaller learning rate may help: -o lr=...; the last checkpoint is kept"
        ) from None
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise MullError("out of memory", "use a smaller net or batch: -o hidden=... -o batch=...") from None


def _workers(device: str) -> int:
    """The number of processes that generate examples. A net on the CPU gets the remaining cores as threads.

    Threads of torch wait by spinning: with one more than there are cores, a small net is ten times slower.
    """
    import torch

    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # of torchrun on this host
    cores = (os.cpu_count() or 1) // processes
    if device.startswith("cuda"):
        return max(1, cores - 1)
    torch.set_num_threads(max(1, cores - 1))
    return 1


def _solver_and_recipe(name: str, options: dict[str, str]) -> tuple[Any, Any]:
    """The solver and the recipe that the options of both define."""
    from pydantic import ValidationError

    from mull.engine.deprecation import renamed
    from mull.engine.training import Recipe
    from mull.engine.weights import RENAMED_SETTINGS
    from mull.plugins import load
    from mull.solvers.learned import Learned

    kind = load(name)
    if not issubclass(kind, Learned):
        from mull.solvers.kinds import kinds

        raise MullError(f"solver {name!r} has no weights to train", f"solve train takes {', '.join(kinds())}")
    # Options that only say how to solve (weights, segments, copies) are refused in a training.
    present = {"preset", "backbone", "hidden", "layers", "inner", *kind.recursion(), *kind.inference_options}
    shaping = {*present, *kind.former, *(old for old, new in kind.renamed_options.items() if new in present)}
    mine = {key: value for key, value in options.items() if key in shaping}
    rest = {key: value for key, value in options.items() if key not in shaping}
    try:
        rest = renamed(rest, RENAMED_SETTINGS, since="0.2", removed="0.3")
    except TypeError as error:
        raise MullError(str(error)) from None
    solver = make_solver(name, mine)
    assert isinstance(solver, Learned)
    try:
        return solver, Recipe(**{**solver.recipe(), **rest})
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join([*sorted(present), *Recipe.model_fields])
        what = f"training option {first['loc'][0]}" if first["loc"] else "training options"
        if first["type"] == "extra_forbidden":
            raise MullError(f"unknown {what}", f"the options are {known}") from None
        raise MullError(f"{what}: {first['msg']}", f"the options are {known}") from None
