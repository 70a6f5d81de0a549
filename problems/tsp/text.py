"""TSPLIB files of travelling salesman problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import InputError, excerpt
from ..parsing import parse_int
from .distances import FUNCTIONS, Point, matrix

LARGEST = 2000
"""Most cities: the model has n² distances."""
FARTHEST = 10**9
"""The largest distance."""
HINT = (
    "TSPLIB: lines 'DIMENSION: 3', 'EDGE_WEIGHT_TYPE: EUC_2D', 'NODE_COORD_SECTION', then a line '1 X Y' for each city"
)
HINT_MATRIX = "TSPLIB: 'EDGE_WEIGHT_FORMAT: FULL_MATRIX', 'EDGE_WEIGHT_SECTION', then the numbers"

_SECTIONS = ("NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION")
_IGNORED = ("NAME", "COMMENT", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE", "CAPACITY")

_COLUMNS = {"UPPER_COL": "LOWER_ROW", "LOWER_COL": "UPPER_ROW"} | {
    "UPPER_DIAG_COL": "LOWER_DIAG_ROW",
    "LOWER_DIAG_COL": "UPPER_DIAG_ROW",
}
"""A symmetric matrix by columns has the numbers of the opposite triangle by rows."""
_FORMATS = ("FULL_MATRIX", "UPPER_ROW", "LOWER_ROW", "UPPER_DIAG_ROW", "LOWER_DIAG_ROW")

Matrix = list[list[int]]


@dataclass
class Tsplib:
    """What a file states.

    Args:
        name: of the instance; may be empty.
        comment: of the instance; may be empty.
        distances: n rows of n integers; the diagonal is 0.
        points: coordinates of the cities for a map; empty if the file has none.
    """

    name: str = ""
    comment: str = ""
    distances: Matrix = field(default_factory=list)
    points: list[Point] = field(default_factory=list)


def looks_like(text: str) -> bool:
    """Whether a text has the keywords of a TSPLIB file."""
    keys = {line.partition(":")[0].strip().upper() for line in text[:20_000].split("\n")}
    return "DIMENSION" in keys and bool(keys & {"EDGE_WEIGHT_TYPE", "TYPE", *_SECTIONS})


def parse(text: str) -> Tsplib:
    """The cities and distances of a TSPLIB file.

    Raises:
        InputError: the text is malformed or has a feature that mull does not read; with the line.
    """
    stated: dict[str, tuple[int, str]] = {}
    points: dict[str, list[Point]] = {}
    numbers: list[tuple[int, int]] = []
    lines = _lines(text)
    last = 1
    for last, line in lines:
        key, colon, value = (part.strip() for part in line.partition(":"))
        word = key.upper()
        if word == "EOF":
            break
        if word in _SECTIONS:
            n = _dimension(stated, last)
            if word == "EDGE_WEIGHT_SECTION":
                numbers = _numbers(lines, _entries(stated, n, last), last)
            else:
                points[word] = _points(lines, n, last)
        elif word.endswith("_SECTION"):
            raise InputError(f"{excerpt(key)}: not supported", line=last, hint="mull reads coordinates and distances")
        elif not colon:
            raise InputError(f"{excerpt(line)} is not 'KEYWORD: VALUE' or a section", line=last, hint=HINT)
        elif word in stated:
            raise InputError(f"a second line {excerpt(key)}", line=last, hint="state it once")
        else:
            stated[word] = (last, value)
    return _completed(stated, points, numbers, last)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _dimension(stated: dict[str, tuple[int, str]], line: int) -> int:
    if "DIMENSION" not in stated:
        raise InputError("no line 'DIMENSION'", line=line, hint=HINT)
    at, text = stated["DIMENSION"]
    return parse_int(text, 1, LARGEST, "DIMENSION", HINT, at)


def _points(lines: Iterator[tuple[int, str]], n: int, line: int) -> list[Point]:
    """The coordinates of n cities, each in a line ``CITY X Y``."""
    found: dict[int, Point] = {}
    while len(found) < n:
        line, text = next(lines, (line, "EOF"))
        words = text.split()
        if text == "EOF":
            message = f"{len(found)} of {n} cities have coordinates"
            raise InputError(message, line=line, hint="the file may be truncated")
        if len(words) != 3:
            raise InputError(f"{excerpt(text)} is not 'CITY X Y'", line=line, hint=HINT)
        city = parse_int(words[0], 1, n, "city", HINT, line)
        if city in found:
            raise InputError(f"a second line of city {city}", line=line, hint="each city has one line")
        try:
            x, y = float(words[1]), float(words[2])
        except ValueError:
            raise InputError(f"{excerpt(text)} is not 'CITY X Y'", line=line, hint=HINT) from None
        if not (abs(x) <= FARTHEST / 4 and abs(y) <= FARTHEST / 4):  # refuses nan as well
            raise InputError(f"{excerpt(text)}: a coordinate is too large", line=line, hint="scale the coordinates")
        found[city] = x, y
    return [found[city] for city in range(1, n + 1)]


def _entries(stated: dict[str, tuple[int, str]], n: int, line: int) -> int:
    """How many numbers the matrix has."""
    form = _form(stated, line)
    if form == "FULL_MATRIX":
        return n * n
    return n * (n + 1) // 2 if "DIAG" in form else n * (n - 1) // 2


def _form(stated: dict[str, tuple[int, str]], line: int) -> str:
    at, text = stated.get("EDGE_WEIGHT_FORMAT", (line, ""))
    form = _COLUMNS.get(text.upper(), text.upper())
    if form not in _FORMATS:
        what = f"EDGE_WEIGHT_FORMAT {excerpt(text)}: not supported" if text else "no line 'EDGE_WEIGHT_FORMAT'"
        raise InputError(what, line=at, hint=f"formats are {', '.join((*_FORMATS, *_COLUMNS))}")
    return form


def _numbers(lines: Iterator[tuple[int, str]], count: int, line: int) -> list[tuple[int, int]]:
    """So many distances with their lines."""
    found: list[tuple[int, int]] = []
    while len(found) < count:
        line, text = next(lines, (line, "EOF"))
        if text == "EOF":
            message = f"{len(found)} of {count} numbers of the matrix"
            raise InputError(message, line=line, hint="the file may be truncated")
        for word in text.split():
            found.append((parse_int(word.removesuffix(".0"), 0, FARTHEST, "distance", HINT_MATRIX, line), line))
    if len(found) > count:
        raise InputError(f"more than {count} numbers of the matrix", line=line, hint="check DIMENSION and the format")
    return found


def _completed(
    stated: dict[str, tuple[int, str]],
    points: dict[str, list[Point]],
    numbers: list[tuple[int, int]],
    last: int,
) -> Tsplib:
    """The instance after all lines were read."""
    at, kind = stated.get("TYPE", (1, "TSP"))
    if kind.split()[:1] not in (["TSP"], ["ATSP"]):
        raise InputError(f"TYPE {excerpt(kind)}: not supported", line=at, hint="mull reads TSP and ATSP")
    n = _dimension(stated, last)
    at, weights = stated.get("EDGE_WEIGHT_TYPE", (last, ""))
    found = Tsplib(stated.get("NAME", (0, ""))[1], stated.get("COMMENT", (0, ""))[1])
    found.points = points.get("NODE_COORD_SECTION", []) or points.get("DISPLAY_DATA_SECTION", [])
    if weights == "EXPLICIT":
        if not numbers:
            raise InputError("no 'EDGE_WEIGHT_SECTION'", line=last, hint=HINT_MATRIX)
        found.distances = _square(n, [number for number, _ in numbers], _form(stated, last))
    elif weights in FUNCTIONS:
        if "NODE_COORD_SECTION" not in points:
            raise InputError("no 'NODE_COORD_SECTION'", line=last, hint=HINT)
        found.distances = matrix(weights, points["NODE_COORD_SECTION"])
    else:
        what = f"EDGE_WEIGHT_TYPE {excerpt(weights)}: not supported" if weights else "no line 'EDGE_WEIGHT_TYPE'"
        raise InputError(what, line=at, hint=f"types are EXPLICIT, {', '.join(FUNCTIONS)}")
    return found


def _square(n: int, numbers: list[int], form: str) -> Matrix:
    """The matrix from its numbers in one of ``_FORMATS``."""
    found = [[0] * n for _ in range(n)]
    source = iter(numbers)
    own = 0 if "DIAG" in form else 1
    for i in range(n):
        columns = range(n) if form == "FULL_MATRIX" else range(i + own, n) if "UPPER" in form else range(i + 1 - own)
        for j in columns:
            found[i][j] = next(source)
            if form != "FULL_MATRIX":
                found[j][i] = found[i][j]
    for i in range(n):
        found[i][i] = 0  # asymmetric files have a large number there
    return found
