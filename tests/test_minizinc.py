"""FlatZinc files are read as their specification says; models are compiled by the program minizinc."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

import mull
from conftest import call, json_lines
from mull.engine import Budget, Problem, Task, solve
from mull.problems import InputError, load
from mull.problems.minizinc.arithmetic import FUNCTIONS
from mull.problems.minizinc.builtins import RULES

INT = {"x": "var 0..3", "y": "var {-1,1,2}", "z": "var -2..3"}
BOOL = {"a": "var bool", "b": "var bool", "c": "var bool"}
LIST = {f"x{i}": "var 1..3" for i in range(1, 4)}
ITEMS = "[x1,x2,x3]"


def quotient(a: int, b: int) -> int | None:
    return None if b == 0 else abs(a) // abs(b) * (1 if (a >= 0) == (b >= 0) else -1)


def remainder(a: int, b: int) -> int | None:
    return None if b == 0 else a - b * (quotient(a, b) or 0)


def powered(a: int, b: int) -> int | None:
    return a**b if b >= 0 else None


def one_circuit(*successors: int) -> bool:
    seen, at = set(), 1
    while at not in seen:
        seen.add(at)
        at = successors[at - 1]
    return at == 1 and len(seen) == len(successors)


def subcircuit(*successors: int) -> bool:
    on = [i for i, j in enumerate(successors, 1) if i != j]
    seen, at = [], on[0] if on else 0
    while on and at not in seen:
        seen.append(at)
        at = successors[at - 1]
    return sorted(seen) == on and len(set(successors)) == len(successors)


def cumulative(*starts: int) -> bool:
    return all(
        sum(r for s, d, r in zip(starts, (2, 1, 2), (1, 2, 1), strict=True) if s <= t < s + d) <= 2 for t in range(9)
    )


def disjoint(*starts: int, sizes: tuple[int, ...] = (1, 2, 1), strict: bool = True) -> bool:
    boxes = [(s, s + d) for s, d in zip(starts, sizes, strict=True) if strict or d]
    return all(p[1] <= q[0] or q[1] <= p[0] for i, p in enumerate(boxes) for q in boxes[:i])


def inside(x1: int, x2: int, x3: int) -> bool:
    """Boxes at (x1, 1) and (x2, x3) of 2 x 2 and 1 x 1."""
    return x1 + 2 <= x2 or x2 + 1 <= x1 or x3 >= 3 or x3 + 1 <= 1


def precede(order: tuple[int, ...], items: tuple[int, ...]) -> bool:
    first = [items.index(value) if value in items else len(items) for value in order]
    return all(p < q or q == len(items) for p, q in pairwise(first))


Case = tuple[dict[str, str], str, Callable[..., Any]]

CASES: dict[str, Case] = {
    **{f"int_{op}": (INT, "x,y", test) for op, test in {
        "eq": lambda x, y, z: x == y, "ne": lambda x, y, z: x != y, "le": lambda x, y, z: x <= y,
        "lt": lambda x, y, z: x < y, "ge": lambda x, y, z: x >= y, "gt": lambda x, y, z: x > y,
    }.items()},
    **{f"int_lin_{op}": (INT, "[2,-1,3],[x,y,1],5", test) for op, test in {
        "eq": lambda x, y, z: 2 * x - y + 3 == 5, "ne": lambda x, y, z: 2 * x - y + 3 != 5,
        "le": lambda x, y, z: 2 * x - y + 3 <= 5, "lt": lambda x, y, z: 2 * x - y + 3 < 5,
        "ge": lambda x, y, z: 2 * x - y + 3 >= 5, "gt": lambda x, y, z: 2 * x - y + 3 > 5,
    }.items()},
    "int_plus": (INT, "x,y,z", lambda x, y, z: x + y == z),
    "int_minus": (INT, "x,y,z", lambda x, y, z: x - y == z),
    "int_negate": (INT, "x,z", lambda x, y, z: -x == z),
    "int_times": (INT, "x,y,z", lambda x, y, z: x * y == z),
    "int_min": (INT, "x,y,z", lambda x, y, z: min(x, y) == z),
    "int_max": (INT, "x,y,z", lambda x, y, z: max(x, y) == z),
    "int_div": (INT, "z,x,y", lambda x, y, z: quotient(z, x) == y),
    "int_mod": (INT, "z,x,y", lambda x, y, z: remainder(z, x) == y),
    "int_pow": (INT, "x,y,z", lambda x, y, z: powered(x, y) == z),
    "int_pow_fixed": (INT, "x,2,z", lambda x, y, z: x**2 == z),
    "int_abs": (INT, "z,x", lambda x, y, z: abs(z) == x),
    **{f"bool_{op}": (BOOL, "a,b", test) for op, test in {
        "eq": lambda a, b, c: a == b, "ne": lambda a, b, c: a != b, "le": lambda a, b, c: a <= b,
        "lt": lambda a, b, c: a < b, "ge": lambda a, b, c: a >= b, "gt": lambda a, b, c: a > b,
        "not": lambda a, b, c: a != b, "xor": lambda a, b, c: a != b,
    }.items()},
    **{f"bool_lin_{op}": (BOOL | {"x": "var 0..3"}, "[1,2,-1],[a,b,c],x", test) for op, test in {
        "eq": lambda a, b, c, x: a + 2 * b - c == x, "ne": lambda a, b, c, x: a + 2 * b - c != x,
        "le": lambda a, b, c, x: a + 2 * b - c <= x,
    }.items()},
    "bool_and": (BOOL, "a,b,c", lambda a, b, c: (a and b) == c),
    "bool_or": (BOOL, "a,b,c", lambda a, b, c: (a or b) == c),
    "bool_clause": (BOOL, "[a,b],[c,false]", lambda a, b, c: True),
    "array_bool_and": (BOOL, "[a,true,b],c", lambda a, b, c: (a and b) == c),
    "array_bool_or": (BOOL, "[a,false,b],c", lambda a, b, c: (a or b) == c),
    "array_bool_xor": (BOOL, "[a,b,true,c]", lambda a, b, c: (a + b + c + 1) % 2 == 1),
    "bool2int": (BOOL | {"x": "var 0..3"}, "a,x", lambda a, b, c, x: a == x),
    "set_in": (INT, "z,{-1,0,3,70}", lambda x, y, z: z in (-1, 0, 3)),
    "array_int_element": (INT, "x,[2,-1],y", lambda x, y, z: 1 <= x <= 2 and (2, -1)[x - 1] == y),
    "array_bool_element": (INT | {"a": "var bool"}, "x,[true,false],a", lambda x, y, z, a: 1 <= x <= 2 and (1, 0)[x - 1] == a),
    "array_var_int_element": (INT, "x,[y,z],1", lambda x, y, z: 1 <= x <= 2 and (y, z)[x - 1] == 1),
    "array_var_bool_element": (BOOL | {"x": "var 0..3"}, "x,[a,b],c", lambda a, b, c, x: 1 <= x <= 2 and (a, b)[x - 1] == c),
    **{f"array_int_{end}imum": (INT, "z,[x,y]", test) for end, test in {
        "min": lambda x, y, z: min(x, y) == z, "max": lambda x, y, z: max(x, y) == z,
    }.items()},
    **{f"fzn_{end}imum_int": (INT, "z,[x,y]", test) for end, test in {
        "min": lambda x, y, z: min(x, y) == z, "max": lambda x, y, z: max(x, y) == z,
    }.items()},
    "fzn_all_different_int": (LIST, ITEMS, lambda *x: len(set(x)) == 3),
    **{name: (INT, "[x,y,z]", lambda *x: max(Counter(v for v in x if v).values(), default=1) == 1)
       for name in ("fzn_alldifferent_except_0", "fzn_all_different_except_0")},
    **{name: (LIST, f"{ITEMS},{{2,3}}", lambda *x: x.count(1) <= 1)
       for name in ("fzn_alldifferent_except", "fzn_all_different_except")},
    **{f"fzn_all_equal_{kind}": (LIST, ITEMS, lambda *x: len(set(x)) == 1) for kind in ("int", "bool")},
    **{f"fzn_increasing_{kind}": (LIST, ITEMS, lambda *x: list(x) == sorted(x)) for kind in ("int", "bool")},
    **{f"fzn_decreasing_{kind}": (LIST, ITEMS, lambda *x: list(x) == sorted(x)[::-1]) for kind in ("int", "bool")},
    "fzn_strictly_increasing_int": (LIST, "[x1,x2]", lambda *x: x[0] < x[1]),
    "fzn_strictly_decreasing_int": (LIST, "[x1,x2]", lambda *x: x[0] > x[1]),
    **{f"fzn_lex_less_{kind}": (LIST, "[x1,x2],[x3,2]", lambda *x: x[:2] < (x[2], 2)) for kind in ("int", "bool")},
    **{f"fzn_lex_lesseq_{kind}": (LIST, "[x1,x2],[x3,2]", lambda *x: x[:2] <= (x[2], 2)) for kind in ("int", "bool")},
    "fzn_circuit": (LIST, ITEMS, one_circuit),
    "fzn_subcircuit": (LIST, ITEMS, subcircuit),
    "fzn_inverse": (LIST, "[x1,x2],[x3,1]", lambda *x: (x[0], x[1], x[2]) == (2, 1, 2)),
    "fzn_symmetric_all_different": (LIST, ITEMS, lambda *x: all(x[x[i] - 1] == i + 1 for i in range(3))),
    **{f"fzn_table_{kind}": (LIST, "[x1,x2],[1,2,3,1,9,9]", lambda *x: x[:2] in ((1, 2), (3, 1))) for kind in ("int", "bool")},
    "fzn_regular": (LIST, f"{ITEMS},2,2,[2,1,0,1],1,{{1}}",
                    lambda *x: re.fullmatch("(?:2|12)*", "".join(map(str, x))) is not None),
    "fzn_cumulative": (LIST, f"{ITEMS},[2,1,2],[1,2,1],2", cumulative),
    "fzn_disjunctive": (LIST, f"{ITEMS},[1,0,1]", lambda *x: disjoint(*x, sizes=(1, 0, 1), strict=False)),
    "fzn_disjunctive_strict": (LIST, f"{ITEMS},[2,0,1]", lambda *x: disjoint(*x, sizes=(2, 0, 1))),
    "fzn_diffn": (LIST, "[x1,x2],[1,x3],[2,1],[2,1]", inside),
    "fzn_diffn_nonstrict": (LIST, "[x1,x2],[1,x3],[2,1],[2,1]", inside),
    **{f"fzn_count_{op}": (LIST, "[x1,x2,2],2,x3", test) for op, test in {
        "eq": lambda *x: (*x[:2], 2).count(2) == x[2], "neq": lambda *x: (*x[:2], 2).count(2) != x[2],
        "leq": lambda *x: x[2] <= (*x[:2], 2).count(2), "lt": lambda *x: x[2] < (*x[:2], 2).count(2),
        "geq": lambda *x: x[2] >= (*x[:2], 2).count(2), "gt": lambda *x: x[2] > (*x[:2], 2).count(2),
    }.items()},
    "fzn_at_least_int": (LIST, f"2,{ITEMS},3", lambda *x: x.count(3) >= 2),
    "fzn_at_most_int": (LIST, f"1,{ITEMS},3", lambda *x: x.count(3) <= 1),
    "fzn_exactly_int": (LIST, f"2,{ITEMS},3", lambda *x: x.count(3) == 2),
    "fzn_among": (LIST, "x1,[x2,x3],{2,3}", lambda *x: x[0] == sum(v > 1 for v in x[1:])),
    "fzn_nvalue": (LIST, f"2,{ITEMS}", lambda *x: len(set(x)) == 2),
    **{f"fzn_member_{kind}": (LIST, "[x1,x2],x3", lambda *x: x[2] in x[:2]) for kind in ("int", "bool")},
    "fzn_global_cardinality": (LIST, "[x1,x2],[1,2],[x3,0]", lambda *x: x[:2].count(1) == x[2] and 2 not in x[:2]),
    "fzn_global_cardinality_closed": (LIST, "[x1,x2],[1,2],[x3,1]", lambda *x: sorted(x[:2]) == [1, 2] and x[2] == 1),
    "fzn_global_cardinality_low_up": (LIST, f"{ITEMS},[1,2],[1,0],[2,1]", lambda *x: 1 <= x.count(1) <= 2 and x.count(2) <= 1),
    "fzn_global_cardinality_low_up_closed": (
        LIST, f"{ITEMS},[1,2],[1,0],[2,1]", lambda *x: 1 <= x.count(1) <= 2 and x.count(2) <= 1 and 3 not in x),
    "fzn_bin_packing": (LIST, f"4,{ITEMS},[2,3,2]", lambda *x: all(
        sum(w for v, w in zip(x, (2, 3, 2), strict=True) if v == b) <= 4 for b in (1, 2, 3))),
    "fzn_bin_packing_capa": (LIST, f"[2,3,4],{ITEMS},[2,3,2]", lambda *x: all(
        sum(w for v, w in zip(x, (2, 3, 2), strict=True) if v == b) <= b + 1 for b in (1, 2, 3))),
    "fzn_bin_packing_load": (LIST, "[x3,2,0],[x1,x2],[1,2]", lambda *x: (
        3 not in x[:2] and sum(w for v, w in zip(x, (1, 2), strict=False) if v == 1) == x[2]
        and sum(w for v, w in zip(x, (1, 2), strict=False) if v == 2) == 2)),
    "fzn_knapsack": (LIST, "[1,2],[2,1],[x1,x2],5,x3", lambda *x: x[0] + 2 * x[1] == 5 and 2 * x[0] + x[1] == x[2]),
    "fzn_value_precede_int": (LIST, f"1,2,{ITEMS}", lambda *x: precede((1, 2), x)),
    "fzn_value_precede_chain_int": (LIST, f"[1,2,3],{ITEMS}", lambda *x: precede((1, 2, 3), x)),
}  # fmt: skip


def read(text: str, tmp_path: Path) -> Problem:
    path = tmp_path / "model.fzn"
    path.write_text(text)
    (problem,) = load(str(path))
    return problem


def values_of(domain: str) -> list[int]:
    if domain == "var bool":
        return [0, 1]
    if "{" in domain:
        return [int(value) for value in re.findall(r"-?\d+", domain)]
    low, high = map(int, domain.removeprefix("var ").split(".."))
    return list(range(low, high + 1))


def solutions(problem: Problem, names: list[str]) -> list[tuple[int, ...]]:
    found = solve([problem], mull.solver("cpsat"), Task(Budget(solutions=5000, seconds=60)))[0]
    assert found.total == len(found.solutions or ())
    return sorted(tuple(int(each[name]) for name in names) for each in found.solutions or ())


def test_every_constraint_has_a_case() -> None:
    assert set(CASES) == set(RULES) | set(FUNCTIONS)


@pytest.mark.parametrize("suffix", ["", "_reif", "_imp"])
@pytest.mark.parametrize("name", CASES)
def test_a_constraint_has_the_solutions_of_its_definition(name: str, suffix: str, tmp_path: Path) -> None:
    domains, arguments, holds = CASES[name]
    if name in FUNCTIONS and suffix:
        return  # its last argument is its truth already
    names = list(domains)
    wanted = [values for values in product(*map(values_of, domains.values())) if holds(*values)]
    if suffix:
        names.append("r")
        every = set(product(*map(values_of, domains.values())))
        wanted = [(*values, 1) for values in wanted]
        wanted += [(*values, 0) for values in (every if suffix == "_imp" else every - {each[:-1] for each in wanted})]
        domains, arguments = domains | {"r": "var bool"}, f"{arguments},r"
    lines = [f"{domain}: {each} :: output_var;" for each, domain in domains.items()]
    problem = read("\n".join([*lines, f"constraint {name}{suffix}({arguments});", "solve satisfy;"]), tmp_path)
    assert solutions(problem, names) == sorted(wanted)


@pytest.mark.parametrize("name", ["array_bool_and_imp", "bool_or_imp"])
def test_a_truth_may_be_implied_only(name: str, tmp_path: Path) -> None:
    arguments = "[a,b],c" if name.startswith("array") else "a,b,c"
    lines = [f"var bool: {each} :: output_var;" for each in "abc"]
    problem = read("\n".join([*lines, f"constraint {name}({arguments});", "solve satisfy;"]), tmp_path)
    test = all if name.startswith("array") else any
    wanted = [each for each in product((0, 1), repeat=3) if test(each[:2]) or not each[2]]
    assert solutions(problem, ["a", "b", "c"]) == wanted


QUEENS = """% four queens
predicate fzn_all_different_int(array [int] of var int: x);
array [1..2] of int: X_INTRODUCED_2_ = [1,-1];
var 1..4: X_INTRODUCED_0_;
var 1..4: X_INTRODUCED_1_;
var 1..100: cost :: output_var :: is_defined_var;
var bool: even :: output_var;
var bool: X_INTRODUCED_9_ :: var_is_introduced;
array [1..4] of var int: q :: output_array([1..2,0..1]) = [X_INTRODUCED_0_,3,X_INTRODUCED_1_,X_INTRODUCED_0_];
constraint fzn_all_different_int([X_INTRODUCED_0_,q[3]]) :: domain;
constraint int_lin_eq([10,1,-1],[X_INTRODUCED_0_,q[3],cost],0);
constraint int_eq_reif(q[1],0x2,even);
constraint bool_eq(even,X_INTRODUCED_9_);
solve :: int_search(q, input_order, indomain_min, complete) minimize cost;
"""


def test_an_answer_has_the_names_of_the_output(tmp_path: Path) -> None:
    problem = read(QUEENS, tmp_path)
    solution = mull.solve(problem, "cpsat")
    assert solution.objective == 12
    assert set(solution.to_json()["assignment"]) == {"q[1,0]", "q[2,0]", "cost", "even"}
    assert solution.text == "cost = 12;\neven = false;\nq = array2d(1..2, 0..1, [1, 3, 2, 1]);"


def test_a_simple_output_specification_is_used(tmp_path: Path) -> None:
    (tmp_path / "model.ozn").write_text(
        'array [1..2, 0..1] of int: q; % the board\noutput ["q[2,0] is " ++ show(q[2,0]), "\\n", show(even), "\\n"];\n'
    )
    assert mull.solve(read(QUEENS, tmp_path), "cpsat").text == "q[2,0] is 2\nfalse"


def test_an_output_specification_with_a_program_falls_back(tmp_path: Path) -> None:
    (tmp_path / "model.ozn").write_text('output [if cost > 3 then "a" else "b" endif];\n')
    assert mull.solve(read(QUEENS, tmp_path), "cpsat").text.startswith("cost = 12;")


def test_maximisation_constants_and_no_output(tmp_path: Path) -> None:
    text = "int: n = 3;\nvar 0..n: x;\nvar 0..5: X_INTRODUCED_1_;\nconstraint int_le(X_INTRODUCED_1_,x);\nsolve maximize X_INTRODUCED_1_;\n"
    with pytest.raises(InputError, match=r"model\.fzn:2: "):
        read(text, tmp_path)  # FlatZinc has literals there
    problem = read(text.replace("0..n", "0..3"), tmp_path)
    solution = mull.solve(problem, "cpsat")
    assert solution.objective == 3
    assert set(solution.to_json()["assignment"]) == {"x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("var 1..3: x;\nconstraint gecode_circuit(1,[x]);\nsolve satisfy;", "model.fzn:2: unknown constraint 'gecode_circuit'"),
        ("var set of 1..3: x;\nsolve satisfy;", "model.fzn:1: x: set variables are not supported"),
        ("var 1..3: x;\nconstraint set_union(x,x,x);\nsolve satisfy;", "model.fzn:2: set_union: constraints on set"),
        ("var float: x;\nsolve satisfy;", "model.fzn:1: x: float variables"),
        ("var 1..3: x;\nconstraint float_eq(x,1.5);\nsolve satisfy;", "model.fzn:2: float_eq: constraints on floats"),
        ("var 1..3: x;\nconstraint int_eq(x,1.5);\nsolve satisfy;", "model.fzn:2: expected a variable or an integer"),
        ("var 1..3: x;\nconstraint int_eq(x);\nsolve satisfy;", "model.fzn:2: int_eq has 2 arguments, not 1"),
        ("var 1..3: x;\nconstraint int_eq(x,y);\nsolve satisfy;", "model.fzn:2: unknown name 'y'"),
        ("var 1..3: x;\nconstraint int_eq(x,x[2]);\nsolve satisfy;", "model.fzn:2: 'x' has no element 2"),
        ("var 1..3: x;\nconstraint int_lin_eq([1],[x,x],1);\nsolve satisfy;", "model.fzn:2: has 1 coefficients for 2"),
        ("var 1..3: x\nsolve satisfy;", "model.fzn:2: expected ';', found 'solve'"),
        ("var 1..3: x;\nvar 1..3: x;\nsolve satisfy;", "model.fzn:2: 'x' is"),
        ("var 3..1: x;\nsolve satisfy;", "model.fzn:1: 'x' has an empty domain"),
        ("var 1..3: x;\nconstraint int_eq(x,1);", "has no solve item"),
        ("var 1..3: x;\nsolve satisfy;\nsolve satisfy;", "model.fzn:3: has a second solve item"),
        ("var 1..3: x;\nsolve satisfy;\n§", "model.fzn:3: is not FlatZinc at '§'"),
        ("var 1..3: x :: a" + "(b" * 5000 + ";\nsolve satisfy;", "model.fzn:1: is nested too deeply"),
        ("var 1..3: x;\narray [1..2] of var int: y :: output_array([1..99]) = [x,x];\nsolve satisfy;", "model.fzn:2: output_array"),
        ("var 1..3: x;\nconstraint int_lin_eq([99999999999999999999],[x],1);\nsolve satisfy;", "2\\^60|too large|beyond|magnitude"),
    ],
)  # fmt: skip
def test_bad_input_is_an_error_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read(text, tmp_path)


def test_a_contradiction_is_unsatisfiable_and_explained(tmp_path: Path) -> None:
    problem = read(
        "var 1..3: x;\nvar bool: b;\nconstraint int_gt(x,2);\nconstraint int_lt(x,2);\nsolve satisfy;", tmp_path
    )
    explanation = problem.explain()
    assert explanation is not None
    assert len(explanation.constraints) == 2


COMPILER = """#!{python}
import shutil, sys
arguments = sys.argv[1:]
if arguments[0] == "--ozn-file":
    print("shown:", sys.stdin.read().splitlines()[0])
    raise SystemExit
