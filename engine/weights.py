"""Trained weights: tensors in safetensors, never pickle, and a JSON card that describes the net and its training."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import files
from .errors import MullError

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
HOME = "MULL_WEIGHTS"
"""Environment variable with the folder of the user's own weights."""
LARGEST = 16 << 30
"""Largest size of a file of tensors, in bytes."""
LARGEST_CARD = 1 << 20
"""Largest size of a card, in bytes."""
RENAMED_SETTINGS: Mapping[str, str] = {
    "clip": "grad_clip",
    "depth": "eval_segments",
    "fewest": "min_segments",
    "floor": "final_lr",
    "most": "max_segments",
}
"""Former name -> present name of training settings. Cards and checkpoints may have the former ones."""
_RENAMED_OPTIONS = {"contrast": "contrastive_weight"}
"""Former name -> present name of options of ``ebt`` and ``ired``."""


class CheckpointError(MullError, ValueError):
    """Weights or a checkpoint are missing, damaged, or do not fit."""


class Card(BaseModel):
    """The description of weights: the data to build the net, and the record of its training.

    Args:
        name: name of the file without suffix.
        solver: name of the learned solver.
        options: options of the solver that define the recursion.
        shape: sizes of the net, fields of ``NetShape``.
        families: problem families of the training.
        sizes: family -> literals of the largest training problem.
        data: streams or files of the training, as given to ``--data``.
        seed: random seed of the training.
        recipe: settings of the training, fields of ``Recipe``.
        base: sha256 of the weights that the training started from; empty for none.
        steps: optimizer steps, those of ``base`` included.
        device: name of the device.
        device_minutes: minutes of training, those of ``base`` included.
        parameters: number of parameters.
        dtype: of the stored tensors.
        accuracy: validation set -> share solved, 0 to 1, on problems held out from training.
        version: version of mull.
        sha256: of the tensor file.
        folder: folder of the files; not stored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    solver: str
    options: dict[str, Any] = Field(default_factory=dict)
    shape: dict[str, Any]
    families: tuple[str, ...]
    sizes: dict[str, int] = Field(default_factory=dict)
    data: tuple[str, ...]
    seed: int
    recipe: dict[str, Any] = Field(default_factory=dict)
    base: str = ""
    steps: int
    device: str
    device_minutes: float
    parameters: int
    dtype: str
    accuracy: dict[str, float] = Field(default_factory=dict)
    version: str
    sha256: str
    folder: str = Field("", exclude=True)

    def __hash__(self) -> int:
        return hash(self.sha256)  # a key of caches: its fields are not all hashable

    @property
    def path(self) -> Path:
        """Path of the tensor file."""
        return Path(self.folder) / f"{self.name}{SUFFIX}"


def folders() -> list[Path]:
    """The folders in which weights are found by name: the user's own, then the bundled one."""
    own = Path(os.environ.get(HOME) or user_data_path("mull") / "weights")
    from importlib import resources  # imports tempfile and more

    return [own, Path(str(resources.files("mull") / "weights"))]


def own_folder() -> Path:
    """The folder of the user's own weights, to which a training writes."""
    return folders()[0]


def cards() -> list[Card]:
    """The cards of all weights that are found by name. The user's own replace bundled ones of the same name.

    A card that cannot be read is left out. ``find`` with its name raises the error.
    """
    found: dict[str, Card] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.json")):
            try:
                found.setdefault(path.stem, read_card(path))
            except CheckpointError:
                continue
    return list(found.values())


def find(name: str) -> Card:
    """The card of weights by their name, or by the path of their tensor file or card.

    Raises:
        CheckpointError: there are no such weights, or the card cannot be read.
    """
    if name.endswith((SUFFIX, ".json")) or os.sep in name:
        return read_card(name)
    for folder in folders():
        if (folder / f"{name}.json").exists():
            return read_card(folder / f"{name}.json")
    known = ", ".join(card.name for card in cards()) or "none"
    raise CheckpointError(
        f"no weights named {name[:60]!r}", f"the names are: {known}; or give the path of a {SUFFIX} file"
    )


def find_by_hash(sha256: str) -> Card:
    """The card of the weights whose tensor file has a given SHA-256.

    Raises:
        CheckpointError: no weights in the known folders have this hash.
    """
    card = next((card for card in cards() if card.sha256 == sha256), None)
    if card is None:
        raise CheckpointError(
            f"no weights with sha256 {sha256[:12]} found",
            f"copy them to {own_folder()} or to the folder that {HOME} names",
        )
    return card


