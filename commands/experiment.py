"""``solve experiment``: measure a claim, and write a page with its numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mull import __version__
from mull.engine.errors import MullError

from .common import ListGroup, interruptible, json_option, make_writable, open_store, store_option

if TYPE_CHECKING:
    from mull.engine.registry import Entry
    from mull.experiments.experiment import Experiment

PAGES = Path("docs/experiments")
"""Folder of the pages, if the working folder has the folder ``docs``."""


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
@click.option("--restart", is_flag=True, help="Measure finished parts again (default: keep them).")
@store_option
@click.option("--no-store", is_flag=True, help="Do not record the runs in the store.")
def experiment_run(name: str, full: bool, output: Path | None, restart: bool, url: str | None, no_store: bool) -> int:
    """Run an experiment and write its page.

    It prints the question, the table, the plot and the verdict. An interrupted run is resumed by the same command.
    Finished parts are kept.
    """
    import shutil
    from contextlib import nullcontext

    from mull.engine.registry import EXPERIMENTS, entries, find_entry

    entry = find_entry(EXPERIMENTS, name, entries(EXPERIMENTS))
    made = _load(entry)()
    device = _device(made, full)
    from mull.engine.weights import own_folder

    folder = own_folder().parent / "experiments" / name / ("full" if full else "small")
    pages = output or (PAGES if PAGES.parent.is_dir() else Path())
    make_writable(pages, "choose another folder: --output FOLDER")
    make_writable(folder, "set MULL_WEIGHTS to a folder that can be written; parts are kept beside it")
    cancelled = interruptible()
    with _alone(folder.with_suffix(".lock")), nullcontext() if no_store else open_store(url) as store:
        from mull.experiments.running import Place

        if restart:
            shutil.rmtree(folder, ignore_errors=True)
        place = Place(folder, device, __version__, store, lambda text: click.echo(text, err=True), cancelled)
        text = _measured(made, entry, full, place)
    if text is None:
        click.echo("interrupted: the same command resumes the experiment", err=True)
        return 1
    click.echo(text, nl=False)
    path = pages / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {path}", err=True)
    return 0


def _load(entry: Entry) -> type[Experiment]:
    from mull.engine.registry import load_entry
    from mull.experiments.experiment import Experiment

    loaded: type[Experiment] = load_entry(entry, Experiment)
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
            f"--full needs a GPU, and none is found; it would take about {made.full_minutes:g} minutes of an H100",
            f"solve experiment run {made.name} takes about {made.small_minutes:g} minutes on two cores",
        )
    return device


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of an experiment: two runs at once would share cores and files. The lock ends with the process.

    Raises:
        MullError: another process holds it.
    """
    if sys.platform == "win32":  # it has no flock
        yield
        return
    import fcntl

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MullError(
                f"the experiment {path.parent.name} is running in another process",
                "wait for its end, or interrupt it: this command then resumes it",
            ) from None
        except OSError:  # a file system without locks
            pass
        yield


def _measured(made: Experiment, entry: Entry, full: bool, place: object) -> str | None:
    """The page of an experiment; None if it was interrupted.

    Raises:
        MullError: the experiment raised an exception. Its finished parts are kept.
    """
    from mull.engine.raised import described
    from mull.experiments.page import page
    from mull.experiments.running import Place, measure

    assert isinstance(place, Place)
    try:
        results = measure(made, full, place)
        if results is None:
            return None
        verdict = made.verdict(results)
        return page(made, results, verdict, full=full, version=__version__, device=place.device)
    except MullError:
        raise
    except Exception as error:
        raise MullError(f"{entry} failed: {described(error)}", f"finished parts are kept; {entry.hint}") from error
