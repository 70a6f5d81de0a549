"""Checks of a solver's declarations: name, citation, options, supported graphs."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ...engine.solver import AbstractSolver, OptionError, Solver, WholeSolver
from .base import ContractViolation, check, require
from .problems import satisfiable, supported


@check
def declares_itself(solver: type[AbstractSolver]) -> None:
    """It has a name, a version, a docstring and a citation."""
    for attribute in ("name", "version", "citation"):
        value = getattr(solver, attribute, None)
        require(
            isinstance(value, str),
            f"{attribute} to be a string",
            repr(value),
            f'set the class attribute: {attribute}: ClassVar[str] = "..."',
        )
    one_word = bool(solver.name) and not any(character.isspace() for character in solver.name)
    require(one_word, "a name of one word", repr(solver.name), "use letters, digits, '-' and '_'")
    require(
        bool(solver.citation),
        "a citation",
        "an empty string",
        "cite the source of the method in the attribute citation",
    )
    inherited = (None, "", AbstractSolver.__doc__, Solver.__doc__, WholeSolver.__doc__)
    require(
        solver.__doc__ not in inherited,
        "a docstring on the class",
        "none of its own",
        "describe the method in the class docstring",
    )


@check
def documents_its_options(solver: type[AbstractSolver]) -> None:
    """Every option has a default and a description, and is the same after a round trip through JSON.

    Raises:
        ContractViolation: an option does not.
    """
    for name, field in solver.model_fields.items():
        require(
            not field.is_required(),
            f"option {name} to have a default",
            "none",
            f"declare {name} as Field(DEFAULT, ...)",
        )
        require(
            bool(field.description),
            f"option {name} to have a description",
            "none",
            f'declare {name} as Field(..., description="...")',
        )
    made = solver()
    try:
        written = json.loads(json.dumps(made.options))
    except (TypeError, ValueError) as error:
        raise ContractViolation(
            "options that can be written as JSON",
            f"{type(error).__name__}: {error}",
            "use numbers, strings, booleans and lists as values",
        ) from error
    again = solver.from_options(written)
    require(
        again == made,
        "an equal solver from its own options as JSON",
        f"{again.options} from {made.options}",
        "declare types that JSON restores, and leave valid values unchanged in validators",
    )


@check
def validates_its_options(solver: type[AbstractSolver]) -> None:
    """It refuses an unknown option, a word as a number and a number out of bounds; options never change.

    Raises:
        ContractViolation: an invalid value is accepted, or an option can be assigned.
    """
    _refused(solver, "no_such_option", "1", "an unknown option", 'keep extra="forbid" in model_config')
    made = solver()
    for name, field in solver.model_fields.items():
        if type(getattr(made, name)) in (int, float, bool):
            hint = "remove the validator that converts it, or annotate the option with its type"
            _refused(solver, name, "no such value", f"option {name} with a word as its value", hint)
        for value in _out_of_bounds(field):
            hint = "let Field enforce the bounds, and do not replace the value in from_options"
            _refused(solver, name, value, f"option {name} out of its bounds, at {value}", hint)
        try:
            setattr(made, name, getattr(made, name))
        except (ValidationError, AttributeError, TypeError):
            continue
        raise ContractViolation(
            f"an error when option {name} is assigned", "no error", "keep frozen=True in model_config"
        )


@check
def states_what_it_supports(solver: type[AbstractSolver]) -> None:
    """``supports`` returns None or a reason, always the same, and it supports at least one small graph."""
    made = solver()
    for problem in satisfiable():
        first, second = (made.supports(problem.graph) for _ in range(2))
        require(
            first is None or (isinstance(first, str) and bool(first)),
            "supports to return None or a reason as text",
            repr(first),
            "return None for a supported graph, else a reason that is not empty",
        )
        require(
            first == second,
            "supports to return the same each time",
            f"{first!r}, then {second!r}",
            "decide by the graph and the options only",
        )
    reasons = {made.supports(problem.graph) for problem in satisfiable()}
    require(
        bool(supported(made)),
        "at least one supported graph among the small problems",
        f"only reasons: {'; '.join(map(str, reasons))}",
        "support one of the constraint kinds; a learned solver needs weights for one of these graphs",
    )


def _refused(solver: type[AbstractSolver], name: str, value: Any, what: str, hint: str) -> None:
    try:
        made = solver.from_options({name: value})
    except OptionError:
        return
    raise ContractViolation(f"an OptionError for {what}", f"no error, and options {made.options}", hint)


def _out_of_bounds(field: FieldInfo) -> list[float]:
    """Numbers just outside the bounds of an option."""
    values = []
    for mark in field.metadata:
        for bound, outside in {"ge": -1, "gt": 0, "le": 1, "lt": 0}.items():
            limit = getattr(mark, bound, None)
            if limit is not None:
                values.append(limit + outside)
    return values
