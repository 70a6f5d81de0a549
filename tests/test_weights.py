"""Weights and cards: finding, loading, refusing damaged ones; in Python and through the program."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import mull
from conftest import call as solve_command
from conftest import learned_solver
from mull.cli import main
from mull.engine import Status, Task, solve
from mull.engine.weights import HOME, Card, CheckpointError, cards, find, folders, load_tensors, read_card, save
from mull.problems import load
from mull.solvers.kinds import build, check_weights
from mull.solvers.nets.shape import NetShape
from mull.solvers.weights import choose

SHAPE = NetShape(hidden=16, inner=32, layers=1, roles=("all_different",), variables=16, values=4)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own weights, empty at first."""
    monkeypatch.setenv(HOME, str(tmp_path / "weights"))
    return tmp_path / "weights"


def make(folder: Path, name: str = "tiny", solver: str = "looped", **changes: Any) -> Card:
    """Untrained weights in a folder."""
    torch.manual_seed(0)
    kind = learned_solver(solver)
    net = kind.reasoner(SHAPE)
    card = Card(
        name=name,
        solver=solver,
        shape=SHAPE.model_dump(mode="json"),
        families=("sudoku",),
        sizes={"sudoku": 64},
        data=("sudoku:4",),
        seed=0,
        steps=0,
        device="cpu",
        device_minutes=0,
        parameters=sum(p.numel() for p in net.parameters()),
        dtype="float32",
        accuracy={"sudoku:4": 1.0},
        version=mull.__version__,
        sha256="",
    )
    return save(card.model_copy(update=changes), net.state_dict(), folder)


