"""What the program imports: torch, SQLAlchemy, pandas and networkx only where a command needs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mull.engine.store import Store
from mull.problems import BARE, SUFFIXES, examples, families

HEAVY = ("torch", "pandas", "sqlalchemy", "networkx", "numba", "ortools", "scipy", "matplotlib", "sympy")

PROGRAM = """
import json, sys
from mull.cli import main
sys.argv = ["solve", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as error:
    code = error.code
print(json.dumps([code or 0, [name for name in {heavy} if name in sys.modules]]), file=sys.stderr)
"""


@pytest.fixture
def formula(tmp_path: Path) -> str:
    path = tmp_path / "formula.cnf"
    path.write_text("p cnf 3 4\n1 2 3 0\n-1 -2 0\n-2 -3 0\n-1 -3 0\n")
    return str(path)


def _imported(arguments: Sequence[str]) -> set[str]:
    """The heavy modules that a call of the program imports. The call must succeed."""
    program = PROGRAM.format(heavy=HEAVY)
    command = [sys.executable, "-c", program, json.dumps(list(arguments))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    code, found = json.loads(ran.stderr.splitlines()[-1])
    assert code == 0, ran.stderr
    return set(found)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["solvers"], ["run", "--help"]], ids=" ".join)
def test_help_and_lists_import_nothing_heavy(arguments: list[str]) -> None:
    assert not _imported(arguments)


def test_cpsat_imports_or_tools_alone(formula: str, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    Store(str(store)).close()
    assert _imported([formula, "-s", "cpsat", "--store", str(store)]) == {"ortools"}
    with Store(str(store)) as opened:
        (row,) = opened.runs()
    assert (row.solver, str(row.status)) == ("cpsat", "solved")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("probsat", ""),
        ("satlike", ""),
        ("localsearch", ""),
        ("tabu", "latin:5"),
        ("minconflicts", "queens:6"),
        ("anneal", "queens:6"),
        ("lns", "latin:5"),
    ],
)
def test_compiled_searches_import_no_torch(name: str, problem: str, formula: str, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    Store(str(store)).close()
    found = _imported([problem or formula, "-s", name, "--store", str(store)])
    assert not found & {"torch", "sqlalchemy", "pandas"}
    assert ("ortools" in found) == (name == "lns")


def test_a_model_in_xml_imports_no_other_family(tmp_path: Path) -> None:
    (tmp_path / "golomb.xml").write_text(examples()["golomb.xml"])
    assert _imported([str(tmp_path / "golomb.xml"), "-s", "cpsat", "--no-store"]) == {"ortools"}


def test_the_table_of_suffixes_is_that_of_the_families() -> None:
    known = families()
    assert {name: (*known[name].suffixes, *known[name].archives) for name in known} == dict(SUFFIXES)


def test_a_learned_solver_on_a_bare_board_imports_torch_alone(tmp_path: Path) -> None:
    board = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    (tmp_path / "board.txt").write_text(board)
    assert _imported([str(tmp_path / "board.txt"), "-s", "looped", "--no-store"]) == {"torch"}


def test_an_analysis_runs_with_the_shorter_import_of_torch(tmp_path: Path) -> None:
    arguments = ["--on", "group:A5:4", "--count", "1", "--loops", "2", "--no-figures", "--to", str(tmp_path / "report")]
    assert "torch" in _imported(["analyse", "looped-a5", *arguments])


@given(
    st.lists(st.text("0123456789.", min_size=1, max_size=9), min_size=1, max_size=9)
    | st.lists(st.text("01234.", min_size=16, max_size=16), min_size=1, max_size=3)
)
def test_no_other_family_recognises_digits_and_dots(lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    known = families()
    assert {name for name in SUFFIXES if known[name].recognises(text)} <= set(BARE)
    assert list(known.of_text(text)) == [name for name in known if name not in SUFFIXES or name in BARE]


# A shorter import of torch ----------------------------------------------------------------------------------------------

DEFERRED = """
import sys
from mull.torch_start import KERNELS, OTHERS, defer
defer()
import torch
parts = [part for part in (*OTHERS, KERNELS) if part in sys.modules]
absent = [part for part in parts if not hasattr(sys.modules[part], "__file__")]
assert KERNELS in absent, absent
assert torch.Generator().manual_seed(1).initial_seed() == 1
assert not hasattr(sys.modules[KERNELS], "__file__")
assert float(torch.nn.Linear(3, 1).requires_grad_(False)(torch.ones(2, 3)).std()) < 1
{then}
for part in (*OTHERS, KERNELS):
    assert sys.modules[part].__file__.endswith(".py"), part
    assert eval(part) is sys.modules[part], part
assert sum(type(finder).__name__ == "_PartsFinder" for finder in sys.meta_path) == 0
"""


@pytest.mark.parametrize(
    "then",
    [
        "assert torch.compile(lambda x: x.cumsum(0) + 1, backend='aot_eager')(torch.ones(3)).tolist() == [2, 3, 4]",
        (
            "from torch._subclasses import FakeTensorMode\n"
            "with FakeTensorMode(): assert torch.linalg.qr(torch.ones(3, 2))[0].shape == (3, 2)"
        ),
        "from torch._meta_registrations import register_meta",
        "assert torch.distributions.Normal(0, 1).mean == 0",
        "from torch.utils.data import *\nassert len(list(DataLoader([1, 2, 3]))) == 3",
        "import torch.export.graph_signature\nassert torch.export.graph_signature.ExportGraphSignature",
        "assert torch.export.export(torch.nn.Linear(3, 1), (torch.ones(2, 3),)).module()(torch.ones(2, 3)).shape == (2, 1)",
    ],
    ids=["compiler", "tensors without data", "a name of the part", "distributions", "all names", "a module", "export"],
)
def test_the_deferred_parts_of_torch_are_there_when_one_is_needed(then: str) -> None:
    subprocess.run([sys.executable, "-c", DEFERRED.format(then=then)], check=True, timeout=300)


@pytest.mark.parametrize("user", ["torch.nn", "torch.autograd"])
def test_the_import_of_torch_is_as_usual_where_torch_imports_a_user_of_the_part_itself(user: str) -> None:
    code = (
        f"import sys\nfrom mull import torch_start\ntorch_start.USERS = ({user!r}, 'torch._decomp')\n"
        "torch_start.defer()\nimport torch\nassert torch._meta_registrations.__file__\n"
        "assert 'torch._decomp' in sys.modules\nassert torch.export.export and torch.utils.data.DataLoader"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_other_versions_of_torch_leave_out_the_kernels_alone() -> None:
    code = (
        "import sys\nfrom mull import torch_start\ntorch_start.TESTED = ('1.',)\ntorch_start.defer()\nimport torch\n"
        "assert torch.export.__file__\nassert not hasattr(sys.modules[torch_start.KERNELS], '__file__')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
