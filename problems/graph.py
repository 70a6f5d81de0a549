"""The family of all constraint graphs, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..engine.errors import GraphError
from ..engine.problem import Problem, Source
from .errors import InputError, excerpt
from .family import Family

HINT = 'give an object with "variables" (name: list of values), "constraints", and optionally "objective" and "givens"'


class Graph(Family):
    """Graphs in the form of ``Problem.to_json``: one object, a list of objects, or one on each line.

    ``givens`` (name: value) fixes variables. A list of givens makes one problem for each, all of one graph.
    """

    name = "graph"
    summary = "any constraint graph as JSON"
    spec = "a JSON file; graphs are not generated"
    suffixes = (".json",)

    def recognises(self, text: str) -> bool:
        start = text.lstrip()[:400]
        return '"variables"' in text[:100_000] if start.startswith("[") else start.startswith("{")

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        found = list(_objects(text))
        problems: list[Problem] = []
        for line, data in found:
            try:
                problems += Problem.all_from_json(data, Source(path, line if len(found) > 1 else None))
            except GraphError as error:
                at = _line(text, str(error)) if len(found) == 1 else line
                raise InputError(str(error), line=at, hint=error.hint or HINT) from None
        return problems

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        raise InputError("graphs cannot be generated", hint="give a JSON file")


def _objects(text: str) -> Iterator[tuple[int, Any]]:
    """The objects of a text, each after its line: a single one, JSON lines, or the elements of a list.

    Raises:
        InputError: the text is not valid JSON; with the line.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_no_repeats)
    # Object by object, so that an error has a line, and objects need not be in one list.
    place, line, listed = _after_blanks(text, 0), 1, False
    counted = 0
    if text[place : place + 1] == "[":
        place, listed = _after_blanks(text, place + 1), True
    try:
        while place < len(text) and not (listed and text[place] == "]"):
            data, end = decoder.raw_decode(text, place)
            line, counted = line + text.count("\n", counted, place), place
            yield line, data
            place = _after_blanks(text, end)
            if listed and text[place : place + 1] == ",":
                place = _after_blanks(text, place + 1)
            elif listed and text[place : place + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' or ']'", text, place)
        if listed and _after_blanks(text, place + 1) < len(text):
            raise json.JSONDecodeError("Extra data", text, place + 1)
        if listed and place >= len(text):
            raise json.JSONDecodeError("Expecting ']'", text, place)
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON: {error.msg}", line=error.lineno, hint=HINT) from None
    except RecursionError:
        raise InputError("is nested too deeply", line=line, hint=HINT) from None
    except InputError as error:
        raise error.at("", line + text.count("\n", counted, place)) from None
    except ValueError:  # an integer of thousands of digits
        raise InputError("a number has too many digits", line=line, hint="values reach 2^60 at most") from None


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


_BLANKS = re.compile(r"[ \t\r\n]*")


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, without the names that ``json`` would silently overwrite."""
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the name {excerpt(twice)} occurs twice in one object", hint="give each its own name")
    return data


def _line(text: str, message: str) -> int | None:
    """The line of the first name that a message quotes. It is a guess, because JSON objects have no lines."""
    parts = message.split("'")
    place = text.find(json.dumps(parts[1])) if len(parts) > 2 else -1
    return text[:place].count("\n") + 1 if place >= 0 else None
