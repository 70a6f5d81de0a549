"""The processes that solve the problems of a call: this one, or one for each of several GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .devices import usable_devices

if TYPE_CHECKING:
    from mull.engine.fleet import Fleet


def fleet_of(device: str) -> tuple[str, Fleet | None]:
    """The device of a call, and the processes that solve for it.

    Args:
        device: value of ``--device``.

    Returns:
        The device of each process, and the fleet; None for this process alone.

    Raises:
        MullError: a device cannot be used.
    """
    devices = usable_devices(device)
    if len(devices) == 1:
        return devices[0], None
    from mull.engine.fleet import Fleet, LocalCrew

    return devices[0].partition(":")[0], Fleet(LocalCrew(devices))


def refuse_followed(fleet: Fleet | None, **followed: bool) -> None:
    """Refuse options that follow a run step by step where other processes solve.

    Args:
        fleet: of the call, or None.
        followed: options by their names, with ``_`` for ``-``, and whether they are set.

    Raises:
        click.UsageError: one of them is set.
    """
    names = [f"--{name.replace('_', '-')}" for name, on in followed.items() if on]
    if fleet is not None and names:
        raise click.UsageError(f"{' and '.join(names)} cannot be used with several processes: use one device")