assert arguments[:3] == ["-c", "--solver", "org.minizinc.mzn-fzn"]  # MiniZinc 2.10 compiles only for a named solver
model, library = arguments[3], arguments[5]
text = open(model).read()
if "wrong" in text:
    raise SystemExit("model.mzn:1.1: type error")
assert any(each.endswith("model.dzn") for each in arguments)
assert open(library + "/fzn_all_different_int.mzn").read().startswith("predicate fzn_all_different_int(")
assert "nosets.mzn" in open(library + "/redefinitions.mzn").read()
fzn, ozn = (arguments[arguments.index(option) + 1] for option in ("--fzn", "--ozn"))
open(fzn, "w").write("var 1..3: x :: output_var;\\nconstraint int_gt(x,2);\\nsolve satisfy;\\n")
open(ozn, "w").write('int: x; output [if x > 2 then "a" else "b" endif];')
"""


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "minizinc").write_text(COMPILER.format(python=sys.executable))
    (folder / "minizinc").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("compiler")
def test_a_model_is_compiled_where_minizinc_is_installed(tmp_path: Path) -> None:
    (tmp_path / "model.mzn").write_text('include "alldifferent.mzn"; var 1..3: x; constraint x > 2; solve satisfy;')
    (tmp_path / "model.dzn").write_text("n = 3;")
    (problem,) = load(str(tmp_path / "model.mzn"))
    solution = mull.solve(problem, "cpsat")
    assert solution["x"] == 3
    assert solution.text == "shown: x = 3;"
    (tmp_path / "model.mzn").write_text("wrong")
    with pytest.raises(InputError, match=r"minizinc refuses the model: 'model.mzn:1.1: type error"):
        load(str(tmp_path / "model.mzn"))


def test_a_model_without_the_compiler_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("model.mzn", "model"):
        (tmp_path / name).write_text("int: n = 3; var 1..n: x; constraint forall(i in 1..n)(x != i); solve satisfy;\n")
        with pytest.raises(InputError, match="the program minizinc is not installed"):
            load(str(tmp_path / name))


def test_flatzinc_is_solved_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model"
    path.write_text(QUEENS)  # recognised by content
    assert call(str(path), "--all-improvements", "-s", "cpsat") == 0
    *_, final = json_lines(capsys.readouterr().out)
    assert (final["family"], final["status"], final["assignment"]["cost"]) == ("minizinc", "optimal", 12)
    assert call("history", "show", final["id"]) == 0
    assert "X_INTRODUCED" not in capsys.readouterr().out
