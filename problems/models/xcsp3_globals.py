"""The constraints of XCSP3-core, each added to a reader by a function."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ...engine.constraints import (
    MDD,
    AllDifferentLists,
    AllEqual,
    Among,
    Count,
    GlobalCardinality,
    Increasing,
    LexLess,
    LexLessEq,
    NValues,
    Precedence,
    Regular,
)
from ...engine.values import Term
from ..errors import InputError, excerpt
from .expressions import RELATIONS, number, parse
from .forms import sum_of
from .xcsp3_parts import Condition
from .xcsp3_reader import Handler, Reader
from .xcsp3_values import transitions
from .xml_tree import Node


def _intension(reader: Reader, node: Node) -> None:
    function = node.find("function")
    reader.expressions.state(reader.lists.coded(parse(function.text if function is not None else node.text)))


def _extension(reader: Reader, node: Node) -> None:
    terms = reader.listed(node)
    rows = node.find("supports") or node.find("conflicts")
    if rows is None:
        raise InputError("<extension> has neither <supports> nor <conflicts>")
    reader.to.table(terms, reader.lists.tuples(rows.text, len(terms)), rows.tag == "supports")


def _regular(reader: Reader, node: Node) -> None:
    arcs = transitions(node.need("transitions").text)
    numbers: dict[str, int] = {}
    for before, _, after in arcs:
        numbers.setdefault(before, len(numbers))
        numbers.setdefault(after, len(numbers))
    start = numbers.setdefault(node.need("start").text, len(numbers))
    final = [numbers.setdefault(state, len(numbers)) for state in node.need("final").text.split()]
    stated = tuple((numbers[before], value, numbers[after]) for before, value, after in arcs)
    reader.to.add(Regular(tuple(reader.listed(node)), stated, start, tuple(final)))


def _mdd(reader: Reader, node: Node) -> None:
    arcs = transitions(node.need("transitions").text)
    numbers: dict[str, int] = {}
    for before, _, after in arcs:
        numbers.setdefault(before, len(numbers))
        numbers.setdefault(after, len(numbers))
    sources, targets = {arc[0] for arc in arcs}, {arc[2] for arc in arcs}
    roots = [state for state in numbers if state not in targets]
    if len(roots) != 1:
        raise InputError(f"the diagram has {len(roots)} roots, not one")
    ends = tuple(numbers[state] for state in numbers if state not in sources)
    stated = tuple((numbers[before], value, numbers[after]) for before, value, after in arcs)
    reader.to.add(MDD(tuple(reader.listed(node)), stated, numbers[roots[0]], ends))


def _except(reader: Reader, node: Node) -> list[int]:
    exempt = node.find("except")
    return reader.lists.numbers(exempt.text) if exempt is not None else []


def _all_different(reader: Reader, node: Node) -> None:
    matrix = node.find("matrix")
    if matrix is not None:
        exempt = _except(reader, node)
        rows = [[reader.expressions.term(item) for item in row] for row in reader.lists.rows(matrix.text)]
        for line in (*rows, *zip(*rows, strict=True)):
            reader.to.all_different(line, exempt)
        return
    lists = node.all("list")
    if len(lists) > 1:
        exempted = node.find("except")
        rows = [reader.terms(each.text) for each in lists]
        forbidden = reader.lists.tuples(exempted.text, len(rows[0])) if exempted is not None else []
        exempt_rows = tuple(tuple(value for value in row if value is not None) for row in forbidden)
        reader.to.add(AllDifferentLists(tuple(map(tuple, rows)), exempt_rows))
        return
    reader.to.all_different(reader.listed(node), _except(reader, node))


def _all_equal(reader: Reader, node: Node) -> None:
    reader.to.add(AllEqual(tuple(reader.listed(node)), tuple(_except(reader, node))))


def _operator(node: Node) -> str:
    found = node.find("operator")
    operator = found.text if found is not None else node.attributes.get("case", "le")
    if operator not in ("lt", "le", "ge", "gt"):
        raise InputError(f"unknown order {excerpt(operator)}", hint="lt, le, ge or gt")
    return operator


def _ordered(reader: Reader, node: Node) -> None:
    operator, terms = _operator(node), reader.listed(node)
    lengths = node.find("lengths")
    if lengths is None:
        up = operator in ("lt", "le")
        reader.to.add(Increasing(tuple(terms if up else terms[::-1]), operator in ("lt", "gt")))
        return
    gaps = reader.terms(lengths.text)
    if len(gaps) < len(terms) - 1:
        raise InputError(f"{len(terms)} variables have {len(gaps)} lengths")
    for first, gap, second in zip(terms, gaps, terms[1:], strict=False):
        shifted = reader.to.sum(((1, first), (1, gap)))
        reader.to.add(reader.to.compare(shifted, RELATIONS[operator], sum_of(second)))


def _lex(reader: Reader, node: Node) -> None:
    operator = _operator(node)
    matrix = node.find("matrix")
    families: list[list[Sequence[Term]]]
    if matrix is not None:
        rows = [[reader.expressions.term(item) for item in row] for row in reader.lists.rows(matrix.text)]
        families = [list(rows), list(zip(*rows, strict=True))]
    else:
        families = [[reader.terms(each.text) for each in node.all("list")]]
    kind = LexLess if operator in ("lt", "gt") else LexLessEq
    for lines in families:
        for one, other in pairwise(lines):
            first, second = (one, other) if operator in ("lt", "le") else (other, one)
            reader.to.add(kind(tuple(first), tuple(second)))


def _precedence(reader: Reader, node: Node) -> None:
    terms = reader.listed(node)
    found = node.find("values")
    if found is not None:
        values = reader.lists.numbers(found.text)
    else:
        low, high = zip(*map(reader.to.bounds, terms), strict=True)
        if max(high) - min(low) > len(terms) ** 2 + 100_000:
            raise InputError("the values of <precedence> are too many", hint="list them in <values>")
        values = [v for v in range(min(low), max(high) + 1) if any(reader.to.literal(t, v) is not False for t in terms)]
    reader.to.add(Precedence(tuple(terms), tuple(values)))
    if values and (found or node).attributes.get("covered", node.attributes.get("covered")) == "true":
        reader.to.add_clause([reader.to.literal(term, values[-1]) for term in terms])


def _sum(reader: Reader, node: Node) -> None:
    found = node.find("list")
    items = reader.lists.items(found.text if found is not None else node.text)
    given = node.find("coeffs")
    weights = reader.lists.items(given.text) if given is not None else [1] * len(items)
    if len(weights) != len(items):
        raise InputError(f"{len(items)} entries have {len(weights)} coefficients")
    total = reader.to.sum(
        (1, reader.expressions.sum(item if weight == 1 else ("mul", weight, item)))
        for weight, item in zip(weights, items, strict=True)
    )
    reader.restrict(total, reader.condition(node))


def _count(reader: Reader, node: Node) -> None:
    terms, values = reader.listed(node), reader.terms(node.need("values").text)
    condition = reader.condition(node)
    if not all(isinstance(value, int) for value in values):
        truths = [reader.to.truth(reader.to.clause([reader.equal(term, value) for value in values])) for term in terms]
        reader.restrict(reader.to.sum((1, reader.to.sum_of_truth(truth)) for truth in truths), condition)
        return
    numbers = tuple(dict.fromkeys(value for value in values if isinstance(value, int)))
    interval = _interval(reader, condition, len(terms))
    names = [term for term in terms if isinstance(term, str)]
    if interval is not None and len(set(names)) == len(terms):
        least, most = interval
        reader.to.add(Count(tuple(names), numbers, least, most) if least <= most else False)
        return
    reader.to.add(Among(tuple(terms), numbers, reader.valued(0, len(terms), node)))


def _interval(reader: Reader, condition: Condition, most: int) -> tuple[int, int] | None:
    """The least and the largest number that a condition allows, where it is an interval of constants."""
    operator, operand = condition
    if operator == "in" and isinstance(operand, range):
        return max(0, operand.start), min(most, operand.stop - 1)
    if not isinstance(operand, tuple) or operator == "!=" or operand[0]:
        return None
    k = operand[1]
    found = {"==": (k, k), "<=": (0, k), "<": (0, k - 1), ">=": (k, most), ">": (k + 1, most)}[operator]
    return max(0, found[0]), min(most, found[1])


def _n_values(reader: Reader, node: Node) -> None:
    terms, exempt = reader.listed(node), _except(reader, node)
    target = reader.valued(0 if exempt else 1, len(terms), node)
    reader.to.add(NValues(tuple(terms), target, tuple(exempt)))


def _cardinality(reader: Reader, node: Node) -> None:
    terms = reader.listed(node)
    element = node.need("values")
    values = reader.terms(element.text)
    occurs: list[Term] = []
    for word in node.need("occurs").text.split():
        low, dots, high = word.partition("..")
        if dots and "[" not in word:
            occurs.append(reader.to.new(max(0, number(low)), min(len(terms), number(high))))
        else:
            occurs += reader.terms(word)
    if len(occurs) != len(values):
        raise InputError(f"{len(values)} values have {len(occurs)} numbers of occurrences")
    closed = element.attributes.get("closed", node.attributes.get("closed")) == "true"
    numbers = tuple(value for value in values if isinstance(value, int))
    if len(set(numbers)) == len(values):
        reader.to.add(GlobalCardinality(tuple(terms), numbers, tuple(occurs), closed))
        return
    for value, count in zip(values, occurs, strict=True):
        found = reader.to.sum((1, reader.to.sum_of_truth(reader.equal(term, value))) for term in terms)
        reader.to.add(reader.to.equal(found, sum_of(count)))
    for term in terms if closed else ():
        reader.to.add_clause([reader.equal(term, value) for value in values])


def _instantiation(reader: Reader, node: Node) -> None:
    terms = reader.listed(node)
    words = list(reader.lists.expanded(node.need("values").text))
    if len(words) != len(terms):
        raise InputError(f"{len(terms)} variables have {len(words)} values")
    for term, word in zip(terms, words, strict=True):
        if word != "*":
            reader.to.add_clause([reader.to.literal(term, reader.lists.number(word))])


def _clause(reader: Reader, node: Node) -> None:
    found = node.find("list")
    items = reader.lists.items(found.text if found is not None else node.text)
    reader.to.add_clause([reader.expressions.truth(item) for item in items])


LOGICAL: dict[str, Handler] = {
    "intension": _intension,
    "extension": _extension,
    "regular": _regular,
    "mdd": _mdd,
    "allDifferent": _all_different,
    "allEqual": _all_equal,
    "ordered": _ordered,
    "lex": _lex,
    "precedence": _precedence,
    "sum": _sum,
    "count": _count,
    "nValues": _n_values,
    "cardinality": _cardinality,
    "instantiation": _instantiation,
    "clause": _clause,
}
"""Comparison, counting, order and table constraints by their element's name."""
