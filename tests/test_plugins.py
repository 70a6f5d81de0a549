"""Solvers of other packages: found by entry point, listed without importing them, and harmless if they are broken."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from conftest import call, install, json_lines
from mull import __version__ as VERSION
from mull.engine.constraints import KINDS
from mull.engine.registry import WORDS, entries
from mull.plugins import PluginError, installed, load
from mull.problems import families


@pytest.mark.parametrize(
    ("target", "code", "expected"),
    [
        ("broken:Broken", "raise RuntimeError('lost its weights')", "RuntimeError: lost its weights"),
        ("broken:Broken", "import a_module_that_is_nowhere", "a_module_that_is_nowhere"),
        ("broken:Broken", "import sys; sys.exit(3)", "SystemExit"),
        ("broken:Broken", "Broken = 7", "not a subclass"),
        ("broken:Missing", "", "Missing"),
        ("nowhere:Broken", "", "nowhere"),
        (
            "broken:Broken",
            "from mull.engine import Solver\nclass Broken(Solver): name = 'broken'",
            "does not implement",
        ),
        ("broken:Broken", "from mull.plugins import load\nBroken = load('descent')", "has the name 'descent'"),
    ],
)
def test_a_broken_plugin_is_reported_and_other_solvers_work(
    site: Path,
    target: str,
    code: str,
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    install(site, "acme-reasoners", {"broken": target}, {"broken": code})
    assert call("solvers") == 0  # listing imports nothing
    assert "acme-reasoners 1.0" in capsys.readouterr().out
    assert "broken" not in sys.modules
    assert call("solvers", "list", "--load") == 1
    assert expected in capsys.readouterr().out
    for arguments in (("queens:5", "-s", "broken"), ("solvers", "show", "broken"), ("solvers", "check", "broken")):
        assert call(*arguments) == 2
        message = capsys.readouterr().err
        assert expected in message
        assert "acme-reasoners 1.0" in message
        assert "Traceback" not in message
    assert call("queens:5", "-s", "localsearch") == 0


def test_a_name_that_two_packages_claim_is_an_error(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names both packages; every other name works."""
    walk = "from mull.plugins import load\nWalk = load('descent')"
    install(site, "first-walk", {"walk": "walk:Walk", "descent": "walk:Walk"}, {"walk": walk})
    install(site, "other-walk", {"walk": "walk:Walk"}, {})
    assert [e.distribution for e in installed() if e.name == "walk"] == ["first-walk", "other-walk"]
    for name, claims in {
        "walk": "first-walk 1.0 and other-walk 1.0",
        "descent": f"mull-solver {VERSION} and first-walk 1.0",
    }.items():
        with pytest.raises(PluginError, match=f"{name!r} is claimed by {claims}") as caught:
            load(name)
        assert "first-walk" in caught.value.hint
        assert call("solvers") == 0
        assert f"broken: claimed by {claims}" in capsys.readouterr().out
    assert load("localsearch").__module__ == "mull.solvers.localsearch"


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(PluginError, match="unknown solver 'desent'") as caught:
        load("desent")
    assert caught.value.hint == "did you mean descent?"


def test_mull_s_own_parts_are_entry_points_too() -> None:
    own = {group: {entry.name for entry in entries(group) if entry.built_in} for group in WORDS}
    assert own["mull.solvers"] >= {
        "auto",
        "cpsat",
        "descent",
        "ebt",
        "fixed",
        "gram",
        "hrm",
        "ired",
        "localsearch",
        "looped",
        "probsat",
        "tabu",
        "trm",
    }
    assert own["mull.problems"] == set(families())
    assert own["mull.constraints"] <= set(KINDS)
    assert own["mull.backbones"] == {"lattice", "mixer", "scopes", "tokens"}
    assert own["mull.commands"] >= {"run", "history", "solvers", "train"}
    for name in families():
        assert families()[name].name == name


@pytest.mark.parametrize(
    ("points", "code", "expected"),
    [
        ({"walk": "walk"}, "", "'walk' is not of the form module:attribute"),
        ({"walk": "walk:"}, "", "is not of the form module:attribute"),
        ({"walk": "nowhere.at.all:Walk"}, "", "module nowhere does not exist"),
        ({"walk": "walk.inner:Walk"}, "Walk = 1", "module walk.inner does not exist"),
        ({"walk": "walk:Walk"}, "def f(:", "walk.py:1: "),
        ({"walk": "walk:Walk"}, "\nfrom absent_library.thing import x\nWalk = x", "walk.py:2: imports absent_library"),
        ({"walk": "walk:Walk"}, "class Talk: ...", "walk does not define Walk"),
        ({"walk": "walk:Walk"}, "import sys\nsys.exit()\nWalk = 1", "walk.py:2: exits the program"),
        ({"walk": "walk:Walk"}, "raise RuntimeError('no')", "walk.py:1: raises an error"),
    ],
)
def test_the_list_reports_faults_that_the_source_shows(
    site: Path, points: dict[str, str], code: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "acme", points, {"walk": code})
    assert call("solvers", "--json") == 0
    out, err = capsys.readouterr()
    (row,) = (r for r in map(json.loads, out.splitlines()) if r["name"] == "walk")
    assert expected in row["fault"]
    assert "1 of " in err
    assert "walk" not in sys.modules


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    import absent_library\nexcept ImportError:\n    absent_library = None\nclass Walk: ...",
        "import typing\nif typing.TYPE_CHECKING:\n    import absent_library\nclass Walk: ...",
        "def make():\n    import absent_library\nWalk = make",
        "globals()['Walk'] = 1",
        "def __getattr__(name): return 1",
        "from importlib import *",
        "import os.path\nif os.name:\n    Walk = 1",
        "import xml.dom, collections.abc as Walk",
    ],
)
def test_the_list_accepts_names_that_are_decided_at_run_time(
    site: Path, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "acme", {"walk": "walk:Walk"}, {"walk": code})
    assert call("solvers", "--json") == 0
    (row,) = (r for r in map(json.loads, capsys.readouterr().out.splitlines()) if r["name"] == "walk")
    assert row["fault"] is None


