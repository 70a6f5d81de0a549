"""Shell completion, called as the script for bash calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from mull.cli import cli
from mull.engine.store import Store


def offered(*words: str) -> list[str]:
    """Completions of the last word; ``<file>`` means that the shell completes a file name."""
    found = BashComplete(cli, {}, "solve", "_SOLVE_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return ["<file>" if item.type == "file" else str(item.value) for item in found]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queens.txt").touch()
    (tmp_path / "puzzles").mkdir()
    (tmp_path / "puzzles" / "one.txt").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("",), {"history", "train", "solvers", "replay", "queens:", "sat:", "queens.txt", "puzzles/"}),
        (("que",), {"queens:", "queens.txt"}),
        (("hist",), {"history"}),
        (("puzzles/o",), {"<file>"}),
        (("--sol",), {"--solver", "--solutions"}),
        (("queens:8", "sud"), {"sudoku:"}),
        (("queens:8", "puzzles/"), {"<file>"}),
        (("queens:8", "-s", "c"), {"cpsat"}),
        (("queens:8", "--device", "cu"), {"cuda", "cuda:all"}),
        (("train", "trm", "--device", "a"), {"auto"}),
        (("queens:8", "--on", ""), {"ray", "ray://"}),
        (("-s", "cpsat", "--li"), {"--limit"}),
        (("x.txt", "--family", "l"), {"latin"}),
        (("history", ""), {"list", "show", "compare", "plot", "export", "delete", "backup", "path", "upgrade"}),
        (("history", "--so"), {"--solver", "--sort"}),
        (("history", "-n", "3", "--status", "uns"), {"unsolved", "unsatisfiable", "unsupported"}),
        (("history", "plot", ""), {"run", "cactus", "solved", "target"}),
        (("history", "plot", "cactus", "--to", "x"), {"<file>"}),
        (("history", "export", "--to", ""), {"<file>"}),
        (("history", "--store", "r"), {"<file>"}),
        (("solvers", "show", "loc"), {"localsearch"}),
        (("solvers", "add", "p"), {"<file>"}),
        (("train", "lo"), {"localsearch", "looped"}),
        (("bench", "queens:8", "--solvers", "cp"), {"cpsat"}),
        (("bench", "queens:8", "--solvers", "cpsat,loc"), {"cpsat,localsearch"}),
    ],
)
def test_words_are_completed(words: tuple[str, ...], some: set[str]) -> None:
    found = offered(*words)
    assert some <= set(found)
    assert len(found) == len(set(found))
    assert all(value.startswith((words[-1], "<")) for value in found)


def test_ids_of_runs_are_completed(runs) -> None:  # type: ignore[no-untyped-def]
    made = [runs.one(), runs.one()]
    assert offered("history", "show", "") == []  # there is no store, and completion creates none
    with Store() as store:
        store.write(made)
    for words in (
        ("history", "show"),
        ("replay",),
        ("history", "plot", "run"),
        ("history", "delete"),
        ("history", "--before"),
    ):
        assert {s.id[-6:] for s in made} | {"last"} == set(offered(*words, ""))
    assert made[0].id[-6:] in offered("history", "show", made[0].id[-6:-1])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(shell: str) -> None:
    code = "import sys; from mull.cli import main; main([])"
    environment = {"_SOLVE_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert "_solve_completion" in done.stdout or "bash" in done.stderr


def test_completion_imports_nothing_heavy(runs) -> None:  # type: ignore[no-untyped-def]
    """A word is completed at each press of a key: torch, SQLAlchemy and numpy would be felt."""
    with Store() as store:
        store.write([runs.one()])
    code = (
        "import sys; from click.shell_completion import BashComplete; from mull.cli import cli\n"
        "offer = lambda *words: BashComplete(cli, {}, 'solve', '_C').get_completions(list(words[:-1]), words[-1])\n"
        "assert offer('--sol') and offer('-s', 'c') and offer('que') and len(offer('history', 'show', '')) == 2\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "sqlalchemy", "numpy", "alembic", "networkx", "numba"} & set(done.stdout.split())


def test_a_file_that_is_not_a_store_offers_no_ids(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no store")
    assert offered("history", "--store", str(tmp_path / "text.db"), "show", "") == []
    (tmp_path / "empty.db").touch()
    assert offered("replay", "--store", str(tmp_path / "empty.db"), "") == []
