"""The contract of a solver as checks: run ``solve solvers check NAME``, or call them in a plugin's own tests.

A check takes the solver's class. It raises ``ContractViolation`` if the solver violates the contract, and ``Skipped``
if the check does not apply. mull's own solvers pass all checks that apply. A plugin's tests need only one fixture::

    import pytest
    from mull.plugins.conformance import TestContract  # noqa: F401  (pytest collects its tests)
    from mull_walk import Walk

    @pytest.fixture
    def solver():
        return Walk
"""

from __future__ import annotations

from ...engine.deprecation import former_names
from ...engine.solver import AbstractSolver
from .base import Check, ContractViolation, Skipped
from .contract import declares_itself, documents_its_options, states_what_it_supports, validates_its_options
from .problems import satisfiable, support, unsatisfiable
from .runs import (
    batch_invariant,
    gives_several_answers,
    keeps_to_its_budget,
    makes_no_false_claims,
    repeats_itself,
    solves_small_problems,
)
from .side_effects import has_no_side_effects
from .steps import moves_between_devices, resumes_from_its_state, rows_do_not_mix, steps_keep_their_shapes

__all__ = [
    "CHECKS",
    "Check",
    "ContractViolation",
    "Skipped",
    "TestContract",
    "failure",
    "outcome",
    "satisfiable",
    "support",
    "unsatisfiable",
]

__getattr__ = former_names(
    __name__, {"Broken": "ContractViolation", "complaint": "failure"}, since="0.2", removed="0.3"
)

CHECKS: tuple[Check, ...] = (
    declares_itself,
    documents_its_options,
    validates_its_options,
    states_what_it_supports,
    steps_keep_their_shapes,
    rows_do_not_mix,
    resumes_from_its_state,
    moves_between_devices,
    solves_small_problems,
    makes_no_false_claims,
    repeats_itself,
    batch_invariant,
    keeps_to_its_budget,
    gives_several_answers,
    has_no_side_effects,
)
"""All checks, in the order in which ``solve solvers check`` runs them."""


def outcome(check: Check, solver: type[AbstractSolver]) -> tuple[str, str]:
    """Run one check. An error that the solver raises fails the check.

    Args:
        check: one of ``CHECKS``.
        solver: the class to check.

    Returns:
        ``ok``, ``skipped`` or ``failed``; and the reason, which is empty for ``ok``.
    """
    try:
        check(solver)
    except Skipped as skipped:
        return "skipped", str(skipped)
    except ContractViolation as violation:
        return "failed", str(violation)
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        found = f"{type(error).__name__}: {error}"
        return "failed", f"{check.__name__}: expected no error; found {found}; hint: pytest shows the traceback"
    return "ok", ""


def failure(check: Check, solver: type[AbstractSolver]) -> str | None:
    """The reason why a solver fails a check; None if it passes or the check does not apply.

    Args:
        check: one of ``CHECKS``.
        solver: the class to check.
    """
    status, reason = outcome(check, solver)
    return reason if status == "failed" else None


class TestContract:
    """The checks as tests that pytest collects. They use a fixture ``solver`` that returns the class."""


def _test(check: Check) -> object:
    def test(self: TestContract, solver: type[AbstractSolver]) -> None:
        check(solver)

    test.__name__ = f"test_{check.__name__}"
    test.__doc__ = check.__doc__
    return test


for _check in CHECKS:
    setattr(TestContract, f"test_{_check.__name__}", _test(_check))
