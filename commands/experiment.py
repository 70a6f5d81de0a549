"""``solve experiment``: measure a claim, and write a page with its numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mull import __version__
from mull.engine.errors import MullError

from .common import INTERRUPTED, ListGroup, interruptible, json_option, make_writable, open_store, store_option

if TYPE_CHECKING:
    from mull.engine.registry import Entry
    from mull.experiments.experiment import Experiment, Results
    from mull.experiments.running import Place

PAGES = Path("docs/experiments")
"""Folder of the pages, if the working folder has the folder ``docs``."""
STATED = {"question": str, "claim": str, "small_minutes": int | float, "full_minutes": int | float}
"""What an experiment's class states, and the types."""


@click.group(cls=ListGroup)
def experiment() -> None:
    """Measure claims about reasoning: list and run experiments."""


@experiment.command("list")
@json_option
def experiment_list(as_json: bool) -> None:
    """List the installed experiments with their claims."""
    from mull.engine.registry import EXPERIMENTS, PluginError, entries

    for entry in entries(EXPERIMENTS):
        try:
            claim, origin = _load(entry).claim, entry.origin
        except PluginError as error:
            claim, origin = f"broken: {error}", entry.origin
        if as_json:
            click.echo(json.dumps({"name": entry.name, "claim": claim, "package": origin}))
        else:
            click.echo(f"{entry.name:<16} {claim}")


@experiment.command("run")
@click.argument("name")
@click.option("--full", is_flag=True, help="Run the full version, which needs a GPU.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the page NAME.md (default: docs/experiments if the folder docs exists, else this folder).",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    help="Processes that share the parts and the cores (default: one for each core, with a GPU one for each four).",
)
@click.option("--restart", is_flag=True, help="Measure finished parts again (default: keep them).")
@store_option
@click.option("--no-store", is_flag=True, help="Do not record the runs in the store.")
def experiment_run(
    name: str, full: bool, output: Path | None, jobs: int | None, restart: bool, url: str | None, no_store: bool
) -> int:
    """Run an experiment and write its page.

    It prints the question, the table, the plot and the verdict. An interrupted run is resumed by the same command.
    Finished parts are kept.
    """
    from mull.engine.registry import EXPERIMENTS, entries, find_entry
    from mull.engine.rows import cores
    from mull.engine.weights import own_folder

    entry = find_entry(EXPERIMENTS, name, entries(EXPERIMENTS))
    made = _load(entry)()
    device = _device(made, full)
    folder = own_folder().parent / "experiments" / name / ("full" if full else "small")
    pages = output or (PAGES if PAGES.parent.is_dir() else Path())
    make_writable(pages, "choose another folder: --output FOLDER")
    make_writable(folder, "set MULL_WEIGHTS to a folder that can be written; parts are kept beside it")
    cancelled = interruptible()
    if restart:
        _remove(folder)
    from mull.experiments.locks import locked
    from mull.experiments.running import Place

    store = nullcontext if no_store else partial(open_store, url)
    with store():  # a store that cannot be opened is an error before the work
        pass
    place = Place(folder, device, __version__, store, partial(click.echo, err=True), cancelled)
    with locked(folder.with_suffix(".lock"), shared=True):
        results = _measured(made, entry, full, place, jobs or max(1, cores() // (4 if full else 1)))
    if results is None:
        click.echo("interrupted: the same command resumes the experiment", err=True)
        return INTERRUPTED
    _write(made, entry, results, place, full, pages)
    return 0


def _load(entry: Entry) -> type[Experiment]:
    """The class of an experiment.

    Raises:
        PluginError: it cannot be imported, or does not state what its page needs.
    """
    from mull.engine.registry import PluginError, load_entry
    from mull.experiments.experiment import Experiment

    loaded: type[Experiment] = load_entry(entry, Experiment)
    for name, kind in STATED.items():
        if not isinstance(getattr(loaded, name, None), kind):
            raise PluginError(f"{entry} does not state {name}", entry.hint)
    return loaded


def _device(made: Experiment, full: bool) -> str:
    """The device of a version.

    Raises:
        MullError: the full version runs without a GPU.
    """
    from .devices import usable_device

    if not full:
        return "cpu"
    device = usable_device("auto")
    if device == "cpu":
        raise MullError(
            f"--full needs a GPU, and none is found; it would take about {made.full_minutes:g} minutes of an H200",
            f"solve experiment run {made.name} takes about {made.small_minutes:g} minutes on two cores",
        )
    return device


def _remove(folder: Path) -> None:
    """Remove the finished parts of an experiment.

    Raises:
        MullError: another process measures it, or a file cannot be removed.
    """
    import shutil

    from mull.experiments.locks import Busy, locked

    try:
        with locked(folder.with_suffix(".lock")):
            shutil.rmtree(folder)
            folder.mkdir()
    except Busy:
        raise MullError(
            f"the experiment {folder.parent.name} is running in another process",
            "wait for its end, or interrupt it; without --restart this command shares its parts",
        ) from None
    except OSError as error:
        raise MullError(f"cannot remove the parts in {folder}: {error.strerror}", "remove the folder") from None


def _measured(made: Experiment, entry: Entry, full: bool, place: Place, jobs: int) -> Results | None:
    """The outcomes of an experiment; None if it was interrupted.

    Raises:
        MullError: the experiment raised an exception. Its finished parts are kept.
    """
    from mull.experiments.running import measure

    with _described(entry):
        return measure(made, full, place, jobs)


def _write(made: Experiment, entry: Entry, results: Results, place: Place, full: bool, pages: Path) -> None:
    """Print the page, and write it with its figure. The figure needs matplotlib."""
    from importlib.util import find_spec

    from mull.experiments.experiment import Verdict
    from mull.experiments.figure import drawing
    from mull.experiments.page import page, sentence

    from .history.figures import save

    name = f"{made.name}-full" if full else made.name
    installed = find_spec("matplotlib") is not None
    image = BytesIO()
    with _described(entry):
        verdict = made.verdict(results)
        if not isinstance(verdict, Verdict):
            raise TypeError(f"verdict returned {type(verdict).__name__}, not a Verdict")
        curves = made.plot(results)
        drawn = installed and (curves is not None or bool(results.columns))
        figure = f"{name}.svg" if drawn else None
        text = page(made, results, verdict, full=full, version=place.version, device=place.device, figure=figure)
        if drawn:
            save(drawing(results, curves), made.question, sentence(verdict), "svg", image)
    click.echo(text, nl=False)
    (pages / f"{name}.md").write_text(text, encoding="utf-8")
    if drawn:
        (pages / f"{name}.svg").write_bytes(image.getvalue())
    elif not installed:
        click.echo("hint: pip install matplotlib, and the page has a figure", err=True)
    click.echo(f"wrote {pages / f'{name}.md'}", err=True)


@contextmanager
def _described(entry: Entry) -> Iterator[None]:
    """Turn any exception of an experiment's own code into one message.

    Raises:
        MullError: names the experiment and the exception.
    """
    from mull.engine.raised import described

    try:
        yield
    except MullError:
        raise
    except (Exception, SystemExit) as error:
        raise MullError(f"{entry} failed: {described(error)}", f"finished parts are kept; {entry.hint}") from error
