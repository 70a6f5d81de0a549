"""All errors have one base class, and the program prints them in one form."""

from __future__ import annotations

import pickle
import pkgutil
from importlib import import_module

import pytest

import mull
from conftest import call
from mull.engine import GraphError, MullError, OptionError, Problem, Solution, Status, Unrecorded, Unsolved
from mull.engine.store import StoreError
from mull.engine.weights import CheckpointError
from mull.plugins import PluginError
from mull.plugins.conformance.base import ContractViolation
from mull.problems import InputError

MESSAGE, HINT = "what is wrong", "what to do"


def raised() -> list[MullError]:
    """One error of every class that mull defines."""
    special: dict[type[Exception], MullError] = {
        Unsolved: Unsolved([Solution(Problem(mull.ConstraintGraph({"a": [1]})), "cpsat", Status.UNSOLVED)]),
        Unrecorded: Unrecorded([], StoreError(MESSAGE, HINT)),
        ContractViolation: ContractViolation("a step", "none", HINT),
    }
    return [special[each] if each in special else each(MESSAGE, hint=HINT) for each in exceptions()]  # type: ignore[call-arg,misc]


def exceptions() -> list[type[Exception]]:
    """The exception classes that mull's modules define, without warnings."""
    found = []
    for module in pkgutil.walk_packages(mull.__path__, "mull."):
        if ".alembic" in module.name or module.name == "mull.__main__":  # only alembic can run its migrations
            continue
        try:
            held = vars(import_module(module.name))
        except ModuleNotFoundError as error:
            if error.name != "triton":  # installed only with a GPU
                raise
            continue
        for each in held.values():
            own = isinstance(each, type) and each.__module__ == module.name
            if own and issubclass(each, Exception) and not issubclass(each, Warning):
                found.append(each)
    return found


def test_all_errors_have_one_base() -> None:
    found = exceptions()
    assert {GraphError, InputError, StoreError, PluginError, CheckpointError, OptionError} <= set(found)
    assert [each for each in found if not issubclass(each, mull.MullError)] == []


def test_the_program_prints_every_error_with_its_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error in raised():

        def fail(url: str | None, error: MullError = error) -> str:
            raise error

        monkeypatch.setattr("mull.engine.store.location", fail)
        assert call("history", "path") == 2
        printed = capsys.readouterr()
        assert printed.err == f"error: {error}\nhint: {error.hint}\n"
        assert printed.out == ""


@pytest.mark.parametrize(
    ("kind", "usual"),
    [
        (GraphError, ValueError),
        (InputError, ValueError),
        (OptionError, ValueError),
        (CheckpointError, ValueError),
        (StoreError, RuntimeError),
        (PluginError, RuntimeError),
        (Unsolved, RuntimeError),
        (Unrecorded, RuntimeError),
    ],
)
def test_errors_are_also_standard_python_errors(kind: type[MullError], usual: type[Exception]) -> None:
    assert issubclass(kind, usual)


@pytest.mark.parametrize("kind", [MullError, GraphError, OptionError, StoreError, InputError])
def test_an_error_keeps_its_hint_when_it_is_pickled(kind: type[MullError]) -> None:
    again = pickle.loads(pickle.dumps(kind(MESSAGE, hint=HINT)))
    assert (type(again), str(again), again.hint) == (kind, MESSAGE, HINT)


def test_unknown_options_name_the_command_that_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:4", "-s", "descent", "-o", "nonsense=1") == 2
    assert capsys.readouterr().err.endswith("hint: solve solvers show descent\n")
