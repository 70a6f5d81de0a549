"""What other packages bring: found by entry point, listed without importing it, and harmless where it is broken."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from pathlib import Path

import pytest

from conftest import call, json_lines
from mull import __version__ as VERSION
from mull.engine import ConstraintGraph, GraphError
from mull.engine.constraints import KINDS
from mull.engine.registry import WORDS, entries
from mull.plugins import PluginError, installed, load
from mull.problems import InputError, families
from mull.problems import load as read


def install(
    folder: Path, distribution: str, points: dict[str, str], modules: dict[str, str], group: str = "mull.solvers"
) -> None:
    """What an installer leaves behind: modules and the distribution's metadata."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    return folder


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("broken:Broken", "raise RuntimeError('lost its weights')", "RuntimeError: lost its weights"),
        ("broken:Broken", "import a_module_that_is_nowhere", "a_module_that_is_nowhere"),
        ("broken:Broken", "import sys; sys.exit(3)", "SystemExit"),
        ("broken:Broken", "Broken = 7", "no subclass"),
        ("broken:Missing", "", "Missing"),
        ("nowhere:Broken", "", "nowhere"),
        (
            "broken:Broken",
            "from mull.engine import Solver\nclass Broken(Solver): name = 'broken'",
            "does not implement",
        ),
        ("broken:Broken", "from mull.plugins import load\nBroken = load('descent')", "calls itself 'descent'"),
    ],
)
def test_broken_plugin_is_reported_and_harms_nothing(
    site: Path, target: str, code: str, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    install(site, "acme-reasoners", {"broken": target}, {"broken": code})
    assert call("solvers") == 0  # listing imports nothing
    assert "acme-reasoners 1.0" in capsys.readouterr().out
    assert "broken" not in sys.modules
    assert call("solvers", "list", "--load") == 1
    assert says in capsys.readouterr().out
    for arguments in (("queens:5", "-s", "broken"), ("solvers", "show", "broken"), ("solvers", "check", "broken")):
        assert call(*arguments) == 2
        message = capsys.readouterr().err
        assert says in message
        assert "acme-reasoners 1.0" in message
        assert "Traceback" not in message
    assert call("queens:5", "-s", "localsearch") == 0


def test_names_that_two_packages_claim(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that names both, whoever they are; every other name works."""
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


# The one door -----------------------------------------------------------------------------------------------------------


def test_mull_s_own_come_through_the_same_door() -> None:
    own = {group: {entry.name for entry in entries(group) if entry.built_in} for group in WORDS}
    assert own["mull.solvers"] >= {
        "auto",
        "cpsat",
        "descent",
        "ebt",
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
    assert own["mull.backbones"] == {"lattice", "mixer", "tokens"}
    assert own["mull.commands"] >= {"run", "history", "solvers", "train"}
    for name in families():
        assert families()[name].name == name


@pytest.mark.parametrize(
    ("points", "code", "says"),
    [
        ({"walk": "walk"}, "", "'walk' is no module:attribute"),
        ({"walk": "walk:"}, "", "is no module:attribute"),
        ({"walk": "nowhere.at.all:Walk"}, "", "there is no module nowhere"),
        ({"walk": "walk.inner:Walk"}, "Walk = 1", "there is no module walk.inner"),
        ({"walk": "walk:Walk"}, "def f(:", "walk.py:1: "),
        ({"walk": "walk:Walk"}, "\nfrom absent_library.thing import x\nWalk = x", "walk.py:2: needs absent_library"),
        ({"walk": "walk:Walk"}, "class Talk: ...", "walk defines no Walk"),
        ({"walk": "walk:Walk"}, "import sys\nsys.exit()\nWalk = 1", "walk.py:2: ends the program"),
        ({"walk": "walk:Walk"}, "raise RuntimeError('no')", "walk.py:1: raises"),
    ],
)
def test_the_list_sees_what_is_broken(
    site: Path, points: dict[str, str], code: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "acme", points, {"walk": code})
    assert call("solvers", "--json") == 0
    out, err = capsys.readouterr()
    (row,) = (r for r in map(json.loads, out.splitlines()) if r["name"] == "walk")
    assert says in row["fault"]
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
def test_the_list_gives_the_benefit_of_the_doubt(site: Path, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "acme", {"walk": "walk:Walk"}, {"walk": code})
    assert call("solvers", "--json") == 0
    (row,) = (r for r in map(json.loads, capsys.readouterr().out.splitlines()) if r["name"] == "walk")
    assert row["fault"] is None


def test_the_list_reads_on_in_the_package(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A package that re-exports its solver from a module whose own import is missing."""
    install(site, "acme", {"walk": "acme_walk:Walk"}, {})
    (site / "acme_walk").mkdir()
    (site / "acme_walk" / "__init__.py").write_text("from .solver import Walk")
    (site / "acme_walk" / "solver.py").write_text("from . import state\nclass Walk: ...")
    (site / "acme_walk" / "state.py").write_text("import acme_walk.solver\nimport absent_library")
    assert call("solvers") == 0
    assert "broken: state.py:2: needs absent_library" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mull.solvers]\nwalk\n = :", "cannot be read"),
        ("[mull.solvers]\nwalk = a:A\nwalk = b:B\n", "already exists"),
        ("walk = a:A\n[mull.solvers]\n", "cannot be read"),
    ],
)
def test_a_list_of_entry_points_that_is_none(
    site: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "acme", {}, {})
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text(text)
    assert call("solvers") == 0
    out = capsys.readouterr().out
    assert "acme 1.0" in out
    assert says in out
    assert call("queens:5", "-s", "localsearch") == 0