def test_the_list_reads_the_modules_that_a_package_imports(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A package that re-exports its solver from a module whose own import is missing."""
    install(site, "acme", {"walk": "acme_walk:Walk"}, {})
    (site / "acme_walk").mkdir()
    (site / "acme_walk" / "__init__.py").write_text("from .solver import Walk")
    (site / "acme_walk" / "solver.py").write_text("from . import state\nclass Walk: ...")
    (site / "acme_walk" / "state.py").write_text("import acme_walk.solver\nimport absent_library")
    assert call("solvers") == 0
    assert "broken: state.py:2: imports absent_library" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mull.solvers]\nwalk\n = :", "cannot be read"),
        ("[mull.solvers]\nwalk = a:A\nwalk = b:B\n", "already exists"),
        ("walk = a:A\n[mull.solvers]\n", "cannot be read"),
    ],
)
def test_an_invalid_list_of_entry_points_is_reported(
    site: Path, text: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "acme", {}, {})
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text(text)
    assert call("solvers") == 0
    out = capsys.readouterr().out
    assert "acme 1.0" in out
    assert expected in out
    assert call("queens:5", "-s", "localsearch") == 0


def test_a_package_without_metadata_is_listed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "acme", {"walk": "walk:Walk"}, {"walk": "Walk = 1"})
    (site / "acme-1.0.dist-info" / "METADATA").unlink()
    assert call("solvers") == 0
    assert "without a name" in capsys.readouterr().out


def test_output_of_an_import_goes_to_stderr(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = "print('welcome to acme')\nfrom mull.plugins import load\nclass Walk(load('descent')):\n    name = 'walk'\n"
    install(site, "acme", {"walk": "loud_walk:Walk"}, {"loud_walk": code})
    assert call("queens:5", "-s", "walk", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["solver"] == "walk"
    assert "welcome to acme" in err


def test_a_slow_import_is_reported(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(threading.Timer):
        """Calls its function at once."""

        def start(self) -> None:
            self.function()

    monkeypatch.setattr(threading, "Timer", Impatient)
    install(site, "acme", {"slow": "acme_slow:Slow"}, {"acme_slow": "Slow = 1"})
    assert call("solvers", "show", "slow") == 2
    assert "still importing solver 'slow' of acme 1.0\n" in capsys.readouterr().err


def test_mull_plugins_limits_the_packages_that_load(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from mull.plugins import load\nclass Walk(load('descent')):\n    name = 'walk'\n"
    install(site, "Acme.Walk", {"walk": "acme_walk:Walk"}, {"acme_walk": code})
    install(site, "other", {"run": "absent_module:Run"}, {})
    for value, there in {
        None: ["run", "walk"],
        "": [],
        "acme-walk": ["walk"],
        " other , acme_walk": ["run", "walk"],
    }.items():
        monkeypatch.delenv("MULL_PLUGINS", raising=False)
        if value is not None:
            monkeypatch.setenv("MULL_PLUGINS", value)
        assert [e.name for e in installed() if not e.built_in] == there
        assert {e.name for e in installed() if e.built_in} >= {"descent", "cpsat"}
    monkeypatch.setenv("MULL_PLUGINS", "other,akme-walk")
    assert call("solvers", "show", "walk") == 2
    err = capsys.readouterr().err
    assert "MULL_PLUGINS names 'akme-walk', which is not installed" in err
    assert "MULL_PLUGINS leaves out solver 'walk' of Acme.Walk 1.0" in err
    assert "hint: MULL_PLUGINS=Acme.Walk" in err
    monkeypatch.setenv("MULL_PLUGINS", "acme_walk")
    assert call("queens:5", "-s", "walk") == 0


def test_the_list_has_all_groups(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "acme", {"ring": "absent_ring:Ring"}, {}, "mull.problems")
    assert call("solvers", "list", "--all", "--json") == 0
    rows = json_lines(capsys.readouterr().out)
    assert {row["kind"] for row in rows} == set(WORDS.values())
    assert [row["name"] for row in rows if row["fault"]] == ["ring"]
    install(
        site,
        "other",
        {"sat": "other_sat:Sat", "wheel": "other_wheel:Wheel"},
        {"other_wheel": "Wheel = 1"},
        "mull.problems",
    )
    assert call("solvers", "list", "--all", "--load", "--json") == 1
    rows = json_lines(capsys.readouterr().out)
    assert [row["name"] for row in rows if row["fault"]] == ["sat", "ring", "sat", "wheel"]
    assert all(row["summary"] for row in rows if not row["fault"])


def test_a_solver_is_shown_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("solvers", "show", "looped", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["options"]["segments"] | {"description": ""} == {
        "default": 64,
        "minimum": 1,
        "type": "integer",
        "description": "",
    }
    assert shown["supports"]["AllDifferent"] is None
    assert "looped-sudoku" in [card["name"] for card in shown["weights"]]
    assert shown["citation"]
    assert shown["package"] == f"mull-solver {VERSION}"
