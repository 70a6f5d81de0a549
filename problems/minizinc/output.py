"""The text of an answer: by the output specification of an ``.ozn`` file, or in the standard form ``name = value;``."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence

from ...engine.values import Term, Value
from .build import Output

SECONDS = 10
"""Time limit of ``minizinc --ozn-file``."""

_PART = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\[^(\n])*")|show\(\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[(?P<index>[-\d,\s]+)\])?\s*\))'
    r"\s*(?P<more>,|\+\+|$)"
)

Assignment = Mapping[str, Value]
Render = Callable[[Assignment], str]


def renderer(output: Sequence[Output], ozn: str | None, program: str | None) -> Render | None:
    """How an answer is shown, or None where the file states no output.

    Args:
        output: the items of the answer.
        ozn: the text of an output specification, or None.
        program: the ``minizinc`` program, which evaluates specifications that mull does not, or None.
    """
    if not output:
        return None

    def standard(assignment: Assignment) -> str:
        return "\n".join(f"{item.name} = {_literal(item, assignment)};" for item in output)

    if ozn is None:
        return standard
    parts = _parts(ozn, output)
    if parts is not None:
        return lambda assignment: "".join(part(assignment) for part in parts).rstrip("\n")
    if program is None:
        return standard
    return lambda assignment: _evaluated(program, ozn, standard(assignment)) or standard(assignment)


def _parts(text: str, output: Sequence[Output]) -> list[Render] | None:
    """The pieces of a simple specification: strings and ``show`` of an item or of its element; None of another one."""
    text = re.sub(r'("(?:[^"\\\n]|\\.)*")|%[^\n]*', lambda m: m[1] or "", text)
    found = re.search(r"\boutput\s*\[(.*)\]\s*;\s*\Z", text, re.DOTALL)
    if found is None:
        return None
    items = {item.name: item for item in output}
    parts: list[Render] = []
    body, place = found[1].strip(), 0
    while place < len(body):
        match = _PART.match(body, place)
        if match is None or match.end() == place:
            return None
        place = match.end()
        if match["string"] is not None:
            parts.append(
                _constant(re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), match["string"][1:-1]))
            )
            continue
        item = items.get(match["name"])
        shown = item and _shown(item, match["index"])
        if shown is None:
            return None
        parts.append(shown)
    return parts


def _constant(text: str) -> Render:
    return lambda assignment: text


def _shown(item: Output, index: str | None) -> Render | None:
    if index is None:
        return lambda assignment: (
            _values(item, assignment) if item.dimensions else _value(item, item.terms[0], assignment)
        )
    place = 0
    numbers = index.split(",")
    if item.dimensions is None or len(numbers) != len(item.dimensions):
        return None
    for number, values in zip(numbers, item.dimensions, strict=True):
        if int(number) not in values:
            return None
        place = place * len(values) + values.index(int(number))
    return lambda assignment: _value(item, item.terms[place], assignment)


def _literal(item: Output, assignment: Assignment) -> str:
    if item.dimensions is None:
        return _value(item, item.terms[0], assignment)
    ranges = ", ".join(f"{each.start}..{each.stop - 1}" for each in item.dimensions)
    return f"array{len(item.dimensions)}d({ranges}, {_values(item, assignment)})"


def _values(item: Output, assignment: Assignment) -> str:
    return f"[{', '.join(_value(item, term, assignment) for term in item.terms)}]"


def _value(item: Output, term: Term, assignment: Assignment) -> str:
    value = assignment.get(term, "_") if isinstance(term, str) else term  # a partial assignment is drawn with --watch
    return ("true" if value else "false") if item.boolean and value != "_" else str(value)


def _evaluated(program: str, ozn: str, answer: str) -> str | None:
    """What ``minizinc`` makes of an answer; None if it fails."""
    try:
        made = subprocess.run(  # the program is the user's own minizinc
            [program, "--ozn-file", str(ozn)],
            input=f"{answer}\n----------\n",
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return made.stdout.replace("----------", "").rstrip("\n") or None if made.returncode == 0 else None