def test_metadata_that_is_missing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "acme", {"walk": "walk:Walk"}, {"walk": "Walk = 1"})
    (site / "acme-1.0.dist-info" / "METADATA").unlink()
    assert call("solvers") == 0
    assert "without a name" in capsys.readouterr().out


def test_what_an_import_prints_is_no_data(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = "print('welcome to acme')\nfrom mull.plugins import load\nclass Walk(load('descent')):\n    name = 'walk'\n"
    install(site, "acme", {"walk": "loud_walk:Walk"}, {"loud_walk": code})
    assert call("queens:5", "-s", "walk", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["solver"] == "walk"
    assert "welcome to acme" in err


def test_a_slow_import_is_told(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(threading.Timer):
        """Whose time is up at once."""

        def start(self) -> None:
            self.function()

    monkeypatch.setattr(threading, "Timer", Impatient)
    install(site, "acme", {"slow": "acme_slow:Slow"}, {"acme_slow": "Slow = 1"})
    assert call("solvers", "show", "slow") == 2
    assert "still importing solver 'slow' of acme 1.0\n" in capsys.readouterr().err


# MULL_PLUGINS -----------------------------------------------------------------------------------------------------------


def test_mull_plugins_says_who_may_load(
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


# Commands ---------------------------------------------------------------------------------------------------------------

GREETING = 'import click\n@click.command()\ndef greet():\n    """Greets."""\n    {body}\n'


def test_commands_of_other_packages(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "click.echo('good morning')"
    install(site, "acme", {"greet": "acme_greet:greet"}, {"acme_greet": GREETING.format(body=body)}, "mull.commands")
    assert call("--help") == 0
    assert "greet    (acme 1.0)" in capsys.readouterr().out
    assert "acme_greet" not in sys.modules  # help runs nobody's code
    assert call("greet") == 0
    assert "good morning" in capsys.readouterr().out
    assert call("greet", "--loudly") == 2
    assert "error: " in capsys.readouterr().err


def test_broken_commands_spoil_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raising = GREETING.format(body="raise KeyError('name')")
    modules = {"acme_a": "import absent_library", "acme_b": "greet = 7", "acme_c": raising}
    points = {"absent": "acme_a:greet", "number": "acme_b:greet", "greet": "acme_c:greet", "queens": "nowhere:x"}
    install(site, "acme", points, modules, "mull.commands")
    install(site, "other", {"train": "acme_c:greet"}, {}, "mull.commands")
    assert call("--help") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "absent broken: acme 1.0: acme_a.py:1: needs absent_library" in out
    assert f"train broken: claimed by mull-solver {VERSION} and other 1.0" in out
    assert "queens broken: acme 1.0: there is no module nowhere" in out
    for name, says in {
        "absent": "absent_library",
        "number": "is no click.Command",
        "greet": "command 'greet' of acme 1.0 failed: KeyError: 'name'",
        "train": "other 1.0",
    }.items():
        assert call(name) == 2
        err = capsys.readouterr().err
        assert says in err
        assert "hint: " in err
        assert "Traceback" not in err
    assert call("queens:5", "-s", "localsearch") == 0
    assert call("solvers") == 0


# Problem families and constraint kinds ----------------------------------------------------------------------------------

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
        return Problem(ConstraintGraph(dict.fromkeys(names, range(len(names))), [AllDifferent(tuple(names))]), {}, "ring")
"""


def test_families_of_other_packages(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_a_family_claimed_twice(site: Path) -> None:
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


def test_constraint_kinds_of_other_packages(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    with pytest.raises(GraphError, match=r"unknown constraint kind 'Nothing' .*Before"):
        graph("Nothing")
    with pytest.raises(GraphError, match='has a "kind"'):
        graph(["Before"])


def test_listing_all_groups(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
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
