"""Commands, problem families and constraint kinds of other packages."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from conftest import call, install
from mull import __version__ as VERSION
from mull.engine import ConstraintGraph, GraphError
from mull.engine.constraints import KINDS
from mull.problems import InputError
from mull.problems import load as read

# Commands

GREETING = 'import click\n@click.command()\ndef greet():\n    """Greets."""\n    {body}\n'


def test_a_command_of_another_package_runs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "click.echo('good morning')"
    install(site, "acme", {"greet": "acme_greet:greet"}, {"acme_greet": GREETING.format(body=body)}, "mull.commands")
    assert call("--help") == 0
    assert re.search(r"^  greet +\(acme 1\.0\)$", capsys.readouterr().out, re.MULTILINE)
    assert "acme_greet" not in sys.modules  # help imports no plugin
    assert call("greet") == 0
    assert "good morning" in capsys.readouterr().out
    assert call("greet", "--loudly") == 2
    assert "error: " in capsys.readouterr().err


def test_a_broken_command_is_reported_and_others_work(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raising = GREETING.format(body="raise KeyError('name')")
    modules = {"acme_a": "import absent_library", "acme_b": "greet = 7", "acme_c": raising}
    points = {"absent": "acme_a:greet", "number": "acme_b:greet", "greet": "acme_c:greet", "queens": "nowhere:x"}
    install(site, "acme", points, modules, "mull.commands")
    install(site, "other", {"train": "acme_c:greet"}, {}, "mull.commands")
    assert call("--help") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "absent broken: acme 1.0: acme_a.py:1: imports absent_library" in out
    assert f"train broken: claimed by mull-solver {VERSION} and other 1.0" in out
    assert "queens broken: acme 1.0: module nowhere does not exist" in out
    for name, message in {
        "absent": "absent_library",
        "number": "is not a click.Command",
        "greet": "command 'greet' of acme 1.0 failed: KeyError: 'name'",
        "train": "other 1.0",
    }.items():
        assert call(name) == 2
        err = capsys.readouterr().err
        assert message in err
        assert "hint: " in err
        assert "Traceback" not in err
    assert call("queens:5", "-s", "localsearch") == 0
    assert call("solvers") == 0


# Problem families and constraint kinds

FAMILY = """
from mull.engine import AllDifferent, ConstraintGraph, Problem
from mull.problems.family import Family

class Ring(Family):
    name = "ring"
    summary = "rings"
    spec = "ring:N"
    suffixes = (".ring",)

    def recognises(self, text):
        return text.startswith("ring")

    def read(self, text, path, colors=None):
        return [self.generate(text.split()[1], 0)]

    def generate(self, spec, seed, colors=None):
        names = [f"v{i}" for i in range(int(spec))]
        graph = ConstraintGraph(dict.fromkeys(names, range(len(names))), [AllDifferent(tuple(names))])
        return Problem(graph, {}, "ring")
"""


def test_a_family_of_another_package_reads_and_solves(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "acme", {"ring": "acme_ring:Ring"}, {"acme_ring": FAMILY}, "mull.problems")
    install(site, "broken", {"wheel": "broken_wheel:Wheel"}, {"broken_wheel": "raise OSError('flat')"}, "mull.problems")
    (tmp_path / "a.ring").write_text("ring 4")
    (tmp_path / "b.txt").write_text("ring 3")
    assert [
        p.family for argument in ("ring:5", str(tmp_path / "a.ring"), str(tmp_path / "b.txt")) for p in read(argument)
    ]
    assert call("ring:4", str(tmp_path / "b.txt"), "-s", "localsearch") == 0
    assert call("history", "show", "last") == 0
    capsys.readouterr()
    assert call("wheel:4") == 2
    assert "problem family 'wheel' of broken 1.0 cannot be loaded: OSError: flat" in capsys.readouterr().err
    (tmp_path / "c.txt").write_text("what is this")
    assert call(str(tmp_path / "c.txt")) == 2
    err = capsys.readouterr().err
    assert "not recognised" in err
    assert "OSError: flat" in err
    assert call("ring:many") == 2
    assert "family ring (acme_ring) failed: ValueError" in capsys.readouterr().err
    assert call("queens:5", "-s", "localsearch") == 0


def test_a_family_that_two_packages_claim_is_an_error(site: Path) -> None:
    install(site, "acme", {"sudoku": "acme_ring:Ring"}, {"acme_ring": FAMILY}, "mull.problems")
    with pytest.raises(InputError, match=f"'sudoku' is claimed by mull-solver {VERSION} and acme 1.0"):
        read("sudoku:4")
    assert read("queens:5")


KIND = """
from dataclasses import dataclass
from mull.engine import Compare, Constraint

@dataclass(frozen=True)
class {name}(Compare):
    pass
"""


def test_a_constraint_kind_of_another_package_is_found_by_name(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mull.engine.constraints.KINDS", dict(KINDS))
    points = {"Before": "acme_kinds:Before", "After": "acme_kinds:Missing", "Never": "acme_absent:Never"}
    install(site, "acme", points, {"acme_kinds": KIND.format(name="Before")}, "mull.constraints")
    install(site, "other", {"After": "acme_kinds:Before"}, {}, "mull.constraints")

    def graph(kind: object) -> ConstraintGraph:
        constraint = {"kind": kind, "left": "a", "op": "<", "right": "b", "offset": 0}
        return ConstraintGraph.from_json({"variables": {"a": [1, 2], "b": [1, 2]}, "constraints": [constraint]})

    assert graph("Before").constraints[0].kind == "Before"
    with pytest.raises(GraphError, match=r"'After' is claimed by acme 1\.0 and other 1\.0"):
        graph("After")
    with pytest.raises(GraphError, match=r"'Never' of acme 1\.0 cannot be loaded: ModuleNotFoundError"):
        graph("Never")
    with pytest.raises(GraphError, match=r"unknown constraint kind .Nothing."):
        graph("Nothing")
    with pytest.raises(GraphError, match='has a "kind"'):
        graph(["Before"])
