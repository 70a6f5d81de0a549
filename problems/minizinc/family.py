"""The family of MiniZinc problems: FlatZinc files, and models that ``minizinc`` compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ...engine.graph import gc_paused
from ...engine.problem import Problem, Source
from ..errors import InputError, excerpt
from ..family import Family
from .build import Builder
from .builtins import RULES, state
from .output import renderer

PROGRAM = "minizinc"
GENERIC = "org.minizinc.mzn-fzn"
"""The solver for which models are compiled."""

POLL = 0.02
"""Seconds between two checks of the running compiler."""

LIBRARY = {
    "fzn_all_different_int": "array[int] of var int: x",
    "fzn_all_equal_int": "array[int] of var int: x",
    "fzn_cumulative": "array[int] of var int: s, array[int] of var int: d, array[int] of var int: r, var int: b",
    "fzn_disjunctive": "array[int] of var int: s, array[int] of var int: d",
    "fzn_increasing_int": "array[int] of var int: x",
    "fzn_decreasing_int": "array[int] of var int: x",
    "fzn_lex_less_int": "array[int] of var int: x, array[int] of var int: y",
    "fzn_lex_lesseq_int": "array[int] of var int: x, array[int] of var int: y",
    "fzn_nvalue": "var int: n, array[int] of var int: x",
    "fzn_among": "var int: n, array[int] of var int: x, set of int: v",
    "fzn_global_cardinality": "array[int] of var int: x, array[int] of int: cover, array[int] of var int: counts",
    "fzn_global_cardinality_closed": "array[int] of var int: x, array[int] of int: cover, array[int] of var int: counts",
    "fzn_knapsack": "array[int] of int: w, array[int] of int: p, array[int] of var int: x, var int: W, var int: P",
    "fzn_value_precede_chain_int": "array[int] of int: c, array[int] of var int: x",
}
"""Globals that stay whole when a model is compiled, with their parameters."""


class MiniZinc(Family):
    """FlatZinc (``.fzn``), with the output specification of an ``.ozn`` file of the same name where there is one.

    A MiniZinc model (``.mzn``) is compiled by the program ``minizinc``, with the data of a ``.dzn`` file of the same name
    where there is one.
    """

    name = "minizinc"
    summary = "FlatZinc (.fzn, .ozn); MiniZinc models (.mzn, .dzn) where minizinc is installed"
    spec = "a FlatZinc or MiniZinc file; models are not generated"
    suffixes = (".fzn", ".mzn")

    def recognises(self, text: str) -> bool:
        return re.search(r"(?:^|;)\s*solve\s+(?:satisfy|minimize|maximize|::)", text, re.MULTILINE) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        program = shutil.which(PROGRAM)
        if Path(path).suffix.lower() == ".mzn" or (Path(path).suffix.lower() != ".fzn" and not _is_flat(text)):
            if program is None:
                hint = "install MiniZinc, or compile with `minizinc -c model.mzn` elsewhere and give the .fzn file"
                raise InputError("is a MiniZinc model, and the program minizinc is not installed", hint=hint)
            with tempfile.TemporaryDirectory(prefix="mull-minizinc-") as folder:
                _compile(program, text, path, Path(folder))
                flat = (Path(folder) / "model.fzn").read_text(encoding="utf-8")
                return [self._problem(flat, path, _text(Path(folder) / "model.ozn"), program)]
        ozn = None if path == "-" else _text(Path(path).with_suffix(".ozn"))
        return [self._problem(text, path, ozn, program)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        raise InputError("models cannot be generated", hint="give a FlatZinc or MiniZinc file")

    def _problem(self, text: str, path: str, ozn: str | None, program: str | None) -> Problem:
        with gc_paused():
            builder = Builder(text, state)
            graph = builder.graph()
        render = renderer(builder.output, ozn, program)
        return Problem(graph, {}, self.name, Source(path), render, auxiliary=builder.auxiliary)


def _text(path: Path) -> str | None:
    """The text of a file; None where there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def _is_flat(text: str) -> bool:
    """Whether a text has the form of FlatZinc: each statement is one of its few."""
    plain = re.sub(r'"(?:[^"\\\n]|\\.)*"|%[^\n]*', "", text)
    statement = re.compile(r"\s*(?:predicate\b|var\b|array\b|bool\b|int\b|float\b|set\b|constraint\s+\w+\s*\(|solve\b)")
    return all(statement.match(each) for each in plain.split(";") if each.strip()) and not re.search(
        r"\b(?:include|forall|output|function|let|if)\b", plain
    )


def _compile(program: str, text: str, path: str, folder: Path) -> None:
    """Compile a model into ``model.fzn`` and ``model.ozn`` of a folder.

    Raises:
        InputError: the compiler refuses the model.
    """
    library = folder / "library"
    library.mkdir()
    for name, parameters in LIBRARY.items():
        assert name in RULES
        (library / f"{name}.mzn").write_text(f"predicate {name}({parameters});\n", encoding="utf-8")
    # The standard library then states sets of integers by Booleans.
    (library / "redefinitions.mzn").write_text('include "nosets.mzn";\n', encoding="utf-8")
    model = folder / "model.mzn"
    model.write_text(text, encoding="utf-8")
    # Recent versions compile only for a named solver. This one is built in: it has the standard library.
    command = [program, "-c", "--solver", GENERIC, str(model), "-I", str(library), "--fzn", str(folder / "model.fzn")]
    command += ["--ozn", str(folder / "model.ozn")]
    if path != "-":
        command += ["-I", str(Path(path).resolve().parent)]
        data = Path(path).with_suffix(".dzn")
        command += [str(data.resolve())] if data.is_file() else []
    with (folder / "said").open("w+", encoding="utf-8") as said:
        try:
            running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        except OSError as error:
            raise InputError(f"minizinc does not run: {error}") from None
        try:
            while running.poll() is None:  # in short waits, which the time limit of the call can interrupt
                time.sleep(POLL)
        finally:
            running.kill()
            running.wait()
    if running.returncode or not (folder / "model.fzn").exists():
        text = (folder / "said").read_text(encoding="utf-8", errors="replace").replace(str(model), path).strip()
        raise InputError(f"minizinc refuses the model: {excerpt(text, 300)}", hint=f"run minizinc -c {path}")