def read_card(path: str | Path) -> Card:
    """The card at a path, or beside the tensor file at the path.

    Raises:
        CheckpointError: the card is missing or invalid.
    """
    place = Path(path)
    place = place.parent / f"{place.name.removesuffix(SUFFIX).removesuffix('.json')}.json"
    try:
        return _card(str(place), place.stat().st_mtime_ns)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(
            f"{place}: cannot read the card: {reason}", f"weights are two files: NAME{SUFFIX} and NAME.json"
        ) from None


@lru_cache(maxsize=256)
def _card(path: str, modified: int) -> Card:
    place = Path(path)
    try:
        data = json.loads(files.read(place, LARGEST_CARD))
        return Card(**{**renamed(data), "name": place.stem, "folder": str(place.parent)})
    except (ValueError, TypeError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{place} is not a valid card: {reason}", "the file may be truncated") from None


def renamed(data: Any) -> dict[str, Any]:
    """A card, or the identity of a training, with solver, options and settings under their present names.

    Raises:
        TypeError: it is not an object.
    """
    if not isinstance(data, dict):
        raise TypeError(f"it is a {type(data).__name__}, not an object")
    found: dict[str, Any] = {RENAMED_SETTINGS.get(name, name): value for name, value in data.items()}
    if isinstance(found.get("recipe"), dict):
        found["recipe"] = {RENAMED_SETTINGS.get(name, name): value for name, value in found["recipe"].items()}
    options = found.get("options")
    if found.get("solver") not in ("ebt", "ired") or not isinstance(options, dict):
        return found
    options = {_RENAMED_OPTIONS.get(name, name): value for name, value in options.items()}
    if "landscapes" not in options or found["solver"] == "ired":
        return {**found, "options": options}
    # IRED was an option of ebt once.
    ired = bool(options["landscapes"])
    gone = ("steps", "alpha", "noise") if ired else ("landscapes", "inner_steps")
    kept = {name: value for name, value in options.items() if name not in gone}
    return {**found, "solver": "ired" if ired else "ebt", "options": kept}


def load_tensors(card: Card) -> dict[str, Tensor]:
    """The tensors of a card by key. The sha256 of their file is checked first.

    Raises:
        CheckpointError: the file is missing, damaged, or not the one that the card describes.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        data = files.read(card.path, LARGEST)
    except OSError as error:
        raise CheckpointError(
            f"{card.path}: {error.strerror or error}", f"weights are two files: NAME{SUFFIX} and NAME.json"
        ) from None
    # Read once, then hashed and parsed from memory: the file may be replaced in between.
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.sha256:
        raise CheckpointError(
            f"{card.path} does not match its card: its sha256 is {digest[:12]}…, not {card.sha256[:12]}…",
            "the file is truncated or was changed; copy it again, or train again",
        )
    try:
        return load(data)
    except SafetensorError as error:
        raise CheckpointError(f"{card.path} is not a valid safetensors file: {error}", "train again") from None


def save(card: Card, tensors: Mapping[str, Tensor], folder: Path) -> Card:
    """Write tensors and card into a folder, each file atomically.

    Args:
        card: its name is that of the files.
        tensors: by key, of any shape.
        folder: is created if it does not exist.

    Returns:
        The card with the sha256 of the tensor file, and the folder.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    from safetensors.torch import save as pack

    data = pack({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()})
    card = card.model_copy(update={"sha256": hashlib.sha256(data).hexdigest(), "folder": str(folder)})
    # Tensors first: a card without its tensors would be found by name.
    write_file(card.path, data)
    write_file(card.path.with_suffix(".json"), (json.dumps(card.model_dump(), indent=1) + "\n").encode())
    return card


def check_writable(folder: Path) -> None:
    """Create a folder and check that files can be written to it, before an hour of training.

    Raises:
        CheckpointError: they cannot be written.
    """
    write_file(folder / ".writable", b"")
    (folder / ".writable").unlink(missing_ok=True)


@contextmanager
def claimed(folder: Path, name: str) -> Iterator[None]:
    """Lock a name in a folder, so that one process at a time trains it. The lock ends with the process.

    Args:
        folder: of the weights.
        name: of the weights.

    Raises:
        CheckpointError: another process has the lock.
    """
    with (folder / f".{name}.lock").open("w") as file:
        try:
            # The kernel releases the lock even after SIGKILL; a file as a lock would stay.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                f"{name} is being trained by another process", "wait for it, or choose another name: --name NAME"
            ) from None
        yield


def write_file(path: Path, data: bytes) -> None:
    """Write a file atomically, and create its folder.

    Args:
        path: of the file.
        data: its content.

    Raises:
        CheckpointError: the file cannot be written; an older one is kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.write_whole(path) as file:
            file.write(data)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}", "choose another folder: --out FOLDER"
        ) from None
