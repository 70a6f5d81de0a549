"""Deprecated names and options work as before, and state their replacement once a call."""

from __future__ import annotations

from typing import Any

import click
import pytest

import mull
from mull.commands.common import renamed_option
from mull.engine import store
from mull.engine.deprecation import MullDeprecationWarning, deprecated, renamed


@deprecated("0.2", "0.3", use="twice")
def double(number: int, *, plus: int = 0) -> int:
    """Twice a number."""
    return 2 * number + plus


@deprecated("0.2", "0.3", use="Table")
class Grid:
    """Rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows


class Board(Grid):
    """A subclass of a deprecated class."""


def test_a_function_works_and_warns_at_the_caller() -> None:
    with pytest.warns(
        MullDeprecationWarning, match=r"double is deprecated since 0\.2 .* removed in 0\.3: use twice"
    ) as seen:
        assert double(3, plus=1) == 7
    assert [w.filename for w in seen] == [__file__]
    assert double.__name__ == "double"
    assert "deprecated:: 0.2" in (double.__doc__ or "")


def test_a_class_works_and_warns_at_the_caller() -> None:
    with pytest.warns(MullDeprecationWarning, match="Grid is deprecated .* use Table") as seen:
        made = Grid(rows=2)
    assert made.rows == 2
    assert isinstance(made, Grid)
    assert [w.filename for w in seen] == [__file__]
    assert Board(3).rows == 3  # warnings are errors here: none was raised


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, {}), ({"rate": 1}, {"rate": 1}), ({"doubt": 2, "rate": 1}, {"undecided": 2, "rate": 1})],
)
def test_renamed_options_keep_their_values(given: dict[str, Any], expected: dict[str, Any]) -> None:
    names = {"doubt": "undecided"}
    if "doubt" in given:
        with pytest.warns(MullDeprecationWarning, match="option doubt is deprecated .* use undecided"):
            assert renamed(given, names, "0.2", "0.3") == expected
    else:
        assert renamed(given, names, "0.2", "0.3") == expected


def test_an_option_under_both_names_is_refused() -> None:
    with pytest.raises(TypeError, match="option undecided is given twice: doubt is its old name"):
        renamed({"doubt": 1, "undecided": 2}, {"doubt": "undecided"}, "0.2", "0.3")


def test_former_flags_set_the_same_value_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @renamed_option("--data", former=("--on",), multiple=True)
    @renamed_option("--name", "-n", "title", former=("--as", "--called"))
    def show(data: tuple[str, ...], title: str | None) -> None:
        click.echo(f"{data} {title}")

    show.main(["--on", "a", "--data", "b", "--on=c", "--called", "d"], standalone_mode=False)
    out, err = capsys.readouterr()
    assert out == "('a', 'b', 'c') d\n"
    assert err.splitlines() == [
        f"warning: {former} is deprecated since 0.2 and will be removed in 0.3: use {present}"
        for former, present in [("--on", "--data"), ("--on", "--data"), ("--called", "--name")]
    ]
    show.main(["--help"], standalone_mode=False)
    assert "--on" not in capsys.readouterr().out


def test_a_module_finds_a_renamed_class_under_its_former_name() -> None:
    with pytest.warns(MullDeprecationWarning, match=r"store\.Duel is deprecated since 0\.2 .* use .*PairwiseTest"):
        assert store.Duel is store.PairwiseTest
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = store.Nothing


def test_the_former_error_of_the_commands_is_the_base_of_all_errors() -> None:
    from mull.commands import common

    with pytest.warns(
        MullDeprecationWarning, match=r"common\.Failure is deprecated .* use mull\.commands\.common\.MullError"
    ):
        assert common.Failure is mull.MullError  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="nothing"):
        common.nothing  # type: ignore[attr-defined]  # noqa: B018
