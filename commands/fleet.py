"""The processes that solve the problems of a call: this one, one for each of several devices, or Ray actors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from .common import TextType
from .devices import usable_devices

if TYPE_CHECKING:
    from mull.engine.fleet import Fleet


class Cluster(TextType):
    """A cluster as ``ray`` or ``ray://HOST:PORT``."""

    name = "cluster"

    def parse(self, text: str) -> str:
        """The text itself.

        Raises:
            ValueError: the text names neither Ray nor the address of a Ray cluster.
        """
        if re.fullmatch(r"ray(://\S+:[0-9]{1,5})?", text) is None:
            raise ValueError(f"{text[:40]!r} is not a cluster: use ray or ray://HOST:PORT")
        return text


def fleet_of(device: str, on: str | None = None, cores: int | None = None) -> tuple[str, Fleet | None]:
    """The device of a call, and the processes that solve for it.

    Args:
        device: value of ``--device``.
        on: value of ``--on``.
        cores: value of ``--cores``.

    Returns:
        The device of each process, and the fleet; None for this process alone.

    Raises:
        click.UsageError: the options exclude each other.
        MullError: a device or the cluster cannot be used.
    """
    if on is not None:
        if device not in ("auto", "cpu", "cuda"):
            raise click.UsageError("--on takes --device auto, cpu or cuda: an actor has a GPU, or cores")
        from mull.engine.fleet import Fleet, RayCrew

        crew = RayCrew(None if on == "ray" else on, device, cores or 1)
        return crew.device, Fleet(crew)
    if cores is not None:
        raise click.UsageError("--cores needs --on")
    devices = usable_devices(device)
    if len(devices) == 1:
        return devices[0], None
    from mull.engine.fleet import Fleet, LocalCrew

    return devices[0].partition(":")[0], Fleet(LocalCrew(devices))


def refuse_followed(several: bool, **followed: bool) -> None:
    """Refuse options that follow a run step by step where other processes solve.

    Args:
        several: whether other processes solve.
        followed: options by their names, with ``_`` for ``-``, and whether they are set.

    Raises:
        click.UsageError: one of them is set.
    """
    names = [f"--{name.replace('_', '-')}" for name, on in followed.items() if on]
    if several and names:
        raise click.UsageError(f"{' and '.join(names)} cannot be used with several processes: use one device")
