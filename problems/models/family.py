"""The family of CPMpy models in Python files."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb
from typing import Any

from ...engine.errors import GraphError
from ...engine.problem import Problem, Source
from ..errors import InputError, excerpt
from ..family import Family

VARIABLE = "model"
"""The name of the variable that holds the model."""


class CpmpyModels(Family):
    """A Python program that assigns a ``cpmpy.Model`` to the variable ``model``. Reading executes it.

    What the program prints goes to stderr. ``__name__`` is not ``__main__``, so a part that solves the model under that
    condition does not run.
    """

    name = "cpmpy"
    summary = "CPMpy models: a Python file with a variable `model`; executed only with --trust"
    spec = "a Python file; models are not generated"
    suffixes = (".py",)
    executes = True

    def recognises(self, text: str) -> bool:
        return re.search(r"^\s*(?:import cpmpy\b|from cpmpy\b.* import )", text, re.MULTILINE) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        model = _executed(text, path).get(VARIABLE)
        if model is None:
            hint = "assign a cpmpy.Model to the variable `model`, outside functions"
            raise InputError("has no variable `model`", hint=hint)
        # Both imports take half a second, which a refused file need not wait for.
        from cpmpy import Model

        from .lowering import problem_of

        if not isinstance(model, Model):
            raise InputError(f"`model` is of type {type(model).__name__}", hint="assign a cpmpy.Model to it")
        try:
            problem = problem_of(model)
        except GraphError:
            raise
        except Exception as error:  # CPMpy refuses an expression
            raise InputError(f"CPMpy cannot state the model: {_told(error)}") from error
        return [replace(problem, family=self.name, source=Source(path))]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        raise InputError("models cannot be generated", hint="give a Python file with a variable `model`")


def _executed(text: str, path: str) -> dict[str, Any]:
    """The variables of a program after its execution.

    Raises:
        InputError: the program is not valid, raises an exception or ends the process.
    """
    name = path if path != "-" else "<stdin>"
    folder = str(Path(path).resolve().parent) if path != "-" else ""
    variables: dict[str, Any] = {"__name__": "model", "__file__": name, "__builtins__": __builtins__}
    try:
        program = compile(text, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"is not valid Python: {error}", line=getattr(error, "lineno", None)) from None
    sys.path.insert(0, folder)  # as for `python model.py`: modules beside the file are found
    try:
        with redirect_stdout(sys.stderr):
            exec(program, variables)  # noqa: S102  # the caller trusts the file
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == name]
        ends = isinstance(error, SystemExit)
        what = "ends the process before the model is read" if ends else f"raises {_told(error)}"
        hint = "leave out exit() and sys.exit()" if ends else "run it with python first"
        raise InputError(what, line=lines[-1] if lines else None, hint=hint) from error
    finally:
        sys.path.remove(folder)
    return variables


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {excerpt(str(error))}" if str(error) else type(error).__name__
