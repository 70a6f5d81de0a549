"""The program on a pseudo-terminal: its output is read by a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from rich.text import Text

from conftest import call
from mull import terminal as output
from mull.engine import Progress
from mull.engine.status import amount
from mull.problems import load

ROWS = 24
FAMILIES = ("queens:10", "coloring:12:0.4:4", "sat:30", "latin:8:0.6", "sudoku:4", "maze:9x9")
SLOW = re.compile(r"still importing .*")  # printed on a busy machine
SECONDS = re.compile(r"\d+\.\d+s")


class Terminal:
    """A pseudo-terminal of 24 rows, with the lines that were scrolled off it."""

    def __init__(self, columns: int, *arguments: str, **variables: str) -> None:
        self.screen = pyte.HistoryScreen(columns, ROWS, history=5000)
        self.stream = pyte.ByteStream(self.screen)
        self.outside, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        environment |= {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1", **variables}
        self.data = b""
        command = [sys.executable, "-m", "mull", *arguments]
        self.process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment)
        os.close(inside)

    def read(self, enough: Callable[[str], bool] = lambda text: False) -> str:
        """All lines that were shown, until the program ends or ``enough`` accepts them."""
        while not enough(self.text):
            try:
                data = os.read(self.outside, 1 << 16)
            except OSError:  # the other side is closed
                data = b""
            if not data:
                self.process.wait()
                os.close(self.outside)
                break
            self.data += data
            self.stream.feed(data)
        return self.text

    @property
    def text(self) -> str:
        gone = ["".join(line[x].data for x in range(self.screen.columns)) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in (*gone, *self.screen.display))


def plain(text: str) -> str:
    """Text without blanks and line ends, because a terminal wraps lines, and without what depends on the machine's speed."""
    return SECONDS.sub("", "".join(SLOW.sub("", text).split()))


def piped(*arguments: str) -> str:
    command = [sys.executable, "-m", "mull", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, ...], str]:
    """Output of commands in a pipe, by command."""
    return {}


FAMILY_ANSWERS = (*FAMILIES, "queens:30", "-s", "cpsat")
WATCHED = ("sudoku:9:0.5", "queens:28", "-s", "localsearch", "--iterations", "3000", "--watch")


@pytest.mark.parametrize(
    ("arguments", "columns"),
    [*((FAMILY_ANSWERS, columns) for columns in (60, 80, 200)), *((WATCHED, columns) for columns in (60, 120))],
    ids=["families-60", "families-80", "families-200", "watch-60", "watch-120"],
)
# Each command has an answer that is taller than the screen.
@pytest.mark.slow
def test_every_line_of_the_answers_stays_on_the_screen(
    arguments: tuple[str, ...], columns: int, answers: dict[tuple[str, ...], str]
) -> None:
    command = (*arguments, "--no-store", "--limit", "none")
    if command not in answers:
        answers[command] = piped(*(a for a in command if a != "--watch"))
    seen = Terminal(columns, *command).read()
    assert answers[command].count("\n") > 20
    assert plain(answers[command]) in plain(seen)
    assert "iteration" not in seen.splitlines()[-1]


COLOURS = re.compile(rb"\x1b\[[0-9;]+m")
SEQUENCES = re.compile(rb"\x1b")


@pytest.mark.parametrize(
    ("variables", "forbidden"),
    [({}, None), ({"NO_COLOR": "1"}, COLOURS), ({"TERM": "dumb"}, SEQUENCES)],
    ids=["colours", "NO_COLOR", "dumb"],
)
def test_colours_and_movements_are_left_out_where_the_user_wants_none(
    variables: dict[str, str], forbidden: re.Pattern[bytes] | None
) -> None:
    command = ("latin:4", "queens:20", "-s", "localsearch", "--iterations", "2000", "--watch", "--no-store")
    terminal = Terminal(80, *command, **variables)
    seen = terminal.read()
    assert "queens:20: queens solved" in seen
    if forbidden is None:
        assert SEQUENCES.search(terminal.data)
    else:
        assert not forbidden.search(terminal.data)


@pytest.mark.slow
def test_results_so_far_are_shown_after_an_interrupt() -> None:
    terminal = Terminal(80, "queens:6", "queens:3", "-s", "localsearch", "--watch", "--no-store", "--limit", "none")
    terminal.read(lambda text: "violated" in text)
    terminal.process.send_signal(signal.SIGINT)
    seen = terminal.read()
    assert terminal.process.returncode == 130
    assert "stopping; results so far are kept" in seen
    assert "queens:3: queens cancelled by minconflicts (localsearch)" in seen
    assert "1/2" not in seen


