"""``solve doctor``: what is installed, what is wrong, and how to mend it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import click

from mull import __version__
from mull.engine.errors import MullError
from mull.engine.status import amount

from .common import json_option, store_option

PACKAGE = "mull-solver"
CHECKED_BYTES = 256 << 20
"""Largest store whose pages are all checked; this takes half a second."""
LOW_BYTES = 256 << 20
"""Free space of a disk below which a note is given."""
FULL_BYTES = 1 << 20
"""Free space of a disk below which a store cannot grow."""


class Finding(NamedTuple):
    """One line of the report.

    Args:
        area: such as ``store``.
        name: what was examined.
        text: what was found.
        wrong: whether it must be mended.
        hint: how to mend or change it.
    """

    area: str
    name: str
    text: str
    wrong: bool = False
    hint: str = ""


@click.command()
@json_option
@store_option
def doctor(as_json: bool, url: str | None) -> int:
    """Check the installation: what is wrong, and how to mend it.

    Examines the versions of packages, devices, the store, plugins, caches, trained weights and optional packages. It
    changes nothing, and runs no code of plugins.

    Exit code: 0 if nothing is wrong, 1 if something is.
    """
    findings = list(examine(url))
    wrong = [finding for finding in findings if finding.wrong]
    if as_json:
        report = {"wrong": len(wrong), "findings": [finding._asdict() for finding in findings]}
        click.echo(json.dumps(report, ensure_ascii=False))
        return 1 if wrong else 0
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            click.echo(area)
        mark = "wrong: " if finding.wrong else ""
        click.echo(f"  {finding.name:<14} {mark}{_one_line(finding.text)}")
        if finding.hint:
            click.echo(f"  {'':<14} hint: {_one_line(finding.hint)}")
    click.echo(
        f"{amount(len(wrong), 'things')} {'is' if len(wrong) == 1 else 'are'} wrong" if wrong else "nothing is wrong"
    )
    return 1 if wrong else 0


def examine(url: str | None) -> Iterator[Finding]:
    """All findings.

    Args:
        url: of the store; None for the user's own.
    """
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "versions": _versions,
        "devices": _devices,
        "store": lambda: _store(url),
        "plugins": _plugins,
        "caches": _caches,
        "weights": _weights,
        "optional": _optional,
    }
    for area, part in parts.items():
        try:
            yield from part()
        except MullError as error:
            yield Finding(area, "error", str(error), True, error.hint)
        except Exception as error:  # a damaged part must not hide the findings on the others
            yield Finding(area, "error", f"{type(error).__name__}: {error}", True, "install mull again")


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "mull", f"{__version__} in {Path(__file__).resolve().parent.parent}")
    yield Finding("versions", "Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")
    for name, specifier, extra in _requirements():
        if not extra:
            text, wrong = _installed(name, specifier)
            yield Finding("versions", name, text, wrong, f"pip install '{name}{specifier}'" if wrong else "")


def _optional() -> Iterator[Finding]:
    for name, specifier, extra in _requirements():
        if extra:
            text, wrong = _installed(name, specifier)
            missing = text == "not installed"
            hint = f"pip install '{name}{specifier}'" if wrong else ""
            yield Finding("optional", name, f"{text} (for {extra})", wrong and not missing, hint)


def _requirements() -> Iterator[tuple[str, str, str]]:
    """The packages that mull names: name, versions, and the extra that needs it or an empty text."""
    for line in metadata.requires(PACKAGE) or ():
        found = re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;.*extra == [\"']([\w-]+)[\"'])?", line)
        if found and (found[3] or "") != "dev":
            yield found[1], found[2].strip(), found[3] or ""


def _installed(name: str, specifier: str) -> tuple[str, bool]:
    """The version of a package as text, and whether it is missing or outside the permitted ones."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed", True
    for operator, bound in re.findall(r"(>=|<|==)\s*([\d.]+)", specifier):
        mine, other = _numbers(version), _numbers(bound)
        fits = mine >= other if operator == ">=" else mine < other if operator == "<" else mine == other
        if not fits:
            return f"{version}, but mull needs {specifier}", True
    return version, False


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in re.findall(r"\d+", re.match(r"[\d.]*", version)[0])]  # type: ignore[index]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _devices() -> Iterator[Finding]:
    from .devices import has_driver

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("devices", "cpu", amount(cores, "cores"))
    if not has_driver():
        yield Finding("devices", "cuda", "no GPU driver (libcuda)")
        return
    import torch  # only where there may be a GPU: the import takes a second

    if not torch.cuda.is_available():
        built = f"PyTorch {torch.__version__} {'cannot use the GPU' if torch.version.cuda else 'is built without CUDA'}"
        hint = "compare the driver (nvidia-smi) with the CUDA version of PyTorch, and see CUDA_VISIBLE_DEVICES"
        yield Finding("devices", "cuda", f"a GPU driver is installed, but {built}", bool(torch.version.cuda), hint)
        return
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        yield Finding("devices", f"cuda:{index}", f"{about.name}, {_size(about.total_memory)}")


