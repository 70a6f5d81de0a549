"""Solvers of other packages: a new one works at once, a broken one harms nothing."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mull import __version__ as VERSION
from mull.cli import main
from mull.plugins import PluginError, installed, load, new
from mull.plugins.conformance import CHECKS, Check

SOLVE = [sys.executable, "-c", "from mull.cli import main; main()"]


def install(folder: Path, distribution: str, points: dict[str, str], modules: dict[str, str]) -> None:
    """What an installer leaves behind: modules and the distribution's metadata."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[mull.solvers]", *lines, ""]))
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


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize("name", ["auto", "cpsat", "descent", "localsearch", "meanfield"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_built_in_solvers_keep_the_contract(name: str, check: Check) -> None:
    check(load(name))


def test_new_package_installs_and_works(tmp_path: Path) -> None:
    """``solvers new``, then pip, then the program in another process, as a plugin's author would."""
    folder = new("tabu-walk", tmp_path / "mull-tabu-walk")
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(folder)], check=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}

    def solve(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*SOLVE, *arguments], check=False, env=environment, capture_output=True, text=True)

    solved = solve("queens:8", "--solver", "tabu-walk", "--json")
    assert (solved.returncode, json.loads(solved.stdout)["solver"]) == (0, "tabu-walk"), solved.stderr
    checked = solve("solvers", "check", "tabu-walk")
    assert checked.returncode == 0, checked.stdout
    shown = solve("solvers", "show", "tabu-walk")
    assert "patience" in shown.stdout
    assert "tabu-walk" in solve("solvers", "--json").stdout


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
        "descent": f"mull {VERSION} and first-walk 1.0",
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


@pytest.mark.parametrize("name", ["", "Walk", "1walk", "tabu_walk", "a--b", "class", "../up", "x" * 41, "descent"])
def test_names_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError):
        new(name, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_folders_refused(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.tex").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for folder in (tmp_path / "used", tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(PluginError):
            new("walk", folder)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "thesis.tex", "used"]
