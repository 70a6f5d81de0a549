"""XCSP3: every constraint has as many solutions as its definition in Python; hostile and wrong files are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import pytest

from mull import solve
from mull.engine import Problem
from mull.problems import InputError, load
from mull.problems.models import xcsp3_reader

Holds = Callable[..., bool]


def instance(constraints: str, variables: str = '<array id="x" size="[3]"> 0..3 </array>', goal: str = "") -> str:
    kind = "COP" if goal else "CSP"
    objectives = f"<objectives> {goal} </objectives>" if goal else ""
    return (
        f'<instance format="XCSP3" type="{kind}">\n<variables> {variables} </variables>\n'
        f"<constraints>\n{constraints}\n</constraints>\n{objectives}</instance>"
    )


def read(text: str, folder: Path, name: str = "model.xml") -> Problem:
    path = folder / name
    path.write_text(text)
    (problem,) = load(str(path))
    return problem


def distinct(*x: int) -> bool:
    return len(set(x)) == len(x)


def one_cycle(*x: int) -> bool:
    moved = [k for k, v in enumerate(x) if v != k]
    if not moved or max(x) >= len(x) or not distinct(*x):
        return False
    seen, at = [moved[0]], x[moved[0]]
    while at != moved[0]:
        seen.append(at)
        at = x[at]
    return len(seen) == len(moved)


def accepted(*x: int) -> bool:
    state: str | None = "a"
    for value in x:
        state = {("a", 0): "a", ("a", 1): "b", ("b", 2): "b"}.get((state or "", value))
    return state == "b"


CASES: dict[str, tuple[str, Holds]] = {
    "intension": ("<intension> eq(add(x[0],mul(x[1],2)),x[2]) </intension>", lambda a, b, c: a + 2 * b == c),
    "if, dist, max": (
        "<intension> eq(if(lt(x[0],x[1]),dist(x[0],x[2]),max(x[1],x[2])),2) </intension>",
        lambda a, b, c: (abs(a - c) if a < b else max(b, c)) == 2,
    ),
    "division": (
        "<intension> and(gt(x[1],0),eq(div(x[0],x[1]),x[2]),le(mod(x[0],x[1]),1)) </intension>",
        lambda a, b, c: b > 0 and a // b == c and a % b <= 1,
    ),
    "powers": (
        "<intension> le(add(pow(x[0],x[1]),sqr(x[2]),neg(x[0])),min(6,abs(sub(x[0],9)))) </intension>",
        lambda a, b, c: a**b + c * c - a <= min(6, abs(a - 9)),
    ),
    "logic": (
        "<intension> iff(or(eq(x[0],1),not(ge(x[1],2))),xor(ne(x[2],0),in(x[0],set(0,3)))) </intension>",
        lambda a, b, c: (a == 1 or not b >= 2) == ((c != 0) ^ (a in (0, 3))),
    ),
    "implication": (
        "<intension> imp(eq(x[0],x[1]),and(eq(x[2],3),notin(x[0],set(1,2)))) </intension>",
        lambda a, b, c: a != b or (c == 3 and a not in (1, 2)),
    ),
    "equality of truths": (
        "<intension> eq(x[0],add(eq(x[1],x[2]),lt(x[1],2))) </intension>",
        lambda a, b, c: a == (b == c) + (b < 2),
    ),
    "extension": (
        "<extension> <list> x[] </list> <supports> (0,1,2)(3,3,3)(0,1,7) </supports> </extension>",
        lambda *x: x in ((0, 1, 2), (3, 3, 3)),
    ),
    "short supports": (
        "<extension> <list> x[] </list> <supports> (0,*,2)(*,3,*)(1,1,1) </supports> </extension>",
        lambda a, b, c: (a == 0 and c == 2) or b == 3 or (a, b, c) == (1, 1, 1),
    ),
    "short conflicts": (
        "<extension> <list> x[] </list> <conflicts> (0,*,2)(*,3,*) </conflicts> </extension>",
        lambda a, b, c: not ((a == 0 and c == 2) or b == 3),
    ),
    "unary extension": (
        "<extension> <list> x[1] </list> <supports> 0 2..3 </supports> </extension>",
        lambda a, b, c: b in (0, 2, 3),
    ),
    "regular": (
        (
            "<regular> <list> x[] </list> <transitions> (a,0,a)(a,1,b)(b,2,b) </transitions> <start> a </start>"
            "<final> b </final> </regular>"
        ),
        accepted,
    ),
    "mdd": (
        "<mdd> <list> x[] </list> <transitions> (r,0,a)(r,1..2,b)(a,3,c)(b,1,c)(c,0,t) </transitions> </mdd>",
        lambda *x: x in ((0, 3, 0), (1, 1, 0), (2, 1, 0)),
    ),
    "allDifferent": ("<allDifferent> x[] </allDifferent>", distinct),
    "allDifferent of expressions": (
        "<allDifferent> add(x[0],1) x[1] 2 x[2] </allDifferent>",
        lambda a, b, c: distinct(a + 1, b, 2, c),
    ),
    "allDifferent except": (
        "<allDifferent> <list> x[] </list> <except> 0 </except> </allDifferent>",
        lambda *x: distinct(*filter(None, x)),
    ),
    "allDifferent lists": (
        "<allDifferent> <list> x[0] x[1] </list> <list> x[1] x[2] </list> </allDifferent>",
        lambda a, b, c: (a, b) != (b, c),
    ),
    "allEqual": ("<allEqual> x[] </allEqual>", lambda *x: len(set(x)) == 1),
    "ordered": (
        "<ordered> <list> x[] </list> <operator> gt </operator> </ordered>",
        lambda a, b, c: a > b > c,
    ),
    "ordered with lengths": (
        "<ordered> <list> x[] </list> <lengths> 2 0 </lengths> <operator> le </operator> </ordered>",
        lambda a, b, c: a + 2 <= b <= c,
    ),
    "lex": (
        "<lex> <list> x[0] x[1] </list> <list> x[1] x[2] </list> <operator> lt </operator> </lex>",
        lambda a, b, c: (a, b) < (b, c),
    ),
    "precedence": (
        "<precedence> <list> x[] </list> <values> 0 1 </values> </precedence>",
        lambda *x: 1 not in x or 0 in x[: x.index(1)],
    ),
    "sum": (
        "<sum> <list> x[] </list> <coeffs> 1 -2 1 </coeffs> <condition> (ge,1) </condition> </sum>",
        lambda a, b, c: a - 2 * b + c >= 1,
    ),
    "sum in a set": (
        "<sum> <list> x[] </list> <condition> (in,{1,5,7}) </condition> </sum>",
        lambda *x: sum(x) in (1, 5, 7),
    ),
    "sum with variable coefficients": (
        "<sum> <list> x[0] x[1] </list> <coeffs> x[1] x[2] </coeffs> <condition> (notin,2..5) </condition> </sum>",
        lambda a, b, c: not 2 <= a * b + b * c <= 5,
    ),
    "count": (
        "<count> <list> x[] </list> <values> 1 2 </values> <condition> (in,1..2) </condition> </count>",
        lambda *x: 1 <= sum(v in (1, 2) for v in x) <= 2,
    ),
    "count of a variable": (
        "<count> <list> x[0] x[1] </list> <values> x[2] </values> <condition> (eq,x[0]) </condition> </count>",
        lambda a, b, c: (a == c) + (b == c) == a,
    ),
    "nValues": (
        "<nValues> <list> x[] </list> <except> 0 </except> <condition> (eq,2) </condition> </nValues>",
        lambda *x: len(set(x) - {0}) == 2,
    ),
    "cardinality": (
        (
            '<cardinality> <list> x[] </list> <values closed="true"> 0 1 2 </values> <occurs> 0..1 x[0] 1 </occurs>'
            "</cardinality>"
        ),
        lambda *x: x.count(0) <= 1 and x.count(1) == x[0] and x.count(2) == 1 and 3 not in x,
    ),
    "minimum": (
        "<minimum> <list> x[0] x[1] </list> <condition> (eq,x[2]) </condition> </minimum>",
        lambda a, b, c: min(a, b) == c,
    ),
    "maximum": (
        "<maximum> <list> x[] add(x[0],x[1]) </list> <condition> (lt,4) </condition> </maximum>",
        lambda a, b, c: max(a, b, c, a + b) < 4,
    ),
    "minimumArg": (
        '<minimumArg rank="first"> <list> x[] </list> <condition> (eq,x[0]) </condition> </minimumArg>',
        lambda *x: x.index(min(x)) == x[0],
    ),
    "element": (
        "<element> <list> x[0] 2 x[1] </list> <index> x[2] </index> <value> x[0] </value> </element>",
        lambda a, b, c: c < 3 and (a, 2, b)[c] == a,
    ),
    "element from 1": (
        '<element> <list startIndex="1"> 5 6 7 </list> <index> x[2] </index> <condition> (ge,6) </condition> </element>',
        lambda a, b, c: c in (2, 3),
    ),
    "element of a matrix": (
        "<element> <matrix> (x[0],1)(2,x[1]) </matrix> <index> x[2] x[0] </index> <value> 2 </value> </element>",
        lambda a, b, c: c < 2 and a < 2 and ((a, 1), (2, b))[c][a] == 2,
    ),
    "member": ("<element> <list> x[0] x[1] </list> <value> x[2] </value> </element>", lambda a, b, c: c in (a, b)),
    "channel": ("<channel> x[] </channel>", lambda *x: max(x) < 3 and all(x[v] == k for k, v in enumerate(x))),
    "noOverlap": (
        "<noOverlap> <origins> x[] </origins> <lengths> 1 2 1 </lengths> </noOverlap>",
        lambda a, b, c: (a + 1 <= b or b + 2 <= a) and (b + 2 <= c or c + 1 <= b) and a != c,
    ),
    "noOverlap of boxes": (
        "<noOverlap> <origins> (x[0],x[1],0)(x[2],1,0) </origins> <lengths> (2,1,1)(1,2,1) </lengths> </noOverlap>",
        lambda a, b, c: a + 2 <= c or c + 1 <= a or b + 1 <= 1 or b >= 3,
    ),
    "cumulative": (
        (
            "<cumulative> <origins> x[] </origins> <lengths> 2 2 1 </lengths> <heights> 1 2 1 </heights>"
            "<condition> (le,2) </condition> </cumulative>"
        ),
        lambda *x: all(
            sum(h for s, d, h in zip(x, (2, 2, 1), (1, 2, 1), strict=True) if s <= t < s + d) <= 2 for t in range(6)
        ),
    ),
    "binPacking": (
        "<binPacking> <list> x[] </list> <sizes> 2 1 2 </sizes> <condition> (le,3) </condition> </binPacking>",
        lambda *x: all(sum(s for b, s in zip(x, (2, 1, 2), strict=True) if b == k) <= 3 for k in range(4)),
    ),
    "knapsack": (
        (
            "<knapsack> <list> x[] </list> <weights> 2 3 1 </weights> <condition> (le,9) </condition>"
            "<profits> 1 2 3 </profits> <condition> (gt,7) </condition> </knapsack>"
        ),
        lambda a, b, c: 2 * a + 3 * b + c <= 9 and a + 2 * b + 3 * c > 7,
    ),
    "circuit": ("<circuit> x[] </circuit>", one_cycle),
    "circuit of a size": (
        "<circuit> <list> x[] </list> <size> 2 </size> </circuit>",
        lambda *x: one_cycle(*x) and sum(v != k for k, v in enumerate(x)) == 2,
    ),
    "instantiation": (
        "<instantiation> <list> x[] </list> <values> 1 * 3 </values> </instantiation>",
        lambda a, b, c: (a, c) == (1, 3),
    ),
    "group": (
        "<group> <intension> lt(%0,%1) </intension> <args> x[0] x[1] </args> <args> x[1..2] </args> </group>",
        lambda a, b, c: a < b < c,
    ),
    "group of all": (
        "<group> <sum> <list> %... </list> <condition> (le,%0) </condition> </sum> <args> 4 x[] </args> </group>",
        lambda *x: sum(x) <= 4,
    ),
    "slide": (
        "<slide> <list> x[] </list> <intension> ne(%0,%1) </intension> </slide>",
        lambda *x: all(a != b for a, b in pairwise(x)),
    ),
    "circular slide": (
        '<slide circular="true"> <list> x[] </list> <intension> ne(%0,%1) </intension> </slide>',
        distinct,
    ),
    "block": ("<block> <allEqual> x[0..1] </allEqual> <block/> </block>", lambda a, b, c: a == b),
}


@pytest.mark.parametrize("case", CASES)
def test_a_constraint_has_the_solutions_of_its_definition(case: str, tmp_path: Path) -> None:
    text, holds = CASES[case]
    problem = read(instance(text), tmp_path)
    expected = {x for x in product(range(4), repeat=3) if holds(*x)}
    assert 0 < len(expected) < 64
    assert solutions(problem) == expected


def solutions(problem: Problem) -> set[tuple[object, ...]]:
    """All solutions without auxiliary variables, by CP-SAT."""
    found = solve(problem, "cpsat", solutions=1000)
    return {tuple(problem.visible(each).values()) for each in found.solutions or ()}


OBJECTIVES = {
    "<minimize> add(x[0],mul(x[1],x[2])) </minimize>": 5,
    '<maximize type="sum"> <list> x[] </list> <coeffs> 1 2 3 </coeffs> </maximize>': 14,
    '<minimize type="maximum"> x[] </minimize>': 3,
    '<maximize type="minimum"> x[] </maximize>': 1,
    '<minimize type="nValues"> x[] </minimize>': 3,
    '<maximize type="product"> x[] </maximize>': 6,
}


@pytest.mark.parametrize("goal", OBJECTIVES)
def test_objectives_are_optimised(goal: str, tmp_path: Path) -> None:
    text = instance("<allDifferent> x[] </allDifferent> <intension> eq(x[2],add(x[0],x[1])) </intension>", goal=goal)
    found = solve(read(text.replace("0..3", "1..3"), tmp_path), "cpsat")
    assert str(found.status) == "optimal"
    assert found.objective == OBJECTIVES[goal]


def test_several_objectives_are_lexicographic(tmp_path: Path) -> None:
    goal = "<minimize> x[0] </minimize> <maximize> x[1] </maximize>"
    found = solve(read(instance("<allDifferent> x[] </allDifferent>", goal=goal), tmp_path), "cpsat")
    assert found.assignment is not None
    assert (found["x[0]"], found["x[1]"]) == (0, 3)


def test_variables_are_declared_in_every_form(tmp_path: Path) -> None:
    variables = """
      <var id="a"> 0 3..5 </var> <var id="b" as="a"/>
      <array id="y" size="[2][2]" startIndex="[1][0]">
        <domain for="y[1][]"> 7 </domain> <domain for="others"> 0..1000000 </domain>
      </array>"""
    problem = read(instance("<allEqual> a y[2][] </allEqual>", variables), tmp_path)
    assert problem.graph.domains["b"] == (0, 3, 4, 5)
    assert problem.graph.domains["y[2][1]"] == range(1000001)
    assert list(problem.graph.domains) == ["a", "b", "y[1][0]", "y[1][1]", "y[2][0]", "y[2][1]"]
    assert {each[4] for each in solutions(problem)} == {0, 3, 4, 5}


def test_symbolic_values_are_shown_by_their_names(tmp_path: Path) -> None:
    variables = '<array id="x" size="[2]" type="symbolic"> red green </array>'
    constraints = "<intension> ne(x[0],x[1]) </intension> <extension> <list> x[0] </list> <supports> green </supports> </extension>"
    problem = read(instance(constraints, variables), tmp_path)
    found = solve(problem, "cpsat")
    assert found.text == "x[0]=green x[1]=red"


def test_symbolic_values_may_have_hyphens(tmp_path: Path) -> None:
    variables = '<array id="x" size="[3]" type="symbolic"> green red-yellow red </array>'
    constraints = (
        "<extension> <list> x[0] x[1] </list> <supports> (red-yellow,green)(red,red) </supports> </extension>"
        "<intension> and(eq(x[0],red-yellow),ne(x[2],x[0]),ne(x[2],red)) </intension>"
    )
    found = solve(read(instance(constraints, variables), tmp_path), "cpsat")
    assert found.text == "x[0]=red-yellow x[1]=green x[2]=green"


@pytest.mark.parametrize("case", CASES)
def test_auxiliary_variables_follow_from_the_others(case: str, tmp_path: Path) -> None:
    problem = read(instance(CASES[case][0]), tmp_path)
    everything = solve(replace(problem, auxiliary=frozenset()), "cpsat", solutions=1000)
    assert len(everything.solutions or ()) == len(solutions(problem))


WRONG: dict[str, tuple[str, int, str]] = {
    "unknown constraint": ("\n<stretch> x[] </stretch>", 5, "unknown constraint <stretch>"),
    "unknown operator": ("<intension> eq(foo(x[0]),1) </intension>", 4, "unknown operator 'foo'"),
    "unknown variable": ("<intension> eq(z,1) </intension>", 4, "unknown variable 'z'"),
    "index outside": ("<allDifferent> x[0] x[3] </allDifferent>", 4, "outside the array"),
    "not a number": ("<sum> <list> x[] </list> <condition> (le,1.5) </condition> </sum>", 4, "1.5"),
    "too large a number": ("<intension> lt(x[0],99999999999999999999) </intension>", 4, "exceeds 2.60"),
    "overflow": ("<intension> gt(pow(add(x[0],1000000),4),x[1]) </intension>", 4, "2.60"),
    "missing parenthesis": ("<intension> eq(x[0],1 </intension>", 4, "not an expression"),
    "deep expression": (f"<intension> {'neg(' * 500}x[0]{')' * 500} </intension>", 4, "nested too deeply"),
    "deep elements": ("<block>" * 200 + "</block>" * 200, 4, "nested too deeply"),
    "not well-formed": ("<allDifferent> x[]", 5, "well-formed"),
    "reified": ('<allDifferent reifiedBy="b"> x[] </allDifferent>', 4, "reified"),
    "uneven coefficients": (
        "<sum> <list> x[] </list> <coeffs> 1 </coeffs> <condition> (le,1) </condition> </sum>",
        4,
        "1",
    ),
    "smart table": (
        "<extension> <list> x[] </list> <supports> (1,2..3,1) </supports> </extension>",
        4,
        "not an integer",
    ),
    "few arguments": ("<group> <intension> lt(%0,%1) </intension> <args> x[0] </args> </group>", 4, "needs %1"),
    "no value": ("<channel> <list> x[] </list> <value/> </channel>", 4, "0 entries, not one"),
    "two values": ("<element> <list> x[] </list> <value> x[0] x[1] </value> </element>", 4, "2 entries, not one"),
    "a place of many digits": (
        f"<group> <intension> lt(%0,%{'9' * 5000}) </intension> <args> x[] </args> </group>",
        4,
        "not an expression",
    ),
    "many repetitions": (f"<allEqual> {'0x9999999 ' * 20} </allEqual>", 4, "too long"),
    "many transitions": (
        f"<regular> <list> x[] </list> <transitions> {'(a,0..9999999,b)' * 9} </transitions> <start> a </start></regular>",
        4,
        "too many transitions",
    ),
    "endless interval": ("<allEqual> 0..99999999999 </allEqual>", 4, "too long"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_with_name_and_line(case: str, tmp_path: Path) -> None:
    text, line, message = WRONG[case]
    with pytest.raises(InputError, match=message) as caught:
        read(instance(text), tmp_path)
    assert caught.value.line == line


def test_a_window_that_does_not_fit_is_none(tmp_path: Path) -> None:
    slide = (
        '<slide circular="true"> <list collect="9999999999"> x[] </list> <intension> eq(%0,%1) </intension> </slide>'
    )
    assert not read(instance(slide), tmp_path).graph.constraints


def test_large_arrays_and_domains_of_short_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xcsp3_reader, "MOST_CELLS", 50)
    arrays = "".join(f'<array id="y{k}" size="[5][5]"> 0 1 </array>' for k in range(3))
    with pytest.raises(InputError, match="out of range"):
        read(instance("", arrays), tmp_path)
    with pytest.raises(InputError, match="too large"):
        read(instance("", '<var id="y"> 0..1500000 1600000..9000000 </var>'), tmp_path)


def test_huge_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="out of range"):
        read(instance("", '<array id="x" size="[99999][99999]"> 0 1 </array>'), tmp_path)


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "0"}">' for k in range(9))
    for head in (f"<!DOCTYPE a [{bomb}]>", '<!DOCTYPE a SYSTEM "file:///etc/passwd">'):
        with pytest.raises(InputError, match="document type"):
            read(f'<?xml version="1.0"?>{head}{instance("<allEqual> &e8; </allEqual>")}', tmp_path)


def test_auxiliary_variables_are_hidden_and_do_not_count(tmp_path: Path) -> None:
    problem = read(instance("<intension> le(mul(x[0],x[1]),sqr(x[2])) </intension>"), tmp_path)
    assert problem.auxiliary
    found = solve(problem, "cpsat")
    assert found.text.count("=") == 3
    assert Problem.from_json(problem.to_json()).digest == problem.digest


def test_the_program_imports_no_torch(tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text(instance("<allDifferent> x[] </allDifferent>"))
    code = (
        "import sys\nfrom mull.cli import main\n"
        f"assert main([{str(path)!r}, '-s', 'cpsat']) == 0\n"
        "assert 'torch' not in sys.modules and 'cpmpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "x[0]=" in done.stdout
