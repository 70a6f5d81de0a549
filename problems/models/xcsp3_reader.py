"""The structure of an XCSP3 instance: variables, groups, slides, objectives; constraints are in ``xcsp3_globals``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ...engine.constraints.base import Constraint
from ...engine.errors import GraphError
from ...engine.problem import Problem
from ...engine.values import Domain, Term, Value
from ..errors import InputError, excerpt
from .building import Builder
from .expressions import RELATIONS, Expressions, number, parse
from .forms import Sum, Truth, sum_of
from .xcsp3_text import MOST_CELLS, Array, Lists, arity, domain, filled, sizes
from .xml_tree import Node

Handler = Callable[["Reader", Node], None]

Condition = tuple[str, Sum | range | list[int]]
"""An operator and its operand: a linear form for a comparison, integers for ``in`` and ``notin``."""

UNREAD = ("reifiedBy", "hreifiedFrom", "hreifiedTo", "violationCost", "violationMeasure")
"""Attributes that change what a constraint means, and that are not read."""


class Reader:
    """The reader of one instance.

    Args:
        root: the element ``<instance>``.
        handlers: constraint name -> the function that adds it to a reader.

    Attributes:
        to: the graph under construction.
        lists: reads lists of variables.
        expressions: lowers expressions.
    """

    def __init__(self, root: Node, handlers: dict[str, Handler]) -> None:
        self.root, self.handlers = root, handlers
        self.to = Builder()
        self.lists = Lists(self.to.domains)
        self.expressions = Expressions(self.to)
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

    # Parts of constraints ---------------------------------------------------------------------------------------------

    def terms(self, text: str) -> list[Term]:
        """A list of variables, numbers and expressions as terms."""
        return [self.expressions.term(item) for item in self.lists.items(text)]

    def listed(self, node: Node, tag: str = "list") -> list[Term]:
        """The terms of a child, or of the element's own text where there is no such child.

        Args:
            node: of a constraint.
            tag: of the child.

        Raises:
            InputError: the list is empty.
        """
        found = node.find(tag)
        terms = self.terms(found.text if found is not None else node.text)
        if not terms:
            raise InputError(f"<{node.tag}> has no variables")
        return terms

    def condition(self, node: Node, text: str | None = None) -> Condition:
        """The operator and the operand of a constraint's condition.

        Args:
            node: of the constraint.
            text: of the condition; by default that of the child ``condition``.

        Returns:
            A comparison and a linear form, or ``in`` or ``notin`` and a range or a list of integers.

        Raises:
            InputError: the text is not a condition.
        """
        given = (node.need("condition").text if text is None else text).strip()
        if not (given.startswith("(") and given.endswith(")") and "," in given):
            raise InputError(f"{excerpt(given)} is not a condition", hint="write (le,10)")
        operator, _, operand = (part.strip() for part in given[1:-1].partition(","))
        if operator in RELATIONS:
            items = self.lists.items(operand)
            if len(items) != 1:
                raise InputError(f"{excerpt(given)} is not a condition", hint="write (le,10)")
            (item,) = items
            return RELATIONS[operator], self.expressions.sum(item)
        if operator not in ("in", "notin"):
            raise InputError(f"unknown operator {excerpt(operator)} of a condition", hint="lt le ge gt ne eq in notin")
        if operand.startswith("{") and operand.endswith("}"):
            return operator, self.lists.numbers(operand[1:-1].replace(",", " "))
        low, dots, high = operand.partition("..")
        if not dots:
            raise InputError(f"{excerpt(operand)} is not a set", hint="write 1..5 or {1,2,3}")
        return operator, range(number(low), number(high) + 1)

    def restrict(self, form: Sum, condition: Condition) -> None:
        """State that a linear form satisfies a condition.

        Args:
            form: the linear form.
            condition: as ``condition`` returns it.
        """
        self.to.add(self.satisfied(form, condition))

    def satisfied(self, form: Sum, condition: Condition) -> Constraint | bool:
        """The constraint that ``restrict`` adds.

        Args:
            form: the linear form.
            condition: as ``condition`` returns it.
        """
        operator, operand = condition
        if isinstance(operand, tuple):
            return self.to.compare(form, operator, operand)
        stated = self.to.within(form, operand)
        return stated if operator == "in" else self.to.clause([self.to.negate(self.to.truth(stated))])

    def equal(self, one: Term, other: Term) -> Truth:
        """The truth of an equality of two terms.

        Args:
            one: a term.
            other: a term.
        """
        if isinstance(other, int):
            return self.to.literal(one, other)
        if isinstance(one, int):
            return self.to.literal(other, one)
        return self.to.truth(self.to.equal(sum_of(one), sum_of(other)))

    def target(self, condition: Condition) -> Term | None:
        """The variable or number that a condition makes equal; None for any other condition."""
        operator, operand = condition
        if operator != "==" or not isinstance(operand, tuple):
            return None
        terms, constant = operand
        if not terms:
            return constant
        if not constant and list(terms.values()) == [1]:
            return next(iter(terms))
        return None

    def valued(self, low: int, high: int, node: Node) -> Term:
        """A term for a function's value under the condition of its element, which is stated.

        Args:
            low: the least value.
            high: the largest value.
            node: of the constraint.
        """
        condition = self.condition(node)
        target = self.target(condition)
        if target is None:
            target = self.to.new(low, high)
            self.restrict(sum_of(target), condition)
        return target

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

    def n_values(self, terms: Sequence[Term], exempt: Sequence[int], value: Term | None = None) -> Term:
        """A term for the number of distinct values.

        Args:
            terms: the terms.
            exempt: values that do not count.
            value: the term to use, or None for a new one.
        """
        from ...engine.constraints import NValues

        target = self.to.new(0 if exempt else 1, len(terms)) if value is None else value
        self.to.add(NValues(tuple(terms), target, tuple(exempt)))
        return target
