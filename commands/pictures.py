"""``--save-picture``: files with the pictures of answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mull.engine.errors import MullError
from mull.engine.status import amount

from . import completion
from .common import TextType
from .output import format_of, open_output

if TYPE_CHECKING:
    from mull.engine import Problem, Solution, Task
    from mull.pictures.frames import Frames

SUFFIXES = {".svg": "svg", ".png": "png", ".gif": "gif", ".html": "html"}
MOVING = ("gif", "html")
"""Formats that show the states of the run."""
HINT = "choose another file with --save-picture"


class PicturePath(TextType):
    """A file for a picture; an unknown suffix and a folder without permission are refused before solving."""

    name = "file"

    def parse(self, text: str) -> Path:
        """The path of the file.

        Raises:
            MullError: the suffix is unknown, or the file cannot be written.
        """
        if not text:
            raise MullError("--save-picture: the name of the file is empty", HINT)
        path = Path(text)
        format_of(path, SUFFIXES)
        folder = path.parent
        if not folder.is_dir():
            raise MullError(f"cannot write {path}: no folder {folder}", HINT)
        if path.is_dir():
            raise MullError(f"cannot write {path}: it is a folder", HINT)
        if path.exists():
            refused = "" if os.access(path, os.W_OK) else "no permission"
        else:
            refused = _refusal(folder)
        if refused:
            raise MullError(f"cannot write {path}: {refused}", HINT)
        return path


def _refusal(folder: Path) -> str:
    """Why a folder takes no file, or an empty text. ``os.access`` permits root everything, also in ``/proc``."""
    from tempfile import TemporaryFile

    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        return error.strerror or "no permission"
    return ""


picture_option = click.option(
    "--save-picture",
    "picture",
    type=PicturePath(),
    shell_complete=completion.files,
    metavar="FILE",
    help="Save a picture of the answer: .svg or .png; .gif or .html show the states of the run. Of several problems,"
    " each gets a number: FILE-1.svg, FILE-2.svg.",
)


class Pictures:
    """Saves the pictures of one call.

    Args:
        path: of ``--save-picture``; None saves nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.kind = format_of(path, SUFFIXES) if path is not None else ""
        self.frames: Frames | None = None

    def follow(self, problems: Sequence[Problem], task: Task) -> Task:
        """The task, which records the states of the run where the format shows them.

        Args:
            problems: that are solved.
            task: of the call.
        """
        if self.kind not in MOVING:
            return task
        from mull.pictures.frames import Frames

        self.frames = Frames(problems)
        return self.frames.follow(task)

    def save(self, solutions: Sequence[Solution], say: Callable[[str], None]) -> None:
        """Write the pictures.

        Args:
            solutions: of the call, in the order of the problems.
            say: prints a line on stderr.

        Raises:
            MullError: a file cannot be written.
        """
        if self.path is None or not solutions:
            return
        still, written = 0, []
        for number, solution in enumerate(solutions, 1):
            path = self.path
            if len(solutions) > 1:
                path = path.with_name(f"{path.stem}-{number:0{len(str(len(solutions)))}d}{path.suffix}")
            content, frames = self._drawn(solution)
            still += self.kind in MOVING and frames <= 2
            with open_output(path, "--save-picture") as file:
                file.write(content)
            written.append(str(path))
        say(f"saved {' to '.join(dict.fromkeys((written[0], written[-1])))}")
        if still:
            say("no states of the run were recorded; solvers with steps have them, for example --solver descent")

    def _drawn(self, solution: Solution) -> tuple[bytes, int]:
        """The content of a file, and the number of its frames."""
        from mull.pictures import picture
        from mull.pictures.frames import film
        from mull.pictures.page import page
        from mull.pictures.rasters import most_frames, to_gif, to_png

        problem = solution.problem
        if self.frames is None:
            svg = picture(problem, solution.assignment)
            return (svg.encode() if self.kind == "svg" else to_png(svg)), 1
        found = self.frames.of(problem, solution)
        if self.kind == "gif":
            frames, drawn = film(problem, found, most_frames(picture(problem, solution.assignment)))
            return to_gif(drawn), len(drawn)
        frames, drawn = film(problem, found)
        by = f"{solution.solver} ({solution.via})" if solution.via else solution.solver
        note = f"{solution.status} by {by} after {amount(solution.iterations, solution.unit)}, {solution.seconds:.2f} s"
        return page(str(problem.name or problem.source), note, frames, drawn).encode(), len(drawn)
