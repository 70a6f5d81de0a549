"""The contract of a solver as checks that anyone can run: ``solve solvers check NAME``, or from a plugin's own tests.

A check takes the solver's class and raises ``Broken`` with what is wrong, or ``Skipped`` where it does not apply; the built-in
solvers pass all others. A plugin's
tests need one fixture, and no more:

    import pytest
    from mull.plugins.conformance import TestContract  # noqa: F401  (pytest finds its tests)
    from mull_walk import Walk

    @pytest.fixture
    def solver():
        return Walk
"""

from __future__ import annotations

from ...engine.solver import AbstractSolver
from .base import Broken, Check, Skipped
from .contract import declares_itself, documents_its_options, says_what_it_supports, validates_its_options
from .problems import satisfiable, support, unsatisfiable
from .runs import (
    company_changes_nothing,
    gives_several_answers,
    keeps_to_its_budget,
    never_claims_too_much,
    repeats_itself,
    solves_small_problems,
)
from .steps import moves_between_devices, resumes_from_its_state, rows_do_not_mix, steps_keep_their_shapes
from .world import leaves_the_world_alone

__all__ = [
    "CHECKS",
    "Broken",
    "Check",
    "Skipped",
    "TestContract",
    "complaint",
    "outcome",
    "satisfiable",
    "support",
    "unsatisfiable",
]

CHECKS: tuple[Check, ...] = (
    declares_itself,
    documents_its_options,
    validates_its_options,
    says_what_it_supports,
    steps_keep_their_shapes,
    rows_do_not_mix,
    resumes_from_its_state,
    moves_between_devices,
    solves_small_problems,
    never_claims_too_much,
    repeats_itself,
    company_changes_nothing,
    keeps_to_its_budget,
    gives_several_answers,
    leaves_the_world_alone,
)


def outcome(check: Check, solver: type[AbstractSolver]) -> tuple[str, str]:
    """``ok``, ``skipped`` or ``failed``, and the reason; whatever the solver raises fails the check."""
    try:
        check(solver)
    except Skipped as skipped:
        return "skipped", str(skipped)
    except Broken as broken:
        return "failed", str(broken)
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        return "failed", f"{type(error).__name__}: {error}"
    return "ok", ""


def complaint(check: Check, solver: type[AbstractSolver]) -> str | None:
    """Why a solver fails a check; None where it passes or the check does not apply."""
    status, reason = outcome(check, solver)
    return reason if status == "failed" else None


class TestContract:
    """The checks as tests that pytest finds; they ask for a fixture ``solver``, which gives the class."""


def _test(check: Check) -> object:
    def test(self: TestContract, solver: type[AbstractSolver]) -> None:
        check(solver)

    test.__name__ = f"test_{check.__name__}"
    test.__doc__ = check.__doc__
    return test


for _check in CHECKS:
    setattr(TestContract, f"test_{_check.__name__}", _test(_check))
