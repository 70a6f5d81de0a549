"""Templates of XCSP3 groups and slides: constraints with the places ``%0``, ``%1``, ... and ``%...``."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import InputError
from .xml_tree import Node

_PLACE = re.compile(r"%([0-9]{1,6}(?![0-9])|\.\.\.)")


def filled(template: Node, arguments: list[str]) -> Node:
    """A copy of a template with ``%0``, ``%1``, ... and ``%...`` replaced.

    Args:
        template: the constraint of a group.
        arguments: of one ``<args>``.

    Raises:
        InputError: there are too few arguments.
    """
    rest = " ".join(arguments[arity(template) :])

    def replace(match: re.Match[str]) -> str:
        if match[1] == "...":
            return rest
        if int(match[1]) >= len(arguments):
            raise InputError(f"the group needs %{match[1]}, and there are {len(arguments)} arguments")
        return arguments[int(match[1])]

    return _mapped(template, lambda text: _PLACE.sub(replace, text) if "%" in text else text)


def _mapped(node: Node, change: Callable[[str], str]) -> Node:
    attributes = {key: change(text) for key, text in node.attributes.items()}
    children = [_mapped(child, change) for child in node.children]
    return Node(node.tag, attributes, node.line, change(node.text), children)


def arity(template: Node) -> int:
    """One more than the largest number of a template's places ``%n``."""
    texts = (text for node in template.walk() for text in (node.text, *node.attributes.values()))
    return max((int(n) + 1 for text in texts for n in _PLACE.findall(text) if n != "..."), default=0)
