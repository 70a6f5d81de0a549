"""New packages and the examples: each is installed and tested in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mull.plugins import PluginError, new

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "mull-bifurcation"
LEARNED = ROOT / "examples" / "mull-binairo"


class Environment:
    """A virtual environment with the packages of this one, into which a package is installed."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder, self.package = folder, package
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = str(folder / "bin" / "python")
        outer = sysconfig.get_path("purelib")
        inner = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        Path(inner, "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
        pip = [self.python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        self.run(*pip, "--no-cache-dir", str(package))

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        environment |= {"OMP_NUM_THREADS": "1", "MULL_WEIGHTS": str(self.folder / "weights")}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def solve(self, *arguments: str) -> str:
        return self.run(self.python, "-c", "from mull.cli import main; main()", *arguments).stdout

    def pytest(self) -> str:
        return self.run(self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=self.package).stdout


def test_the_example_of_a_solver_installs_and_solves(tmp_path: Path) -> None:
    # A copy: building leaves things in the folder.
    inside = Environment(tmp_path / "venv", Path(shutil.copytree(EXAMPLE, tmp_path / EXAMPLE.name)))
    answers = [
        json.loads(line) for line in inside.solve("queens:8", "sudoku:4", "-s", "bifurcation", "--json").splitlines()
    ]
    assert [(a["solver"], a["status"]) for a in answers] == [("bifurcation", "solved")] * 2
    rows = {row["name"]: row for row in map(json.loads, inside.solve("solvers", "--json").splitlines())}
    assert rows["bifurcation"]["package"] == "mull-bifurcation"
    assert rows["bifurcation"]["fault"] is None
    assert "15 passed" in inside.pytest()


def test_the_example_uses_only_the_public_api() -> None:
    text = (EXAMPLE / "src" / "mull_bifurcation" / "__init__.py").read_text()
    assert [line for line in text.splitlines() if "mull" in line and "import" in line] == [
        "from mull.engine import ConstraintGraph, Info, Instance, Random, Solver"
    ]


def test_a_new_package_installs_and_solves(tmp_path: Path) -> None:
    inside = Environment(tmp_path / "venv", new("tabu-walk", tmp_path / "mull-tabu-walk"))
    assert json.loads(inside.solve("queens:8", "--solver", "tabu-walk", "--json"))["solver"] == "tabu-walk"
    assert "FAIL" not in inside.solve("solvers", "check", "tabu-walk")
    assert "15 passed" in inside.pytest()


def test_a_new_learned_package_trains_and_solves(tmp_path: Path) -> None:
    """The training is that of its README, but shorter. Its own tests train again."""
    inside = Environment(tmp_path / "venv", new("hum", tmp_path / "mull-hum", kind="learned"))
    inside.solve("train", "hum", "--data", "sudoku:4:0.4", "--steps", "60", "-o", "block=1", "-o", "validation=0")
    answer = json.loads(inside.solve("sudoku:4:0.4", "-s", "hum", "--json"))
    assert (answer["solver"], answer["status"]) == ("hum", "solved")
    assert "FAIL" not in inside.solve("solvers", "check", "hum")
    assert "16 passed" in inside.pytest()


@pytest.mark.parametrize(
    ("kind", "name", "passed"), [("whole", "dive", 10), ("family", "halves", 5), ("constraint", "NotAllAlike", 3)]
)
def test_new_packages_pass_their_own_tests(kind: str, name: str, passed: int, tmp_path: Path) -> None:
    made = new(name, tmp_path / "made", kind=kind)
    environment = {**os.environ, "PYTHONPATH": str(made / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", str(made), "-p", "no:cacheprovider"]
    ran = subprocess.run(command, cwd=made, env=environment, check=False, capture_output=True, text=True)
    assert not ran.returncode, ran.stdout
    assert f"{passed} passed" in ran.stdout, ran.stdout


def test_a_constraint_kind_is_a_class_name(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="'bucket-limit' is not a valid constraint kind name"):
        new("bucket-limit", tmp_path / "made", kind="constraint")
    with pytest.raises(PluginError, match="the constraint kind name 'AllDifferent' is taken"):
        new("AllDifferent", tmp_path / "made", kind="constraint")


@pytest.mark.parametrize("name", ["", "Walk", "1walk", "tabu_walk", "a--b", "class", "../up", "x" * 41, "descent"])
def test_an_invalid_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError):
        new(name, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.tex").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for folder in (tmp_path / "used", tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(PluginError):
            new("walk", folder)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "thesis.tex", "used"]


def test_the_example_of_a_learned_solver_trains_and_solves(tmp_path: Path) -> None:
    """A plugin's solver, family, stream and backbone work like mull's own, without a change of mull."""
    package = Path(shutil.copytree(LEARNED, tmp_path / LEARNED.name))
    inside = Environment(tmp_path / "venv", package)
    short = ("--data", "binairo:4:0.5", "-o", "block=1", "-o", "validation=0")
    inside.solve("train", "gated", *short, "--steps", "80", "--name", "mine")
    cards = [json.loads(line) for line in inside.solve("weights", "list", "--json").splitlines()]
    assert [(card["name"], card["solver"]) for card in cards if card["own"]] == [("mine", "gated")]
    for call in (("gated",), ("auto", "-o", "first=0")):
        answer = json.loads(inside.solve("binairo:4:0.7", "-s", *call, "--json"))
        assert (answer["solver"], answer["status"]) == ("gated", "solved")
    # Its solver as a plain file, and mull's own solver on its backbone.
    aside = tmp_path / "aside"
    plain = str(package / "src" / "mull_binairo" / "solver.py")
    for solver, *options in ((plain,), ("looped", "-o", "backbone=board")):
        inside.solve("train", solver, *options, *short, "--steps", "2", "--out", str(aside))
    assert sorted(path.stem for path in aside.glob("*.json")) == ["gated-binairo-4-0-5", "looped-binairo-4-0-5"]
    weights = str(aside / "looped-binairo-4-0-5.safetensors")
    solver = f"mull.solver('looped', weights={weights!r})"
    inside.run(
        inside.python, "-c", f"import mull; from mull.solvers.kinds import check_weights; check_weights({solver})"
    )
    assert "FAIL" not in inside.solve("solvers", "check", "gated")
    rows = [json.loads(row) for row in inside.solve("solvers", "list", "--all", "--load", "--json").splitlines()]
    ours = {(row["kind"], row["name"]) for row in rows if row["package"] == "mull-binairo" and row["fault"] is None}
    assert ours == {("solver", "gated"), ("problem family", "binairo"), ("backbone", "board")}
    assert "24 passed" in inside.pytest()
