"""The constraints of XCSP3-core on arrays, graphs, schedules and packings."""

from __future__ import annotations

from collections.abc import Sequence

from ...engine.constraints import (
    BinPacking,
    Circuit,
    Cumulative,
    Element,
    Inverse,
    NoOverlap,
    NoOverlap2D,
    SubCircuit,
)
from ...engine.values import Term
from ..errors import InputError
from .expressions import number
from .forms import Truth, sum_of
from .xcsp3_reader import Handler, Reader
from .xml_tree import Node


def _start(node: Node | None, key: str = "startIndex") -> int:
    return number(node.attributes.get(key, "0")) if node is not None else 0


def _shifted(reader: Reader, term: Term, offset: int) -> Term:
    """A term that equals another one minus an offset."""
    return reader.to.term(reader.to.sum(((1, term), (-1, offset)))) if offset else term


def _extreme(largest: bool) -> Handler:
    def state(reader: Reader, node: Node) -> None:
        terms = reader.listed(node)
        lows, highs = zip(*map(reader.to.bounds, terms), strict=True)
        reader.to.extreme(terms, largest, reader.valued(min(lows), max(highs), node))

    return state


def _extreme_index(largest: bool) -> Handler:
    def state(reader: Reader, node: Node) -> None:
        to, terms = reader.to, reader.listed(node)
        start = _start(node.find("list")) or _start(node)
        index = reader.valued(start, start + len(terms) - 1, node)
        value = to.extreme(terms, largest)
        to.add(Element(tuple(terms), _shifted(reader, index, start), value))
        rank = node.attributes.get("rank", "any")
        if rank not in ("any", "first", "last"):
            raise InputError(f"unknown rank {rank!r}", hint="any, first or last")
        for place, term in enumerate(terms if rank != "any" else ()):
            truth = to.truth(to.equal(sum_of(term), sum_of(value)))
            limit = to.compare(sum_of(index), "<=" if rank == "first" else ">=", ({}, start + place))
            reader.expressions.imply(truth, limit)

    return state


def _one(reader: Reader, node: Node) -> Term:
    """The only term of an element.

    Raises:
        InputError: there is none, or there are several.
    """
    terms = reader.terms(node.text)
    if len(terms) != 1:
        raise InputError(f"<{node.tag}> has {len(terms)} entries, not one")
    return terms[0]


def _element(reader: Reader, node: Node) -> None:
    to = reader.to
    matrix, value = node.find("matrix"), node.find("value")
    indices = node.find("index")
    if indices is not None and indices.attributes.get("rank", "any") != "any":
        raise InputError("<index> is read with rank any only")
    if matrix is not None:
        rows = [[reader.expressions.term(item) for item in row] for row in reader.lists.rows(matrix.text)]
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            raise InputError("the rows of <matrix> have different lengths")
        terms = [term for row in rows for term in row]
        places = reader.terms(node.need("index").text)
        if len(places) != 2:
            raise InputError(f"<index> has {len(places)} variables, not two")
        row, column = places
        first = [_shifted(reader, row, _start(matrix, "startRowIndex"))]
        first.append(_shifted(reader, column, _start(matrix, "startColIndex")))
        for each, size in zip(first, (len(rows), width), strict=True):
            to.add(to.within(sum_of(each), range(size)))
        place: Term | None = to.term(to.sum(((width, first[0]), (1, first[1]))))
    else:
        terms = reader.listed(node)
        place = None
        if indices is not None:
            place = _shifted(reader, _one(reader, indices), _start(node.find("list")) or _start(node))
    if value is not None:
        target = _one(reader, value)
    else:
        lows, highs = zip(*map(to.bounds, terms), strict=True)
        target = reader.valued(min(lows), max(highs), node)
    if place is not None:
        to.add(Element(tuple(terms), place, target))
    else:  # an index of the reader's own could have several values
        to.add_clause([reader.equal(term, target) for term in terms])


