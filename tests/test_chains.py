"""Word problems of groups, p-hop induction and parity: laws, formats, answers, streams, and the backbone without positions."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

import mull
from conftest import answer, write
from mull.engine import ConstraintGraph, Table
from mull.engine.compile import compile_examples
from mull.engine.examples import SPLITS
from mull.engine.random import Random
from mull.problems import InputError, families, load
from mull.problems.chains import hop
from mull.problems.chains import stream as streams
from mull.problems.chains.groups import cycles, group
from mull.problems.streams import stream
from mull.solvers.looped import Looped
from mull.solvers.nets.reasoner import Reasoner
from mull.solvers.nets.scopes import Scopes, relation_of
from mull.solvers.tracking import track

GROUPS = ["S3", "A4", "A5", "Z7", "D4"]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHUNK", 64)


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_has_an_identity_inverses_and_associates(name: str) -> None:
    of = group(name)
    span = range(of.order)
    assert of.order == len(set(of.names)) == {"S3": 6, "A4": 12, "A5": 60, "Z7": 7, "D4": 8}[name]
    assert of.product[0] == tuple(span)
    assert all(sorted(row) == list(span) for row in of.product)
    rng = random.Random(0)
    for a, b, c in ([rng.randrange(of.order) for _ in range(3)] for _ in range(200)):
        assert of.product[of.product[a][b]][c] == of.product[a][of.product[b][c]]
    assert all((of.product[a][b] == of.product[b][a]) for a, b in product(span, span)) == (name == "Z7")


def test_elements_are_named_by_their_cycles_and_applied_from_left_to_right() -> None:
    of = group("S3")
    assert cycles((1, 0, 3, 4, 2)) == "(12)(345)"
    # First 1 and 2 are exchanged, then 1 -> 2 -> 3 -> 1: together 1 -> 3, 2 -> 2.
    assert of.names[of.product[of.number["(12)"]][of.number["(123)"]]] == "(13)"


def test_a_word_is_read_as_it_is_typed_and_solved(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "word.txt", "group s3\n(12) (123)\ne\n"))
    found = answer(problem)
    assert problem.family == "group"
    assert problem.show(found.assignment or {}) == "group S3\n(12) -> (12)\n(123) -> (13)\ne -> (13)"
    two = load(write(tmp_path, "two.group", "group Z5 3 4\n\ngroup D4 r1 s0\n"))
    assert [p.source.line for p in two] == [1, 3]
    assert [(answer(p).assignment or {})["s2"] for p in two] == [2, group("D4").product[1][4]]


def test_bits_are_read_as_they_are_typed_and_solved(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "bits.parity", "parity 0110\n1 1\n"))
    assert problem.show(answer(problem).assignment or {}) == "011011\n010010"


def plain_hops(hops: int, text: str) -> str | None:
    """The answer by the definition in the paper."""
    place = len(text) - 1
    for _ in range(hops):
        place = max((j for j in range(1, place + 1) if text[j - 1] == text[place]), default=-1)
        if place < 0:
            return None
    return text[place]


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_hops_follow_the_definition_of_the_paper(hops: int, tmp_path: Path) -> None:
    rng = random.Random(hops)
    for length in (1, 2, 9, 24):
        text = "".join(rng.choice("abcd") for _ in range(length))
        (problem,) = load(write(tmp_path, "text.hop", f"hop {hops}\n{text}\n"))
        found = answer(problem).assignment or {}
        wanted = plain_hops(hops, text)
        assert found[f"h{hops}.{length}"] == (0 if wanted is None else "abcd".index(wanted) + 1)
        assert problem.show(found).splitlines()[-1][-1] == (wanted or "-")
        assert found == hop.states(hops, 4, ["abcd".index(letter) + 1 for letter in text])


@pytest.mark.parametrize(
    ("spec", "solver"),
    [("group:A4:8", "cpsat"), ("group:S3:4", "descent"), ("parity:8", "descent"), ("hop:2:8", "cpsat")],
)
def test_a_generated_chain_has_one_answer_that_every_solver_finds(spec: str, solver: str) -> None:
    family, _, rest = spec.partition(":")
    problem = families()[family].generate(rest, seed=1)
    assert problem.givens == families()[family].generate(rest, seed=1).givens
    assert problem.givens != families()[family].generate(rest, seed=2).givens
    found = mull.solve(problem, solver, seconds=120)
    assert found.status.solved
    assert found.assignment == answer(problem).assignment


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("group:A5:0", "length: expected an integer from 1 to 4096"),
        ("group:Q8:4", "unknown group 'Q8'"),
        ("group:S6:4", "unknown group 'S6'"),
        ("group:A5", "is not GROUP:LENGTH"),
        ("parity:x", "length: expected an integer"),
        ("hop:0:9", "hops: expected an integer from 1 to 16"),
        ("hop:2:9:1", "letters: expected an integer from 2 to 8"),
    ],
)
def test_wrong_specifications_are_refused_with_a_hint(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        load(spec)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("group\n", 1, "names no group"),
        ("group A9\n", 1, "unknown group"),
        ("group A5\n(123)\n(12)\n", 3, r"'\(12\)' is not an element of A5"),
        ("group A5\n", 1, "a word of 0 elements"),
        ("group Z3\n1 3\n", 2, "'3' is not an element of Z3"),
        ("parity\n012\n", 2, "'012' has a character other than 0 and 1"),
        ("parity\n", 1, "0 bits"),
        ("hop 2\nabxz\n", 2, "'abxz' has a character other than"),
        ("hop\nab\n", 1, "names no number of hops"),
        ("hop 2\n", 1, "a text of 0 letters"),
    ],
)
def test_wrong_files_are_refused_with_their_line(text: str, line: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as refused:
        load(write(tmp_path, "a.txt", text))
    assert refused.value.line == line
    assert refused.value.hint


@pytest.mark.parametrize(("name", "named"), [("Z3", "0, 1, 2"), ("S3", "e, (23), (12), (123), ..., (13)")])
def test_the_hint_names_elements_of_the_group_once_each(name: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load(write(tmp_path, "a.txt", f"group {name}\nx\n"))
    assert refused.value.hint == f"elements of {name} are {named}"


@pytest.mark.parametrize("name", ["group:A4:2-9", "parity:8-20", "hop:2:3-9", "hop:1:12:3"])
def test_streams_have_the_right_states_and_disjoint_splits(name: str) -> None:
    chunks = {split: stream(name, split).chunk(0) for split in SPLITS}
    for chunk in chunks.values():
        for n in range(4):
            graph = chunk.graphs[chunk.template[n]]
            target = chunk.targets[n, 0, : len(graph.names)]
            values = {v: graph.domains[v][i] for v, i in zip(graph.names, target, strict=True)}
            assert graph.broken(values) == []
    seen = {split: {row.tobytes() for row in chunk.givens} for split, chunk in chunks.items()}
    assert not any(seen[a] & seen[b] for a in SPLITS for b in SPLITS if a != b)


# The backbone -------------------------------------------------------------------------------------------------------------


def looped(graph: ConstraintGraph, values: int) -> Reasoner:
    torch.manual_seed(0)
    solver = Looped(backbone="scopes", hidden=16, inner=16, random_start=False)
    return solver.reasoner(solver.shape(roles=tuple(sorted(Scopes.roles(graph))), values=values)).eval()


def test_a_net_reads_every_length_and_no_position() -> None:
    short, long = (stream(f"group:S3:{n}", "test").chunk(0).take(np.arange(1)) for n in (4, 9))
    net = looped(short.graphs[0], 6)
    assert Scopes.supports(net.backbone.shape, long.graphs[0]) is None
    both = [compile_examples(part) for part in (short, long)]
    # The same first four elements: the states that four loops reach from the start alone are equal, whatever follows.
    both[1].allowed[:, :9] = both[0].allowed[:, :9]
    states = []
    for instance in both:
        view = net.backbone.view(instance)
        z = net.begin(view, Random.for_rows([0], "cpu"))
        for _ in range(3):
            z = net.step(z, net.backbone.embed(view), view)
        states.append(z[0])
    assert torch.allclose(states[0][:, :2], states[1][:, :2], atol=1e-5)


def test_batches_of_several_lengths_are_computed_as_single_chains() -> None:
    examples = stream("group:S3:2-6", "validation").chunk(0)
    net = looped(examples.graphs[0], 6)
    together = compile_examples(examples, factors=False)
    view = net.backbone.view(together)
    (z,) = net.step(net.begin(view, Random.for_rows(range(len(examples)), "cpu")), net.backbone.embed(view), view)
    for n in range(len(examples)):
        graph = examples.graphs[examples.template[n]]
        alone = together.select(torch.tensor([n]))
        one = net.backbone.view(alone)
        (single,) = net.step(net.begin(one, Random.for_rows([0], "cpu")), net.backbone.embed(one), one)
        size = len(graph.names)
        assert torch.allclose(z[n, :size], single[0, :size], atol=1e-5)


def test_relations_differ_by_table_and_order_and_not_by_names() -> None:
    one = Table(("a", "b"), ((0, 1), (1, 0)))
    assert relation_of(one) == relation_of(Table(("x", "y"), ((0, 1), (1, 0))))
    assert relation_of(one) != relation_of(Table(("a", "b"), ((0, 0), (1, 1))))
    net = looped(stream("group:S3:2").chunk(0).graphs[0], 6)
    other = stream("group:Z6:2").chunk(0).graphs[0]
    assert "not trained on this Table constraint of 3 variables" in str(Scopes.supports(net.backbone.shape, other))
    larger = stream("group:A4:2").chunk(0).graphs[0]
    assert "up to 6 values, not 12" in str(Scopes.supports(net.backbone.shape, larger))


def test_tracking_counts_last_states_and_stops_where_the_net_stands_still() -> None:
    examples = stream("parity:14", "test").chunk(0)
    net = looped(examples.graphs[0], 2)
    found = track(net, examples, most=40, tolerance=10.0)  # every change is smaller
    assert found.loops.tolist() == [4] * len(examples)
    assert bool(found.converged.all())
    assert found.right.shape == examples.givens.shape
    assert track(net, examples, most=7, tolerance=0.0).loops.tolist() == [7] * len(examples)


@pytest.mark.parametrize("spec", ["group:Z120:1166", "group:S5:4096", "hop:16:180:8", "hop:16:1024:8"])
def test_problems_with_too_many_rows_of_tables_are_refused(spec: str) -> None:
    with pytest.raises(InputError) as refused:
        load(spec)
    assert "has at most" in (refused.value.hint or "")


def test_a_file_with_too_many_rows_of_tables_is_refused() -> None:
    with pytest.raises(InputError, match="1,166 elements of Z120"):
        families()["group"].read("group Z120\n" + "7 " * 1166, "words.group")
