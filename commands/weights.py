"""``solve weights``: list, remove, export and import trained weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError
from mull.engine.files import write_whole

from .common import ListGroup, json_option
from .tables import table

if TYPE_CHECKING:
    from mull.engine.weights import Card


@click.group(cls=ListGroup)
def weights() -> None:
    """List, remove, export and import trained weights."""


@weights.command("list")
@json_option
def weights_list(as_json: bool) -> None:
    """List the weights that can be used by name.

    Your own weights replace included weights of the same name.
    """
    from mull.engine.weights import cards, own_folder

    found = cards()
    if as_json:
        for card in found:
            own = Path(card.folder) == own_folder()
            click.echo(json.dumps({**card.model_dump(), "path": str(card.path), "own": own}))
        return
    table(("name", "solver", "families", "validation", "from"), [_row(card, own_folder()) for card in found])


def _row(card: Card, own: Path) -> tuple[str, ...]:
    from mull.engine.choice import accuracy

    share = accuracy(card)
    validation = "-" if share is None else f"{share:.1%}"
    return card.name, card.solver, " ".join(card.families), validation, "you" if Path(card.folder) == own else "mull"


@weights.command("remove")
@click.argument("name")
def weights_remove(name: str) -> None:
    """Delete your own weights and their checkpoint.

    Without the checkpoint they cannot be trained further. Included weights cannot be deleted.
    """
    card = _found(name)
    from mull.engine.weights import SUFFIX, claimed, own_folder

    if Path(card.folder) != own_folder():
        raise MullError(f"the weights {name} ship with mull and cannot be removed", "solve weights list")
    with claimed(own_folder(), name):
        for file in (f"{name}{SUFFIX}", f"{name}.json", f"{name}.training{SUFFIX}"):
            _delete(own_folder() / file)
    _delete(own_folder() / f".{name}.lock")
    click.echo(f"removed {name}", err=True)


@weights.command("export")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def weights_export(name: str, folder: Path) -> None:
    """Copy weights and their card to a folder.

    The files are NAME.safetensors and NAME.json.
    """
    card = _found(name)
    from mull.engine.weights import load_tensors

    load_tensors(card)  # raises if the file is damaged
    _copy(card, folder)
    click.echo(str(folder / card.path.name))


@weights.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Replace your own weights of the same name.")
def weights_import(file: Path, replace: bool) -> None:
    """Copy a weights file and its card to your own weights.

    FILE is a .safetensors file. Its card is the .json file of the same name in the same folder.
    """
    from mull.engine.weights import cards, load_tensors, own_folder, read_card

    card = read_card(file)
    load_tensors(card)  # raises if the file does not match its card
    if not replace and card.name in {known.name for known in cards()}:
        raise MullError(f"weights named {card.name} exist already", "rename both files, or use --replace")
    _copy(card, own_folder())
    click.echo(f"imported {card.name}: solve PROBLEM --solver {card.solver} -o weights={card.name}", err=True)


def _found(name: str) -> Card:
    """The card of a name. A path is refused: these commands work on names.

    Raises:
        CheckpointError: no weights have the name.
    """
    from mull.engine.weights import CheckpointError, cards

    card = next((card for card in cards() if card.name == name), None)
    if card is None:
        known = ", ".join(card.name for card in cards())
        raise CheckpointError(f"no weights named {name[:60]!r}", f"the names are: {known}")
    return card


def _copy(card: Card, folder: Path) -> None:
    """Copy weights and their card into a folder, each file atomically."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in (card.path, card.path.with_suffix(".json")):
            with source.open("rb") as original, write_whole(folder / source.name) as copy:
                shutil.copyfileobj(original, copy)
    except OSError as error:
        raise MullError(f"{error.filename or folder}: {error.strerror or error}", "choose another folder") from None


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise MullError(f"cannot delete {path}: {error.strerror or error}", "check the folder's permissions") from None
