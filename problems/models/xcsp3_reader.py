"""The structure of an XCSP3 instance: variables, groups, slides, objectives; constraints are in ``xcsp3_globals``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from ...engine.errors import GraphError
from ...engine.problem import Problem
from ...engine.values import Domain, Value
from ..errors import InputError, excerpt
from .expressions import number, parse
from .forms import Sum, sum_of
from .xcsp3_parts import Parts
from .xcsp3_templates import arity, filled
from .xcsp3_text import MOST_CELLS, Array
from .xcsp3_values import domain, sizes
from .xml_tree import Node

Handler = Callable[["Reader", Node], None]

UNREAD = ("reifiedBy", "hreifiedFrom", "hreifiedTo", "violationCost", "violationMeasure")
"""Attributes that change what a constraint means, and that are not read."""


class Reader(Parts):
    """The reader of one instance.

    Args:
        root: the element ``<instance>``.
        handlers: constraint name -> the function that adds it to a reader.
    """

    def __init__(self, root: Node, handlers: dict[str, Handler]) -> None:
        self.root, self.handlers = root, handlers
        super().__init__()
        self._symbolic: list[str] = []
        self._cells = 0
        self._named = {node.attributes["id"]: node for node in root.walk() if "id" in node.attributes}

    def problem(self, path: str) -> Problem:
        """The problem of the instance.

        Args:
            path: of the file.

        Raises:
            InputError: a part cannot be read; with its line.
        """
        root = self.root
        if root.tag != "instance" or root.attributes.get("type", "CSP") not in ("CSP", "COP"):
            kind = f"<{root.tag} type={root.attributes.get('type', '')!r}>"
            raise InputError(f"not an XCSP3 instance of type CSP or COP: {kind}", line=root.line)
        goal: tuple[Sum, bool] | None = None
        for node in root.children:
            with self._at(node):
                if node.tag == "variables":
                    self._variables(node)
                elif node.tag == "constraints":
                    for child in node.children:
                        self._constraint(child)
                elif node.tag == "objectives":
                    goal = self._objectives(node)
                elif node.tag != "annotations":
                    raise InputError(f"unknown element <{node.tag}>", hint="variables, constraints, objectives")
        if not self.to.domains:
            raise InputError("the instance has no variables", line=root.line)
        problem = self.to.problem("xcsp3", path, *(goal or ()))
        return replace(problem, render=self._shown()) if self.lists.symbols else problem

    def _shown(self) -> Callable[[Mapping[str, Value]], str]:
        """A drawing with symbolic values in the place of the integers that represent them."""
        names = {code: symbol for symbol, code in self.lists.symbols.items()}
        symbolic = frozenset(self._symbolic)

        def show(assignment: Mapping[str, Value]) -> str:
            shown = ((name, value) for name, value in assignment.items() if not name.startswith("_"))
            return " ".join(f"{n}={names[int(value)] if n in symbolic else value}" for n, value in shown)

        return show

    @contextmanager
    def _at(self, node: Node) -> Iterator[None]:
        """Add the line of a node to errors."""
        try:
            yield
        except InputError as error:
            raise error.at("", node.line) from None
        except GraphError as error:
            raise InputError(str(error), line=node.line, hint=error.hint) from None

    # Variables --------------------------------------------------------------------------------------------------------

    def _variables(self, parent: Node) -> None:
        for node in parent.children:
            with self._at(node):
                kind = node.attributes.get("type", "integer")
                if kind not in ("integer", "symbolic"):
                    hint = "integer and symbolic variables are"
                    raise InputError(f"variables of type {excerpt(kind)} are not read", hint=hint)
                name = node.attributes.get("id", "")
                if not re.fullmatch(r"[A-Za-z]\w*", name):
                    raise InputError(f"<{node.tag}> has no valid id: {excerpt(name)}", hint="a letter, then letters")
                if name in self.to.domains or name in self.lists.arrays:
                    raise InputError(f"the variable {excerpt(name)} is declared twice")
                source = self._content(node)
                before = len(self.to.domains)
                if node.tag == "var":
                    self.to.domains[name] = self._domain(source.text)
                elif node.tag == "array":
                    self._array(name, node, source)
                else:
                    raise InputError(f"unknown element <{node.tag}> in <variables>", hint="var and array are read")
                if kind == "symbolic":
                    self._symbolic += list(self.to.domains)[before:]

    def _array(self, name: str, node: Node, source: Node) -> None:
        lengths = sizes(node.attributes.get("size", ""))
        starts = sizes(node.attributes["startIndex"]) if "startIndex" in node.attributes else [0] * len(lengths)
        total = 1
        for length in lengths:
            total *= length
        self._cells += total
        if min(lengths) < 1 or self._cells > MOST_CELLS or len(starts) != len(lengths):
            hint = f"the arrays of a file have up to {MOST_CELLS} cells"
            raise InputError(f"the size of the array {excerpt(name)} is out of range", hint=hint)
        array = Array(name, lengths, starts)
        self.lists.arrays[name] = array
        cells, _ = array.cells(array.whole)
        if not source.children:
            self.to.domains.update(dict.fromkeys(cells, self._domain(source.text)))
            return
        own: dict[str, Domain] = {}
        rest: Domain | None = None
        for child in source.children:
            with self._at(child):
                source_domain = self._domain(self._content(child).text)
                places = child.attributes.get("for", "")
                if places == "others":
                    rest = source_domain
                    continue
                for word in places.split():
                    selection = word.removeprefix(name) if word != name else array.whole
                    own.update(dict.fromkeys(array.cells(selection)[0], source_domain))
        for cell in cells:
            found = own.get(cell, rest)
            if found is not None:
                self.to.domains[cell] = found

    def _domain(self, text: str) -> Domain:
        words = text.split()
        if not words or not words[0][0].isalpha():
            return domain(text)
        symbols = self.lists.symbols
        for word in words:
            if not re.fullmatch(r"[A-Za-z](?:[\w-]*\w)?", word):
                hint = "a letter, then letters, digits and hyphens"
                raise InputError(f"{excerpt(word)} is not a symbolic value", hint=hint)
            symbols.setdefault(word, len(symbols) + 1)
        return tuple(dict.fromkeys(symbols[word] for word in words))

    def _content(self, node: Node) -> Node:
        """The node that holds a node's content: itself, or the one that its attribute ``as`` names."""
        name = node.attributes.get("as")
        if name is None:
            return node
        found = self._named.get(name)
        if found is None or "as" in found.attributes:
            raise InputError(f"as={excerpt(name)}: there is no such element with content of its own")
        return found

    # Constraints ------------------------------------------------------------------------------------------------------

    def _constraint(self, node: Node) -> None:
        with self._at(node):
            if node.tag == "block":
                for child in node.children:
                    self._constraint(child)
            elif node.tag == "group":
                self._group(node)
            elif node.tag == "slide":
                self._slide(node)
            else:
                self.state(node)

    def state(self, node: Node) -> None:
        """Add the constraint of an element.

        Raises:
            InputError: the constraint is unknown, or a part of it cannot be read.
        """
        handler = self.handlers.get(node.tag)
        if handler is None:
            raise InputError(f"unknown constraint <{node.tag}>", hint=f"known are {', '.join(sorted(self.handlers))}")
        changed = next((key for key in UNREAD if key in node.attributes), None)
        if changed is not None or node.attributes.get("type") == "soft":
            raise InputError(f"<{node.tag}> has {changed or 'type'}: soft and reified constraints are not read")
        content = self._content(node)
        if content is not node:
            node = Node(node.tag, node.attributes, node.line, content.text, content.children)
        handler(self, node)

    def _group(self, node: Node) -> None:
        template = self._template(node, "args")
        for each in node.all("args"):
            with self._at(each):
                self._constraint(filled(template, list(self.lists.expanded(each.text))))

    def _slide(self, node: Node) -> None:
        template = self._template(node, "list")
        lists = node.all("list")
        width = arity(template)
        variables = [list(self.lists.expanded(each.text)) for each in lists]
        collects = [number(each.attributes.get("collect", "1" if len(lists) > 1 else str(width))) for each in lists]
        offsets = [number(each.attributes.get("offset", "1")) for each in lists]
        if not lists or min(offsets) < 1 or min(collects) < 1:
            raise InputError("a slide has lists with positive offset and collect")
        if any(collect > len(names) for names, collect in zip(variables, collects, strict=True)):
            return  # no window fits
        circular = node.attributes.get("circular") == "true"
        step = 0
        while True:
            arguments: list[str] = []
            for names, collect, offset in zip(variables, collects, offsets, strict=True):
                first = step * offset
                if first >= len(names) or (not circular and first + collect > len(names)):
                    return
                arguments += [names[(first + k) % len(names)] for k in range(collect)]
            self._constraint(filled(template, arguments))
            step += 1

    def _template(self, node: Node, other: str) -> Node:
        found = [child for child in node.children if child.tag != other]
        if len(found) != 1:
            raise InputError(f"<{node.tag}> has {len(found)} constraints, not one")
        return found[0]

    # Objectives -------------------------------------------------------------------------------------------------------

    def _objectives(self, parent: Node) -> tuple[Sum, bool] | None:
        found: list[tuple[Sum, bool]] = []
        for node in parent.children:
            with self._at(node):
                if node.tag not in ("minimize", "maximize"):
                    raise InputError(f"unknown objective <{node.tag}>", hint="minimize and maximize are read")
                found.append((self._objective(node), node.tag == "maximize"))
        if len(found) < 2:
            return found[0] if found else None
        if parent.attributes.get("combination", "lexico") != "lexico":
            raise InputError("several objectives are read with combination=lexico only")
        maximise = found[0][1]
        signed = [form if each == maximise else self.to.sum([(-1, form)]) for form, each in found]
        return self.to.lexicographic(signed), maximise

    def _objective(self, node: Node) -> Sum:
        kind = node.attributes.get("type", "expression")
        found = node.find("list")
        text = found.text if found is not None else node.text
        if kind == "expression" and node.find("list") is None:
            return self.expressions.sum(self.lists.coded(parse(text)))
        forms = [self.expressions.sum(item) for item in self.lists.items(text)]
        weights = node.find("coeffs")
        if weights is not None:
            numbers = self.lists.numbers(weights.text)
            if len(numbers) != len(forms):
                raise InputError(f"{len(forms)} entries have {len(numbers)} coefficients")
            forms = [self.to.sum([(weight, form)]) for weight, form in zip(numbers, forms, strict=True)]
        if not forms:
            raise InputError(f"<{node.tag}> has no variables")
        if kind in ("sum", "expression"):
            return self.to.sum((1, form) for form in forms)
        if kind == "lex":
            return self.to.lexicographic(forms)
        terms = [self.to.term(form) for form in forms]
        if kind in ("minimum", "maximum"):
            return sum_of(self.to.extreme(terms, kind == "maximum"))
        if kind == "product":
            return sum_of(self.to.product(terms))
        if kind == "nValues":
            return sum_of(self.n_values(terms, ()))
        raise InputError(f"unknown type {excerpt(kind)} of an objective", hint="sum, product, minimum, maximum, lex")