def rewrite(card: Card, **changes: Any) -> None:
    """Change fields of a card on disk."""
    path = card.path.with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_round_trip(home: Path) -> None:
    made = make(home)
    assert find("tiny") == made
    assert find(str(made.path)) == made
    assert made in cards()
    net = build(made)
    tensors = load_tensors(made)
    assert set(tensors) == set(net.state_dict())
    net.load_state_dict(tensors)
    assert sorted(p.name for p in home.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_own_weights_replace_shipped_ones(home: Path) -> None:
    assert folders()[0] == home
    (shipped,) = (card for card in cards() if card.name == "looped-sudoku")
    assert Path(shipped.folder) == folders()[1]
    make(home, "looped-sudoku")
    assert Path(find("looped-sudoku").folder) == home
    assert [card.folder for card in cards() if card.name == "looped-sudoku"] == [str(home)]


def test_an_unreadable_card_does_not_hide_other_weights(home: Path) -> None:
    make(home)
    (home / "broken.json").write_text("{")
    assert "tiny" in {card.name for card in cards()}
    with pytest.raises(CheckpointError, match="is not a valid card"):
        find("broken")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot write") as error:
        make(tmp_path / "file" / "below")
    assert "--out" in error.value.hint


def truncate(card: Card) -> None:
    card.path.write_bytes(card.path.read_bytes()[:-100])


def flip(card: Card) -> None:
    data = bytearray(card.path.read_bytes())
    data[len(data) // 2] ^= 1
    card.path.write_bytes(data)


def no_tensors(card: Card) -> None:
    import hashlib

    card.path.write_bytes(b"not tensors at all")
    rewrite(card, sha256=hashlib.sha256(b"not tensors at all").hexdigest())


DAMAGES = {
    "truncated": (truncate, "does not match its card"),
    "flipped byte": (flip, "does not match its card"),
    "no tensors": (no_tensors, "is not a valid safetensors file"),
    "no tensor file": (lambda card: card.path.unlink(), "No such file"),
    "no card": (lambda card: card.path.with_suffix(".json").unlink(), "no weights named 'tiny'"),
    "malformed card": (lambda card: card.path.with_suffix(".json").write_text('{"name": '), "is not a valid card"),
    "card is a list": (lambda card: card.path.with_suffix(".json").write_text("[]"), "is not a valid card"),
    "unknown field": (lambda card: rewrite(card, colour="red"), "is not a valid card"),
    "another solver's": (lambda card: rewrite(card, solver="hrm"), "are weights of hrm, not of looped"),
    "other sizes": (lambda card: rewrite(card, shape={**card.shape, "hidden": 32}), "do not fit the net"),
    "no such net": (lambda card: rewrite(card, shape={"backbone": "sponge"}), "does not describe a net"),
    "no such option": (lambda card: rewrite(card, options={"warp": 9}), "does not describe a net"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_refused(damage: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, message = DAMAGES[damage]
    change(make(home))
    solver = learned_solver("looped", weights="tiny")
    with pytest.raises(CheckpointError, match=message):
        check_weights(solver)
    _refused(capsys, message, "sudoku:4", "-s", "looped", "-o", "weights=tiny")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("weights=nosuch",), "no weights named 'nosuch'"),
        (("weights=/nowhere/x.safetensors",), "/nowhere/x.json: cannot read the card"),
        (("weights=looped-sudoku", "hidden=64"), "were trained with hidden=128, not 64"),
        (("weights=looped-sudoku", "backbone=tokens"), "were trained with backbone=lattice, not tokens"),
        (("weights=hrm-sudoku",), "are weights of hrm, not of looped"),
    ],
)
def test_contradictory_options_are_refused(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [part for option in options for part in ("-o", option)]
    _refused(capsys, message, "sudoku:9", "-s", "looped", *flags)


def _refused(capsys: pytest.CaptureFixture[str], message: str, *arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--no-store"])
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "hint: " in err
    assert "Traceback" not in err


def test_invalid_cards_do_not_hide_valid_weights(home: Path) -> None:
    rewrite(make(home, "a"), shape={})
    rewrite(make(home, "b"), shape={"backbone": "sponge"})
    good = make(home, "c")
    (problem,) = load("sudoku:4", seed=1)
    solver = learned_solver("looped")
    assert choose(solver, problem.graph, "sudoku") in (good, find("looped-sudoku"))


def test_auto_leaves_out_damaged_weights(home: Path) -> None:
    truncate(make(home, "looped-sudoku"))
    said: list[str] = []
    (problem,) = load("sudoku:4", seed=1)
    (solution,) = solve([problem], mull.solver("auto", first=0), Task(on_notice=said.append))
    assert solution.status is Status.SOLVED
    assert "looped is left out" in said[0]


def test_a_replaced_file_gives_another_net(home: Path) -> None:
    """Loaded nets are cached by the content of their file, not by its name."""
    first = make(home)
    solver = learned_solver("looped", weights="tiny")
    check_weights(solver)
    before = solver.checkpoint
    net = build(first)
    save(first, {key: tensor + 1 for key, tensor in net.state_dict().items()}, home)
    assert solver.checkpoint != before
    check_weights(solver)
    assert read_card(first.path).sha256 == solver.checkpoint


def test_a_card_with_former_option_names_loads(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a warning: the user cannot change a card that somebody else wrote."""
    kind = type(learned_solver("looped"))
    monkeypatch.setattr(kind, "renamed_options", {**kind.renamed_options, "mixing": "damping"})
    card = make(home, options={"mixing": 0.5})
    (problem,) = load("sudoku:4", seed=1)
    assert learned_solver("looped", weights="tiny", damping=0.5).supports(problem.graph) is None
    assert getattr(build(card), "damping", None) == 0.5


def test_former_settings_on_cards_have_their_present_names(home: Path) -> None:
    make(home, recipe={"most": 8, "fewest": 2, "depth": 16, "floor": 0.05, "clip": 1.0})
    present = {"max_segments": 8, "min_segments": 2, "eval_segments": 16, "final_lr": 0.05, "grad_clip": 1.0}
    assert find("tiny").recipe == present


def chosen(family: str = "sudoku", size: int = 4) -> str:
    (problem,) = load(f"{family}:{size}", seed=1)
    solver = learned_solver("looped")
    return choose(solver, problem.graph, family).name


def test_weights_are_chosen_by_their_validation(home: Path) -> None:
    make(home, "failed", accuracy={"sudoku:4": 0.0})
    assert chosen() == "looped-sudoku"
    make(home, "poor", accuracy={"sudoku:4": 0.7})
    assert chosen() == "looped-sudoku"
    make(home, "unchecked", accuracy={})
    assert chosen() == "looped-sudoku"
    make(home, "good", accuracy={"sudoku:4": 0.97})
    assert chosen() == "good"
    assert chosen(size=9) == "looped-sudoku"


def test_weights_that_failed_are_used_only_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(home, "failed", accuracy={"sudoku:4": 0.0})
    monkeypatch.setattr("mull.solvers.weights.cards", lambda: [find("failed")])
    with pytest.raises(
        CheckpointError, match=r"failed are not used unless they are named: they solved 0\.0%"
    ) as caught:
        chosen()
    assert caught.value.hint == "train for longer, or name them: -o weights=failed"
    (problem,) = load("sudoku:4", seed=1)
    assert mull.solver("looped", weights="failed").supports(problem.graph) is None


def test_solvers_show_says_which_weights_are_used(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(home, "failed", accuracy={"sudoku:4": 0.0})
    with pytest.raises(SystemExit):
        main(["solvers", "show", "looped"])
    out = capsys.readouterr().out
    assert re.search(r"sudoku, 81 variables of 9 values +looped-sudoku +trained on sudoku of this size, 9", out)
    assert re.search(r"only if named +failed +they solved 0.0% at their check", out)


weights = partial(solve_command, "weights")


def test_weights_are_exported_and_imported(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(home)
    assert weights("list", "--json") == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["tiny"]["own"]
    assert not rows["looped-sudoku"]["own"]
    assert weights("export", "tiny", str(tmp_path / "out")) == 0
    assert weights("import", str(tmp_path / "out" / "tiny.safetensors")) == 2
    assert "already" in capsys.readouterr().err
    assert weights("import", str(tmp_path / "out" / "tiny.safetensors"), "--replace") == 0
    assert weights("remove", "tiny") == 0
    assert [p.name for p in home.iterdir()] == []
    assert weights("import", str(tmp_path / "out" / "tiny.safetensors")) == 0
    assert find("tiny").path.parent == home


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["remove", "nobody"], "no weights named 'nobody'"),
        (["remove", "looped-sudoku"], "ship with mull"),
        (["export", "nobody", "out"], "no weights named 'nobody'"),
        (["export", "looped-maze", "/proc/nowhere"], "/proc/nowhere"),
        (["import", "/dev/null"], "cannot read the card"),
    ],
)
def test_bad_input_to_weights_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weights(*arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "hint: " in err


def test_damaged_weights_are_neither_exported_nor_imported(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truncate(make(home))
    assert weights("export", "tiny", str(tmp_path / "out")) == 2
    assert "does not match its card" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
