"""The syntax of FlatZinc: from text to statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import InputError, excerpt

_TOKEN = re.compile(
    r"%[^\n]*"
    r"|-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)"
    r"|-?(?:0x[0-9a-fA-F]+|0o[0-7]+|\d+)"
    r"|[A-Za-z_]\w*"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|::|\.\.|\S"
)
_STATEMENT = re.compile(r'[^;"%]*(?:(?:"(?:[^"\\\n]|\\.)*"|%[^\n]*|")[^;"%]*)*;?')
_BLANK = re.compile(r"(?:\s+|%[^\n]*)*")

MOST_DIGITS = 40
"""Longest integer that is read; one beyond 2^60 is refused by the graph with its place in it."""


class Name(NamedTuple):
    """A name, or an element ``name[element]`` of an array."""

    name: str
    element: int | None = None


class Call(NamedTuple):
    """An annotation with arguments."""

    name: str
    arguments: tuple[object, ...]


class Text(NamedTuple):
    """A string."""

    text: str


class Float(NamedTuple):
    """A number with a fraction."""

    text: str


Value = object
"""An integer, a bool, a ``range`` or frozenset of integers, a list of values, or one of the classes above."""


class Type(NamedTuple):
    """A type: its base (``bool``, ``int``, ``float``), its values or None, and whether it is a set, or a variable's.

    ``length`` is the number of elements of an array, or None.
    """

    base: str
    values: range | frozenset[int] | None = None
    of_sets: bool = False
    variable: bool = False
    length: int | None = None


class Declaration(NamedTuple):
    """``type: name annotations = value;``"""

    line: int
    type: Type
    name: str
    annotations: list[Value]
    value: Value | None


class Statement(NamedTuple):
    """``constraint name(arguments);``"""

    line: int
    name: str
    arguments: list[Value]


class Goal(NamedTuple):
    """``solve satisfy;``, or ``minimize`` or ``maximize`` with its expression."""

    line: int
    goal: str
    value: Value | None


def statements(text: str) -> Iterator[Declaration | Statement | Goal]:
    """The statements of a FlatZinc text; predicates are skipped.

    Args:
        text: the content of a file.

    Raises:
        InputError: the text is not FlatZinc; with the line.
    """
    line, counted = 1, 0
    for found in _STATEMENT.finditer(text):
        blank = _BLANK.match(text, found.start())
        start = blank.end() if blank is not None else found.start()
        if start >= found.end():  # blanks and comments after the last statement
            continue
        line, counted = line + text.count("\n", counted, start), start
        parser = _Parser(text[start : found.end()], line)
        try:
            statement = parser.statement()
        except RecursionError:
            raise InputError("is nested too deeply", line=line) from None
        if statement is not None:
            yield statement


def unquoted(string: str) -> str:
    """The text of a quoted string."""
    return re.sub(r"\\(.)", lambda m: str({"n": "\n", "t": "\t"}.get(m[1], m[1])), string[1:-1])


class _Parser:
    """The parser of one statement.

    Args:
        text: the statement with its semicolon.
        first: its line.
    """

    def __init__(self, text: str, first: int) -> None:
        self.text, self.first = text, first
        self.at = 0
        self.tokens: list[str] = _TOKEN.findall(text)
        if "%" in text:
            self.tokens = [token for token in self.tokens if not token.startswith("%")]

    @property
    def line(self) -> int:
        """The line of the current token."""
        places = [found.start() for found in _TOKEN.finditer(self.text) if not found[0].startswith("%")]
        place = places[self.at] if self.at < len(places) else len(self.text)
        return self.first + self.text.count("\n", 0, place)

    # Tokens -----------------------------------------------------------------------------------------------------------

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        found = self.peek()
        if not found or (expected and found != expected):
            where = excerpt(found) if found else "the end of the file"
            raise InputError(f"expected {excerpt(expected or 'a value')}, found {where}", line=self.line)
        self.at += 1
        return found

    def taken(self, text: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == text:
            self.at += 1
            return True
        return False

    def name(self) -> str:
        found = self.peek()
        if not found.isidentifier() or not found.isascii():
            raise self.unexpected("a name")
        self.at += 1
        return found

    def integer(self) -> int:
        found = self.peek()
        digits = found.removeprefix("-")
        if not digits.isalnum() or not digits[:1].isdigit() or len(digits) > MOST_DIGITS or _is_float(digits):
            raise self.unexpected("an integer")
        self.at += 1
        return int(found, 0) if digits[:2] in ("0x", "0o") else int(found)

    def unexpected(self, expected: str) -> InputError:
        found = self.peek()
        if found and not (found[0].isalnum() or found[0] in '_-"[](){},:;=.'):
            return InputError(f"is not FlatZinc at {excerpt(found)}", line=self.line)
        return InputError(f"expected {expected}, found {excerpt(found)}", line=self.line)

    # Statements -------------------------------------------------------------------------------------------------------

    def statement(self) -> Declaration | Statement | Goal | None:
        line, first = self.first, self.peek()
        found: Declaration | Statement | Goal | None = None
        if first == "predicate":
            self.at = max(1, len(self.tokens) - 1)
        elif first == "constraint":
            self.at += 1
            name = self.name()
            self.take("(")
            arguments = self.listed(")")
            self.annotations()
            found = Statement(line, name, arguments)
        elif first == "solve":
            self.at += 1
            self.annotations()
            goal = self.name()
            if goal not in ("satisfy", "minimize", "maximize"):
                raise InputError(f"expected satisfy, minimize or maximize, found {excerpt(goal)}", line=self.line)
            found = Goal(line, goal, None if goal == "satisfy" else self.value())
        else:
            kind = self.type()
            self.take(":")
            name = self.name()
            annotations = self.annotations()
            value = self.value() if self.taken("=") else None
            found = Declaration(line, kind, name, annotations, value)
        self.take(";")
        return found

    def type(self) -> Type:
        length = None
        if self.taken("array"):
            self.take("[")
            least = 1 if self.peek() == "int" else self.integer()
            if self.taken(".."):
                length = self.integer() - least + 1
            elif not self.taken("int"):
                length = least
            self.take("]")
            self.take("of")
        variable = self.taken("var")
        of_sets = False
        if self.taken("set"):
            self.take("of")
            of_sets = True
        if self.peek() in ("bool", "int", "float"):
            return Type(self.take(), None, of_sets, variable, length)
        if self.peek()[:1] in "-{0123456789" and self.peek():
            values = self.value()
            if isinstance(values, range | frozenset):
                return Type("int", values, of_sets, variable, length)
            if isinstance(values, Float):
                return Type("float", None, of_sets, variable, length)
        raise self.unexpected("a declaration")

    def annotations(self) -> list[Value]:
        found = []
        while self.taken("::"):
            found.append(self.value())
        return found

    def listed(self, end: str) -> list[Value]:
        found: list[Value] = []
        while not self.taken(end):
            token = self.peek()
            following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
            if (following == "," or following == end) and token.isalnum() and token.isascii() and len(token) < 20:
                if token.isdigit():
                    found.append(int(token))
                elif token[0].isalpha() and token not in ("true", "false"):
                    found.append(Name(token))
                else:
                    found.append(self.value())
                    following = ""
                if following:
                    self.at += 2
                    if following == end:
                        break
                    continue
            else:
                found.append(self.value())
            if not self.taken(","):
                self.take(end)
                break
        return found

    def value(self) -> Value:
        token = self.peek()
        start = token[:1]
        if start.isdigit() or (start == "-" and len(token) > 1):
            if _is_float(token):
                self.at += 1
                if self.taken(".."):
                    self.take()
                return Float(token)
            least = self.integer()
            if self.taken(".."):
                return range(least, self.integer() + 1)
            return least
        if start == '"' and len(token) > 1:
            return Text(unquoted(self.take()))
        if self.taken("["):
            return self.listed("]")
        if self.taken("{"):
            values = self.listed("}")
            if all(type(each) is int for each in values):
                return frozenset(values)
            return Float("a set")
        if token == "true" or token == "false":
            self.at += 1
            return token == "true"
        name = self.name()
        if self.taken("["):
            index = self.integer()
            self.take("]")
            return Name(name, index)
        if self.taken("("):
            return Call(name, tuple(self.listed(")")))
        return Name(name)


def _is_float(token: str) -> bool:
    return "." in token or (("e" in token or "E" in token) and "x" not in token)
