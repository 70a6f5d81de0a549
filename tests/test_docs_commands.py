"""The command lines of the pages run, or at least parse.

Lines that start with ``$`` in blocks ``console`` run in order, page by page, in a folder with the files that the pages
name. Limits and trainings are cut. A comment ``<!-- not run: REASON -->`` above a block says why it does not run; its
lines are then parsed by the program, which finds unknown commands and options.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

import click
import pytest

from conftest import call
from mull.cli import cli
from mull.problems.sudoku import stream as sudoku

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "problems/examples"
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```console" in page.read_text()
]
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^>]+?) -->\n)?^```console\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE
)
OTHER_PROGRAMS = {"make", "pip", "git", "cd", "python", "torchrun", "taskset", "createdb", "export", ".", "for", "ray"}
"""Programs of lines that do not run: they install, measure, or need another machine."""

CUT = {
    "--limit": "1s",
    "--limit-each": "0.1s",
    "--minutes": "0.01",
    "--steps": "1",
    "--count": "2",
    "--loops": "2",
    "--jobs": "1",
    "--solutions": "5",
}
"""Options whose values are replaced."""
ADDED = {
    "run": ("--limit", "1s"),
    "analyse": ("--count", "2", "--loops", "2", "--no-figures"),
    "train": ("-q", "--workers", "0"),
}
"""Options that are added to a command, before those of the page."""
ENDED = (0, 1, 10)
"""Exit statuses of lines: solved, not solved within the short limit, and satisfiable of ``--competition``."""
PLACEHOLDERS = {"NAME": "cpsat", "ID": "last", "[--json]": "--json"}
SMALLER = {
    "looped-sudoku": "looped-four",
    "trm-sudoku": "looped-four",
    "sudoku:9": "sudoku:4",
    "sudoku:9:10-99": "sudoku:4",
}
"""Weights and boards in lines of ``solve analyse`` -> smaller ones."""
FILES = {
    "instance.cnf": "random3.cnf",
    "formula.cnf": "random3.cnf",
    "graph.col": "petersen.col",
    "timetable.fzn": "money.fzn",
    "timetable.json": "zebra.json",
    "model.py": "knapsack.py",
    "boards/one.txt": "latin.latin",
    "instances/petersen.col": "petersen.col",
    "instances/random3.cnf": "random3.cnf",
}
"""Files that the pages name -> the example that stands for them."""
WALK = '''\
from mull.solvers.descent import Descent


class Walk(Descent):
    """A solver in a plain file."""

    name = "walk"
'''


@dataclass(frozen=True)
class Line:
    """A command line of a page.

    Args:
        place: page, number and text.
        words: of the shell.
        runs: whether it runs; otherwise it is parsed.
    """

    place: str
    words: Sequence[str]
    runs: bool


def lines(page: Path) -> Iterator[Line]:
    """The command lines of a page."""
    text = page.read_text()
    for block in BLOCK.finditer(text):
        first = text[: block.start("text")].count("\n") + 1
        body = block["text"].replace("\\\n", "  ")
        for number, line in enumerate(body.splitlines(), first):
            if line.startswith("$ "):
                for part in line[2:].split(" && "):
                    place = f"{page.name}:{number}: {part}"
                    yield Line(place, shlex.split(os.path.expandvars(part), comments=True), block["reason"] is None)


def parse(words: Sequence[str]) -> None:
    """Parse the arguments of ``solve`` without running the command."""
    context = cli.make_context("solve", list(words))
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert inner is not None
        command, context = inner, inner.make_context(name, rest, parent=context)


def shortened(words: Sequence[str]) -> list[str]:
    """The words of a line with small limits and without a redirection; patterns and placeholders are replaced."""
    words = words[: words.index(">")] if ">" in words else words
    cut = [CUT.get(before, PLACEHOLDERS.get(word, word)) for before, word in zip(["", *words], words, strict=False)]
    found = [name for word in cut for name in (sorted(glob(word)) or [word] if "*" in word else [word])]
    command = found[0] if found[0] in cli.list_commands(click.Context(cli)) else "run"
    own = found[1:] if found[0] == command else found
    own = [SMALLER.get(word, word) for word in own] if command == "analyse" else own
    options = [word for word in own if word.startswith("-")]
    added = ADDED.get(command, ())
    if command == "run" and "--limit-each" in options:
        added = ()
    return [command, *added, *own]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name, and a store with five runs."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "problems").mkdir()
    (folder / "problems/examples").symlink_to(EXAMPLES)
    for name, example in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(EXAMPLES / example, folder / name)
    (folder / "puzzles.csv").write_text("puzzle\n1234341221434321\n")
    (folder / "more.txt").write_text("queens:6\n")
    (folder / "walk.py").write_text(WALK)
    for solver in ("cpsat", "descent"):
        assert call("queens:6", "latin:4", "--solver", solver, "-q", "--store", str(folder / "store.db")) == 0
    learned = ("sudoku:4", "--solver", "looped", "-o", "weights=looped-four", "--limit", "2s")
    assert call(*learned, "-q", "--store", str(folder / "store.db")) in (0, 1)
    for name in ("a.db", "b.db", "runs-1.db"):
        shutil.copy(folder / "store.db", folder / name)
    return folder


@pytest.fixture
def _workplace(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the prepared folder, as the working folder."""
    shutil.copytree(prepared, tmp_path / "work", symlinks=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("MULL_STORE", str(tmp_path / "work" / "store.db"))
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {**sudoku.SHARE_CHUNK, 4: 64})


@pytest.mark.usefixtures("_workplace", "_boards_once")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT).with_suffix("")))
def test_command_lines_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in lines(page):
        program, *words = line.words
        if program == "make":
            assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(), line.place
        elif program != "solve":
            assert program in OTHER_PROGRAMS or not line.runs, f"{line.place}: unknown program"
        elif not line.runs:
            parse(words)
        else:
            assert call(*shortened(words)) in ENDED, f"{line.place}\n{capsys.readouterr().err}"


def test_a_wrong_option_or_command_is_found() -> None:
    with pytest.raises(click.UsageError, match="no-such-option"):
        parse(["queens:8", "--no-such-option"])
    with pytest.raises(click.UsageError, match="no-such-command"):
        parse(["history", "no-such-command"])
    parse(["queens:8", "--limit", "3s"])


def test_blocks_that_do_not_run_state_a_reason(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: installs -->\n```console\n$ pip install .\n```\n```console\n$ solve queens:8  # x\n```\n"
    )
    assert [(line.words[0], line.runs) for line in lines(page)] == [("pip", False), ("solve", True)]