def _channel(reader: Reader, node: Node) -> None:
    to, lists, value = reader.to, node.all("list"), node.find("value")
    if not lists:
        terms = reader.listed(node)
        to.add(Inverse(tuple(terms), tuple(terms)))
        return
    starts = [_start(each) for each in lists]
    terms = reader.terms(lists[0].text)
    if value is not None:
        chosen = _one(reader, value)
        place = _shifted(reader, chosen, starts[0])
        to.add(to.within(sum_of(place), range(len(terms))))
        for k, term in enumerate(terms):
            truth = reader.expressions.truth(term)
            to.add(to.equal(to.sum_of_truth(truth), to.sum_of_truth(to.literal(place, k))))
        return
    others = reader.terms(lists[1].text) if len(lists) > 1 else terms
    forward = [_shifted(reader, term, starts[-1]) for term in terms]
    if len(others) == len(terms):
        backward = forward if len(lists) == 1 else [_shifted(reader, term, starts[0]) for term in others]
        to.add(Inverse(tuple(forward), tuple(backward)))
        return
    if len(terms) > len(others):
        raise InputError("the first list of <channel> is longer than the second")
    for k, term in enumerate(forward):
        to.add(to.within(sum_of(term), range(len(others))))
        for n, other in enumerate(others):
            to.add_clause([to.negate(to.literal(term, n)), to.literal(other, k + starts[0])])


def _before(reader: Reader, start: Term, length: Term, other: Term) -> Truth:
    """The truth of ``start + length <= other``."""
    to = reader.to
    return to.truth(to.compare(to.sum(((1, start), (1, length))), "<=", sum_of(other)))


def _no_overlap(reader: Reader, node: Node) -> None:
    to = reader.to
    texts = [node.need(tag).text for tag in ("origins", "lengths")]
    if texts[0].lstrip().startswith("("):
        origins, lengths = ([list(map(reader.expressions.term, row)) for row in reader.lists.groups(t)] for t in texts)
    else:
        origins, lengths = ([[term] for term in reader.terms(text)] for text in texts)
    sizes = {len(row) for row in (*origins, *lengths)}
    if len(origins) != len(lengths) or len(sizes) != 1:
        raise InputError("the origins and lengths of <noOverlap> do not match")
    (dimensions,) = sizes
    ignored = node.attributes.get("zeroIgnored", "true") == "true"
    positive = all(to.bounds(length)[0] > 0 for row in lengths for length in row)
    if ignored or positive:
        first, second = (list(map(tuple, zip(*rows, strict=True))) for rows in (origins, lengths))
        if dimensions == 1:
            to.add(NoOverlap(first[0], second[0]))
            return
        if dimensions == 2:
            to.add(NoOverlap2D(first[0], first[1], second[0], second[1]))
            return
    for i in range(len(origins)):
        for j in range(i):
            sides = [
                _before(reader, origins[a][d], lengths[a][d], origins[b][d])
                for d in range(dimensions)
                for a, b in ((i, j), (j, i))
            ]
            empty = [to.literal(length, 0) for k in (i, j) for length in lengths[k]] if ignored else []
            to.add_clause([*sides, *empty])
    for length in (length for row in lengths for length in row if to.bounds(length)[0] < 0):
        to.add(to.compare(sum_of(length), ">=", ({}, 0)))


def _ends(reader: Reader, node: Node, starts: Sequence[Term], lengths: Sequence[Term]) -> None:
    found = node.find("ends")
    if found is not None:
        for start, length, end in zip(starts, lengths, reader.terms(found.text), strict=True):
            reader.to.add(reader.to.equal(reader.to.sum(((1, start), (1, length))), sum_of(end)))


def _capacity(reader: Reader, node: Node) -> Term:
    """The largest total that a condition allows.

    Raises:
        InputError: the condition is not an upper bound.
    """
    operator, operand = reader.condition(node)
    if operator not in ("<=", "<") or not isinstance(operand, tuple):
        raise InputError(f"<{node.tag}> is read with the conditions le and lt only")
    return reader.to.term(reader.to.sum(((1, operand), (-1, int(operator == "<")))))


