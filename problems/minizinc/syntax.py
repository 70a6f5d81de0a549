"""The syntax of FlatZinc: from text to statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import InputError, excerpt

_TOKEN = re.compile(
    r"(?P<skip>\s+|%[^\n]*)"
    r"|(?P<float>-?\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+))"
    r"|(?P<int>-?(?:0x[0-9a-fA-F]+|0o[0-7]+|\d+))"
    r"|(?P<name>[A-Za-z_]\w*)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<sign>::|\.\.|[][(){},:;=])"
)

MOST_DIGITS = 40
"""Longest integer that is read; one beyond 2^60 is refused by the graph with its place in it."""


class Token(NamedTuple):
    """A token: its kind (``int``, ``float``, ``name``, ``string``, ``sign``), its text and where it starts."""

    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Name:
    """A name, or an element ``name[index]`` of an array."""

    name: str
    index: int | None = None


@dataclass(frozen=True)
class Call:
    """An annotation with arguments."""

    name: str
    arguments: tuple[object, ...]


@dataclass(frozen=True)
class Text:
    """A string."""

    text: str


@dataclass(frozen=True)
class Float:
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
    parser = _Parser(text)
    try:
        while parser.at < len(parser.tokens):
            found = parser.statement()
            if found is not None:
                yield found
    except RecursionError:
        raise InputError("is nested too deeply", line=parser.line) from None


def unquoted(string: str) -> str:
    """The text of a quoted string."""
    return re.sub(r"\\(.)", lambda m: str({"n": "\n", "t": "\t"}.get(m[1], m[1])), string[1:-1])


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[Token] = []
        self.counted, self.number = 0, 1
        end = 0
        for match in _TOKEN.finditer(text):
            if match.start() != end:
                break
            end = match.end()
            if match.lastgroup != "skip":
                self.tokens.append(Token(match.lastgroup or "", match[0], match.start()))
        if end < len(text):
            line = text.count("\n", 0, end) + 1
            raise InputError(f"is not FlatZinc at {excerpt(text[end : end + 20])}", line=line)

    @property
    def line(self) -> int:
        """The line of the current token."""
        place = self.tokens[min(self.at, len(self.tokens) - 1)].place if self.tokens else 0
        if place < self.counted:
            self.counted, self.number = 0, 1
        self.number += self.text.count("\n", self.counted, place)
        self.counted = place
        return self.number

    # Tokens -----------------------------------------------------------------------------------------------------------

    def peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        found = self.peek()
        if not found or (expected and found != expected):
            where = excerpt(found) if found else "the end of the file"
            raise InputError(f"expected {excerpt(expected or 'a value')}, found {where}", line=self.line)
        self.at += 1
        return found

    def taken(self, text: str) -> bool:
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def name(self) -> str:
        if self.kind() != "name":
            raise InputError(f"expected a name, found {excerpt(self.peek())}", line=self.line)
        return self.take()

    def integer(self) -> int:
        if self.kind() != "int" or len(self.peek()) > MOST_DIGITS:
            raise InputError(f"expected an integer, found {excerpt(self.peek())}", line=self.line)
        return int(self.take(), 0) if self.peek().lstrip("-")[:2] in ("0x", "0o") else int(self.take())

    # Statements -------------------------------------------------------------------------------------------------------

    def statement(self) -> Declaration | Statement | Goal | None:
        line, first = self.line, self.peek()
        found: Declaration | Statement | Goal | None = None
        if first == "predicate":
            while self.peek() not in (";", ""):
                self.at += 1
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
            least = self.integer() if self.kind() == "int" else 1
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
        if self.kind() == "float":
            self.value()
            return Type("float", None, of_sets, variable, length)
        if self.kind() == "int" or self.peek() == "{":
            values = self.value()
            if isinstance(values, range | frozenset):
                return Type("int", values, of_sets, variable, length)
            if isinstance(values, Float):
                return Type("float", None, of_sets, variable, length)
        raise InputError(f"expected a declaration, found {excerpt(self.peek())}", line=self.line)

    def annotations(self) -> list[Value]:
        found = []
        while self.taken("::"):
            found.append(self.value())
        return found

    def listed(self, end: str) -> list[Value]:
        found: list[Value] = []
        while not self.taken(end):
            found.append(self.value())
            if not self.taken(","):
                self.take(end)
                break
        return found

    def value(self) -> Value:
        kind = self.kind()
        if kind == "int":
            least = self.integer()
            if self.taken(".."):
                return range(least, self.integer() + 1)
            return least
        if kind == "float":
            text = self.take()
            if self.taken(".."):
                self.take()
            return Float(text)
        if kind == "string":
            return Text(unquoted(self.take()))
        if self.taken("["):
            return self.listed("]")
        if self.taken("{"):
            values = self.listed("}")
            if all(type(each) is int for each in values):
                return frozenset(values)
            return Float("a set")
        name = self.name()
        if name in ("true", "false"):
            return name == "true"
        if self.taken("["):
            index = self.integer()
            self.take("]")
            return Name(name, index)
        if self.taken("("):
            return Call(name, tuple(self.listed(")")))
        return Name(name)
