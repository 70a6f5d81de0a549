"""What a solver says of itself: name, citation, options, what it supports."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ...engine.solver import AbstractSolver, OptionError, Solver, WholeSolver
from .base import Broken, hold
from .problems import satisfiable, supported


def declares_itself(solver: type[AbstractSolver]) -> None:
    """It has a name, a version, a docstring and a citation."""
    for attribute in ("name", "version", "citation"):
        hold(isinstance(getattr(solver, attribute, None), str), f"{attribute} is a string")
    hold(bool(solver.name) and not any(sign.isspace() for sign in solver.name), "the name can be typed as one word")
    hold(bool(solver.citation), "the citation says whose method it is")
    hold(
        bool(solver.__doc__) and solver.__doc__ not in (AbstractSolver.__doc__, Solver.__doc__, WholeSolver.__doc__),
        "the class has a docstring",
    )


def documents_its_options(solver: type[AbstractSolver]) -> None:
    """Every option has a default and a description, and can be written down as JSON and read again."""
    for name, field in solver.model_fields.items():
        hold(not field.is_required(), f"option {name} has a default")
        hold(bool(field.description), f"option {name} has a description")
    made = solver()
    try:
        written = json.loads(json.dumps(made.options))
    except (TypeError, ValueError) as error:
        raise Broken(f"does not hold: the options can be written as JSON ({error})") from error
    hold(solver.from_options(written) == made, "options read again give the same solver")


def validates_its_options(solver: type[AbstractSolver]) -> None:
    """An unknown option, a word for a number and a number beyond its bounds are refused, and none changes afterwards."""
    _refused(solver, "no_such_option", "1", "an unknown option is refused")
    made = solver()
    for name, field in solver.model_fields.items():
        kind = type(getattr(made, name))
        if kind in (int, float, bool):
            _refused(solver, name, "no such value", f"option {name} takes no word for a number")
        for value in _beyond(field):
            _refused(solver, name, value, f"option {name} is not taken beyond its bounds, at {value}")
        try:
            setattr(made, name, getattr(made, name))
        except (ValidationError, AttributeError, TypeError):
            continue
        raise Broken(f"does not hold: option {name} cannot be changed once the solver is made")


def says_what_it_supports(solver: type[AbstractSolver]) -> None:
    """``supports`` answers None or a reason, the same each time, and at least one small graph is supported."""
    made = solver()
    for problem in satisfiable():
        answers = [made.supports(problem.graph) for _ in range(2)]
        hold(answers[0] is None or (isinstance(answers[0], str) and bool(answers[0])), "supports: None or a reason")
        hold(answers[0] == answers[1], "supports answers the same each time")
    reasons = {made.supports(problem.graph) for problem in satisfiable()}
    hold(bool(supported(made)), f"at least one of the small graphs is supported ({'; '.join(map(str, reasons))})")


def _refused(solver: type[AbstractSolver], name: str, value: Any, promise: str) -> None:
    try:
        solver.from_options({name: value})
    except OptionError:
        return
    raise Broken(f"does not hold: {promise}")


def _beyond(field: FieldInfo) -> list[float]:
    """Numbers just outside the bounds of an option."""
    values = []
    for mark in field.metadata:
        for word, outside in {"ge": -1, "gt": 0, "le": 1, "lt": 0}.items():
            bound = getattr(mark, word, None)
            if bound is not None:
                values.append(bound + outside)
    return values
