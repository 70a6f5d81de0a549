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

import pyte
import pytest

from mull import terminal as output
from mull.engine.solution import amount

ROWS = 24
FAMILIES = ("queens:10", "coloring:12:0.4:4", "sat:30", "latin:8:0.6", "sudoku:4", "maze:9x9")
SLOW = re.compile(r"still importing .*")  # printed on a busy machine
SECONDS = re.compile(r"\d+\.\d+s")


class Terminal:
    """A pseudo-terminal of 24 rows, with the lines that were scrolled off it."""

    def __init__(self, columns: int, *arguments: str) -> None:
        self.screen = pyte.HistoryScreen(columns, ROWS, history=5000)
        self.stream = pyte.ByteStream(self.screen)
        self.outside, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        environment |= {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
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


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        (*FAMILIES, "queens:30", "-s", "cpsat"),
        ("sudoku:9:0.5", "queens:28", "-s", "localsearch", "--iterations", "3000", "--watch"),
    ],
    ids=["families", "watch"],
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


@pytest.mark.slow
def test_results_so_far_are_shown_after_an_interrupt() -> None:
    terminal = Terminal(80, "queens:6", "queens:3", "-s", "localsearch", "--watch", "--no-store", "--limit", "none")
    terminal.read(lambda text: "violated" in text)
    terminal.process.send_signal(signal.SIGINT)
    seen = terminal.read()
    assert terminal.process.returncode == 1
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
