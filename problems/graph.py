"""Any constraint graph, as JSON."""

from __future__ import annotations

import json

from ..engine.graph import ConstraintGraph, GraphError
from ..engine.problem import Problem, Source
from .errors import InputError, excerpt
from .family import Family

HINT = 'an object with "variables" (name: list of values), "constraints", and optionally "objective" and "givens"'


class Graph(Family):
    """A graph in the form of ``ConstraintGraph.to_json``, with ``givens`` (name: value) where some are fixed."""

    name = "graph"
    summary = "any constraint graph as JSON"
    spec = "a JSON file; graphs are not generated"
    suffixes = (".json",)

    def recognises(self, text: str) -> bool:
        return text.lstrip().startswith("{")

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        try:
            data = json.loads(text, object_pairs_hook=_no_repeats)
        except json.JSONDecodeError as error:
            raise InputError(f"is no JSON: {error.msg}", line=error.lineno, hint=HINT) from None
        except InputError:
            raise
        except ValueError:  # Python converts no more than 4300 digits
            raise InputError("holds a number of thousands of digits", hint=HINT) from None
        except RecursionError:
            raise InputError("is nested too deeply", line=1, hint=HINT) from None
        try:
            graph = ConstraintGraph.from_json(data)
            givens = data.get("givens", {})
            if not isinstance(givens, dict):
                raise GraphError('"givens" is an object (name: value)')
            return [Problem(graph, givens, "graph", Source(path))]
        except GraphError as error:
            raise InputError(str(error), line=_line(text, str(error)), hint=HINT) from None

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        raise InputError("graphs are not generated", hint="give a JSON file")


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the name {excerpt(twice)} occurs twice in one object", hint="names are unique")
    return data


def _line(text: str, message: str) -> int | None:
    """Where the first name quoted in a message stands in the text: as near as JSON lets one come."""
    parts = message.split("'")
    place = text.find(json.dumps(parts[1])) if len(parts) > 2 else -1
    return text[:place].count("\n") + 1 if place >= 0 else None
