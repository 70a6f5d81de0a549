"""The files of finished parts: outcomes of one method with one seed, and the declaration that they belong to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ..engine.problem import Problem
from ..engine.weights import write_file
from .experiment import Method


class Outcomes(NamedTuple):
    """The outcomes of a part.

    Args:
        columns: column -> one value for each problem.
        parameters: of the method's net; 0 without a training.
    """

    columns: dict[str, list[float]]
    parameters: int


class Parts:
    """The parts of an experiment in a folder, as JSON files. A part counts if its declaration is equal to this one.

    Args:
        folder: of the files.
        methods: lines of the table.
        sets: name -> problems.
        version: of mull.
        device: ``cpu`` or ``cuda``.
    """

    def __init__(
        self,
        folder: Path,
        methods: Sequence[Method],
        sets: Mapping[str, Sequence[Problem]],
        version: str,
        device: str,
    ) -> None:
        self.folder = folder
        digests = {name: [problem.digest for problem in problems] for name, problems in sets.items()}
        rest = {"problems": digests, "version": version, "device": device}
        self._identities = [_plain({"method": asdict(method), **rest}) for method in methods]

    def path(self, number: int, seed: int) -> Path:
        """The file of a part.

        Args:
            number: of the method, from 0.
            seed: of the part.
        """
        return self.folder / f"part-{number}-{seed}.json"

    def read(self, number: int, seed: int) -> Outcomes | None:
        """A finished part; None if there is none, or it is damaged or of another declaration.

        Args:
            number: of the method, from 0.
            seed: of the part.
        """
        try:
            part: Any = json.loads(self.path(number, seed).read_text())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(part, dict) or part.get("of") != self._identities[number]:
            return None
        columns, parameters = part.get("outcomes"), part.get("parameters")
        if not isinstance(columns, dict) or not columns or not isinstance(parameters, int):
            return None
        try:
            return Outcomes({name: _values(name, values) for name, values in columns.items()}, parameters)
        except (TypeError, ValueError):
            return None

    def write(self, number: int, seed: int, outcomes: Mapping[str, Sequence[float]], parameters: int) -> None:
        """Keep a part.

        Args:
            number: of the method, from 0.
            seed: of the part.
            outcomes: column -> one value for each problem.
            parameters: of the method's net.

        Raises:
            TypeError: they are not columns of numbers.
            ValueError: there is no column, a column is empty, or a number is not finite.
        """
        if not isinstance(outcomes, Mapping):
            raise TypeError(f"outcomes returned {type(outcomes).__name__}, not columns by name")
        if not outcomes:
            raise ValueError("outcomes returned no column")
        columns = {name: _values(name, values) for name, values in outcomes.items()}
        data = {"of": self._identities[number], "outcomes": columns, "parameters": parameters}
        write_file(self.path(number, seed), json.dumps(data).encode())


def _plain(given: Any) -> Any:
    """The value as JSON returns it."""
    return json.loads(json.dumps(given, default=str))


def _values(name: str, values: Any) -> list[float]:
    """The values of a column; raises ``TypeError`` or ``ValueError`` unless they are one finite number or more."""
    if not isinstance(name, str):
        raise TypeError(f"the name of column {name!r} is not a string")
    if hasattr(values, "tolist"):  # an array or a tensor
        values = values.tolist()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise TypeError(f"column {name!r} is {type(values).__name__}, not a list of numbers")
    if not values:
        raise ValueError(f"column {name!r} is empty")
    for value in values:
        if not isinstance(value, (bool, int, float)):
            raise TypeError(f"column {name!r} has a value of type {type(value).__name__}, not a number")
        if not math.isfinite(value):
            raise ValueError(f"column {name!r} has the value {value}, which is not finite")
    return list(values)