def test_the_remaining_time_follows_the_speed_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("mull.terminal.time.monotonic", lambda: clock[0])
    region = output.Region(quiet=True)
    region.set("merging", 0.1)
    assert region._remaining() == ""  # nothing is done yet
    clock[0] += 10
    region.set("merging", 0.6)
    assert region._remaining() == ", about 8 s left"
    region.set("merging the next file", 0.0)
    assert region._remaining() == ""


@pytest.mark.parametrize(("count", "text"), [(0, "0 steps"), (1, "1 step"), (2, "2 steps"), (1200, "1,200 steps")])
def test_amounts(count: int, text: str) -> None:
    assert amount(count, "steps") == text


class Shown:
    """Contents of the region at the bottom of a terminal, in the order in which they are set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.lines: list[str] = []
        self.views: list[str] = []
        shown = self

        class Spy(output.Region):
            def __init__(self, limit: float | None = None, quiet: bool = False) -> None:
                super().__init__(limit, quiet)
                self.shown = not quiet

            def set(self, text: str, share: float | None = None, view: str = "") -> None:
                self.shown = False  # nothing is drawn
                super().set(text, share, view)
                self.shown = True
                shown.lines.append([line.plain for line in self._drawn().renderables if isinstance(line, Text)][-1])
                shown.views.append(view)

        monkeypatch.setattr(output, "Region", Spy)


def test_counted_work_shows_its_rate_and_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown(monkeypatch)
    monkeypatch.setattr("mull.terminal.time.monotonic", lambda: shown.now)
    with output.Counter("merging", "runs") as counter:
        counter.show(100, 1000, "a.db")
        assert shown.lines == []  # not in the first two seconds
        shown.now += 10
        counter.show(200, 1000, "a.db")
        assert shown.lines[-1].endswith("10 s, about 80 s left  merging a.db: 200 of 1,000 runs (10/s)")
        shown.now += 1
        counter.show(0, 50, "b.db")
        shown.now += 4
        counter.show(40, 50, "b.db")
    assert shown.lines[-1].endswith("15 s, about 1 s left  merging b.db: 40 of 50 runs (10/s)")


def test_one_problem_shows_the_speed_of_its_iterations_and_the_time_to_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = Shown(monkeypatch)
    monkeypatch.setattr("mull.terminal.time.monotonic", lambda: shown.now)
    (problem,) = load("queens:6")
    screen = output.Screen("descent", 60.0)
    screen.expect([problem])
    for iteration in (1000, 5000):
        shown.now += 4
        screen.progress(Progress("descent", iteration, 0, 1, 3, problem, dict))
    line = "8 s of 60 s, at most 52 s left  descent: 0/1, iteration 5,000 (1e+03/s), 3 violated"
    assert shown.lines[-1].endswith(line)


@pytest.mark.parametrize(
    ("argument", "solver", "part"),
    [
        ("sat:200:860", "descent", "v "),
        ("zebra.json", "descent", "Englishman="),
        ("preferences.wcnf", "descent", "v "),
        ("maze.maze", "descent", "#S"),
        ("queens:7", "descent", ". ."),
        ("tsp:60", "localsearch", "o"),
        ("qap:9", "localsearch", " "),
    ],
)
def test_every_family_is_watched(argument: str, solver: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that have no drawing of their own: graphs, formulas and generic models."""
    shown = Shown(monkeypatch)
    path = Path(__file__).parent.parent / "problems" / "examples" / argument
    monkeypatch.setattr(output, "REDRAW_SECONDS", 0.0)
    words = [str(path) if path.exists() else argument, "--watch", "-s", solver, "--no-store", "-q", "--no-show"]
    assert call(*words, "--iterations", "40", "--limit", "none") in (0, 1)
    assert any(part in view for view in shown.views)
    assert not any(f"{2**63 - 1} violated" in line for line in shown.lines)


def test_work_that_cannot_be_counted_shows_a_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PROGRESS_SECONDS", 0.0)
    with output.Working("copying") as hidden:
        assert hidden.timer is None  # stderr is not a terminal
    shown = Shown(monkeypatch)
    with output.Working("copying") as working:
        assert working.timer is not None
        working.timer.join(60)
    assert shown.lines[-1].endswith("0 s  copying")