def _cumulative(reader: Reader, node: Node) -> None:
    if node.find("machines") is not None:
        raise InputError("<cumulative> with <machines> is not read")
    starts, lengths, heights = (reader.terms(node.need(tag).text) for tag in ("origins", "lengths", "heights"))
    if not len(starts) == len(lengths) == len(heights):
        raise InputError("the lists of <cumulative> have different lengths")
    _ends(reader, node, starts, lengths)
    reader.to.add(Cumulative(tuple(starts), tuple(lengths), tuple(heights), _capacity(reader, node)))


def _bin_packing(reader: Reader, node: Node) -> None:
    to, terms = reader.to, reader.listed(node)
    sizes = reader.lists.numbers(node.need("sizes").text)
    if len(sizes) != len(terms):
        raise InputError(f"{len(terms)} items have {len(sizes)} sizes")
    limits, given = node.find("limits"), node.find("loads")
    start = _start(given if given is not None else limits) or _start(node.find("list"))
    places = [_shifted(reader, term, start) for term in terms]
    if given is not None:
        loads = reader.terms(given.text)
    elif limits is not None:
        loads = []
        for limit in reader.terms(limits.text):
            loads.append(to.new(0, min(sum(sizes), to.bounds(limit)[1])))
            to.add(to.compare(sum_of(loads[-1]), "<=", sum_of(limit)))
    else:
        lowest = min(to.bounds(term)[0] for term in terms)
        places = [_shifted(reader, term, lowest) for term in terms] if lowest < 0 else places
        condition = reader.condition(node)
        bins = max(to.bounds(place)[1] for place in places) + 1
        if bins > 1_000_000:
            raise InputError(f"<binPacking> has {bins} bins", hint="use smaller domains")
        loads = [to.new(0, sum(sizes)) for _ in range(bins)]
        for load in loads:
            reader.restrict(sum_of(load), condition)
    to.add(BinPacking(tuple(places), tuple(sizes), tuple(loads)))


def _knapsack(reader: Reader, node: Node) -> None:
    terms = reader.listed(node)
    limit, conditions = node.find("limit"), [each.text for each in node.all("condition")]
    if limit is not None:
        conditions.insert(0, f"(le,{limit.text})")
    for child in node.children:  # a condition inside <weights> or <profits> is not of XCSP3-core
        if child.children:
            raise InputError(f"<{child.tag}> of <knapsack> has elements in it")
    if len(conditions) != 2:
        raise InputError(f"<knapsack> has {len(conditions)} conditions, not two", hint="weights first, then profits")
    for tag, text in zip(("weights", "profits"), conditions, strict=True):
        weights = reader.lists.numbers(node.need(tag).text)
        if len(weights) != len(terms):
            raise InputError(f"{len(terms)} variables have {len(weights)} {tag}")
        total = reader.to.sum(zip(weights, terms, strict=True))
        reader.restrict(total, reader.condition(node, text))


def _circuit(reader: Reader, node: Node) -> None:
    to, terms = reader.to, reader.listed(node)
    start, size = _start(node.find("list")), node.find("size")
    successors = tuple(_shifted(reader, term, start) for term in terms)
    loops = [to.literal(term, k) for k, term in enumerate(successors)]
    if not any(loops):
        to.add(Circuit(successors))
    else:
        to.add(SubCircuit(successors))
        to.add_clause([to.negate(loop) for loop in loops])
    if size is not None:
        inside = to.sum((1, to.sum_of_truth(to.negate(loop))) for loop in loops)
        to.add(to.equal(inside, sum_of(_one(reader, size))))


STRUCTURAL: dict[str, Handler] = {
    "minimum": _extreme(False),
    "maximum": _extreme(True),
    "minimumArg": _extreme_index(False),
    "maximumArg": _extreme_index(True),
    "element": _element,
    "channel": _channel,
    "noOverlap": _no_overlap,
    "cumulative": _cumulative,
    "binPacking": _bin_packing,
    "knapsack": _knapsack,
    "circuit": _circuit,
}
"""Constraints on arrays, graphs, schedules and packings by their element's name."""
