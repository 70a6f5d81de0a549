"""The family of XCSP3 instances."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...engine.graph import gc_paused
from ...engine.problem import Problem
from ...engine.values import Value
from ..competition import instantiation
from ..errors import InputError
from . import xml_tree
from .building import ModelFamily
from .xcsp3_globals import LOGICAL
from .xcsp3_packing import STRUCTURAL
from .xcsp3_reader import Reader


class Xcsp3(ModelFamily):
    """Instances of XCSP3-core, of type CSP or COP, with integer variables."""

    name = "xcsp3"
    summary = "XCSP3-core, CSP and COP"
    spec = "a file; random instances are not generated"
    suffixes = (".xml",)

    def recognises(self, text: str) -> bool:
        return re.search(r"<instance\b[^>]*\bformat\s*=\s*[\"']XCSP3", text[:20_000]) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            return [Reader(xml_tree.parse(text), LOGICAL | STRUCTURAL).problem(path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        raise InputError("the family xcsp3 generates no problems", hint="give a file: solve model.xml")

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        return instantiation(assignment)
