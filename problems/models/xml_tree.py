"""XML as plain nodes with line numbers, without entities and without deep nesting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from ..errors import InputError, excerpt

DEEPEST = 60
"""The most elements inside each other."""

MOST_NODES = 4_000_000
"""The most elements of a file."""


@dataclass
class Node:
    """One element.

    Args:
        tag: its name.
        attributes: name -> text.
        line: of its start tag, 1-based.
        text: all text between its tags, without that of its children.
        children: the elements in it, in order.
    """

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    line: int = 1
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def find(self, tag: str) -> Node | None:
        """The first child with a tag, or None."""
        return next((child for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> list[Node]:
        """The children with a tag."""
        return [child for child in self.children if child.tag == tag]

    def need(self, tag: str) -> Node:
        """The first child with a tag.

        Raises:
            InputError: there is none.
        """
        child = self.find(tag)
        if child is None:
            raise InputError(f"<{self.tag}> has no <{tag}>", line=self.line, hint="see the XCSP3 specification")
        return child

    def walk(self) -> Iterator[Node]:
        """The node and all nodes in it."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(text: str) -> Node:
    """The root element of an XML text.

    Raises:
        InputError: the text is not well-formed, has a document type or entities, or is nested too deeply.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    root = Node("")
    stack = [root]
    pieces: list[list[str]] = [[]]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        line = parser.CurrentLineNumber
        if len(stack) > DEEPEST:
            raise InputError("elements are nested too deeply", line=line, hint=f"up to {DEEPEST} levels are read")
        if count > MOST_NODES:
            raise InputError("has too many elements", line=line, hint=f"up to {MOST_NODES} are read")
        node = Node(tag, attributes, line)
        stack[-1].children.append(node)
        stack.append(node)
        pieces.append([])

    def end(tag: str) -> None:
        stack.pop().text = " ".join(pieces.pop()).strip()

    def refuse(*_: object) -> None:
        hint = "remove <!DOCTYPE ...>: entities are not read"
        raise InputError("has a document type or an entity", line=parser.CurrentLineNumber, hint=hint)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda piece: pieces[-1].append(piece)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse  # type: ignore[assignment]
    try:
        # The text is decoded already. Its declaration may name the file's encoding.
        parser.Parse(_without_declaration(text).encode(), True)
    except expat.ExpatError as error:
        message = f"is not well-formed XML: {expat.ErrorString(error.code)}"
        raise InputError(message, line=error.lineno, hint="the file may be truncated") from None
    if not root.children:
        raise InputError(f"has no element: it starts with {excerpt(text)}", line=1)
    return root.children[0]


def _without_declaration(text: str) -> str:
    stripped = text.lstrip()
    if not stripped.startswith("<?xml"):
        return text
    skipped, _, rest = text.partition("?>")
    return "\n" * skipped.count("\n") + rest