def _store(url: str | None) -> Iterator[Finding]:
    from mull.engine.store import Store, location
    from mull.engine.store.connect import file_of, parse
    from mull.engine.store.file import DAMAGED, HEAD, permitted, prepare
    from mull.engine.store.network import network_type

    path = file_of(parse(url))
    yield Finding("store", "place", location(url))
    if path is not None:
        if (network := network_type(path)) is not None and permitted():
            yield Finding(
                "store", "file system", f"{network}, permitted by the user", hint="SQLite may lose runs there"
            )
        if not path.exists():
            yield from _new_store(path, network)
            return
        prepare(path)  # its errors say what is wrong; the folder exists
        yield _space("size", _size(path.stat().st_size), path.parent)
        if path.stat().st_size <= CHECKED_BYTES:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                try:
                    result = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
                except sqlite3.Error as error:
                    result = str(error)
            if result != "ok":
                yield Finding("store", "pages", f"the file is damaged: {result}", True, DAMAGED)
                return
    with Store(url, check_schema=False) as store:
        revision = store.revision()
        if revision is None:
            yield Finding("store", "schema", "empty; the first run creates the tables")
            return
        if revision == HEAD:
            yield Finding("store", "schema", f"{revision}, up to date")
            yield Finding("store", "runs", f"{store.count():,}")
            return
    from mull.engine.store.migrate import known_revisions

    if revision in known_revisions():
        option = "" if url is None else f" --store {location(url)}"
        hint = f"upgrade it with: solve history upgrade{option}"
        yield Finding("store", "schema", f"{revision} is older than {HEAD}", True, hint)
    else:
        yield Finding("store", "schema", f"{revision} is unknown to this version", True, "upgrade mull")


def _new_store(path: Path, network: str | None) -> Iterator[Finding]:
    from mull.engine.store.file import permitted

    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if network is not None and not permitted():
        text = f"{path} would be on a network file system ({network}), where SQLite may lose runs"
        yield Finding("store", "file system", text, True, "set MULL_STORE to a local file or to a PostgreSQL URL")
    elif not folder.is_dir() or not os.access(folder, os.W_OK):
        text = f"cannot be created: {folder} is not a folder that you may write to"
        yield Finding("store", "file", text, True, "set MULL_STORE to another file")
    else:
        yield _space("file", "does not exist yet; the first run creates it", folder)


def _plugins() -> Iterator[Finding]:
    from mull.engine.registry import ALLOWED, WORDS, PluginError, entries
    from mull.plugins import added, diagnose, name_conflicts, not_installed

    found = False
    for group, word in WORDS.items():
        every = entries(group)
        others = [entry for entry in every if not entry.built_in]
        for entry in others:
            found = True
            fault = diagnose(entry)
            text = f"broken: {fault}" if fault else f"{word} of {entry.origin}"
            yield Finding("plugins", entry.name or entry.distribution, text, bool(fault), entry.hint if fault else "")
        for name, who in name_conflicts(every).items():
            yield Finding("plugins", name, f"{word} claimed by {who}", True, "uninstall one of the packages")
    try:
        files = added()
    except PluginError as error:
        yield Finding("plugins", "added files", str(error), True, error.hint)
        files = []
    for file in files:
        found = True
        fault = file.diagnose()
        text = f"broken: {fault}" if fault else f"solver of {file.path}"
        yield Finding("plugins", file.name, text, bool(fault), file.entry.hint if fault else "")
    for name in not_installed():
        yield Finding("plugins", name, f"{ALLOWED} names it, but it is not installed", True, f"correct {ALLOWED}")
    if not found:
        yield Finding("plugins", "none", "mull's own parts only")


def _caches() -> Iterator[Finding]:
    from platformdirs import user_cache_path

    from mull.engine.moves.code_cache import CACHE, cache_folder

    yield _cache("compiled code", cache_folder(), CACHE)
    for name, sub in (("GPU kernels", "cuda"), ("operations", "flops")):
        yield _cache(name, user_cache_path("mull", appauthor=False) / sub, "XDG_CACHE_HOME")


def _cache(name: str, folder: Path, variable: str) -> Finding:
    above = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        text = f"{above} is not a folder that you may write to: nothing is kept"
        return Finding("caches", name, text, True, f"correct its permissions, or set {variable} to another folder")
    if not folder.exists():
        return Finding("caches", name, f"{folder}, empty")
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    return Finding("caches", name, f"{folder}, {amount(len(sizes), 'files')}, {_size(sum(sizes))}")


def _weights() -> Iterator[Finding]:
    from mull.engine.weights import CheckpointError, folders, read_card

    for folder in folders():
        good = 0
        for path in sorted(folder.glob("*.json")):
            try:
                card = read_card(path)
                with card.path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except CheckpointError as error:
                yield Finding("weights", path.stem, str(error), True, f"{error.hint}; copy both files again")
            except OSError as error:
                hint = "copy the file again, or remove the card"
                yield Finding("weights", path.stem, f"{error.filename}: {error.strerror}", True, hint)
            else:
                good += digest == card.sha256
                if digest != card.sha256:
                    text = f"{card.path} is not the file that its card names (SHA-256)"
                    yield Finding("weights", path.stem, text, True, "copy both files again, or train again")
        yield Finding("weights", "folder", f"{folder}, {good} usable")


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _space(name: str, text: str, folder: Path) -> Finding:
    """A finding on the store, with the free space of its disk."""
    free = shutil.disk_usage(folder).free
    full = free < FULL_BYTES
    note = ": the disk is full" if full else ": little" if free < LOW_BYTES else ""
    hint = "free some disk space, or set MULL_STORE to a file on another disk" if full else ""
    return Finding("store", name, f"{text}, {_size(free)} free{note}", full, hint)


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
