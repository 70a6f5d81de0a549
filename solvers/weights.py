"""Trained weights of learned solvers: which ones a graph gets, and the net that they make."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from pydantic import ValidationError

from ..engine.choice import ranked, refused, trained_size
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.registry import PluginError
from ..engine.weights import Card, CheckpointError, cards, find, load_tensors
from .nets.backbones import backbone
from .nets.reasoner import Reasoner
from .nets.shape import NetShape

if TYPE_CHECKING:
    from .learned import Learned

Kind = TypeVar("Kind", bound="Learned")


# Choice ---------------------------------------------------------------------------------------------------------------


def choose(solver: Learned, graph: ConstraintGraph, family: str = "") -> Card:
    """The card of the weights that a solver uses for a graph.

    Args:
        solver: with its options. If ``weights`` is set, it names the weights.
        graph: to be solved.
        family: of the problem; empty if unknown.

    Returns:
        The card of the named weights; else the first one that ``choice.ranked`` gives among those that can read the graph.

    Raises:
        CheckpointError: no weights fit. The hint has the command that trains some.
    """
    if solver.weights is not None:
        card = find(solver.weights)
        refuse(solver, card)
        reason = unreadable(card, graph)
        if reason:
            raise CheckpointError(f"{card.name}: {reason}")
        return card
    able = [c for c in cards() if c.solver == solver.name and fits(solver, c) and unreadable(c, graph) is None]
    if not able:
        where = f"for {family} problems" if family else "for this graph"
        raise CheckpointError(f"no trained weights of {solver.name} {where}", advice(solver, family))
    chosen = ranked(able, family, max(map(len, graph.domains.values()), default=0), len(graph.domains))
    if not chosen:
        name = able[0].name
        raise CheckpointError(
            f"the weights {name} are not used unless they are named: {refused(able[0])}",
            f"train for longer, or name them: -o weights={name}",
        )
    return chosen[0]


def trained_for(solver: Learned, problem: Problem) -> bool:
    """Whether weights support the problem and were trained on its family, with problems that are not much smaller.

    Args:
        solver: learned.
        problem: with its family.
    """
    # Sizes first: listing the literal groups of a large graph takes longer than most time limits.
    mine = [card for card in cards() if card.solver == solver.name or solver.weights is not None]
    if problem.graph.literals > trained_size(mine, problem.family):
        return False
    try:
        card = choose(solver, problem.graph, problem.family)
    except CheckpointError:
        return False
    return problem.graph.literals <= trained_size([card], problem.family)


def refuse(solver: Learned, card: Card) -> None:
    """Refuse weights of another solver, or of a net with other options.

    Args:
        solver: with its options.
        card: of the weights.

    Raises:
        CheckpointError: the weights do not fit; the message names the option that differs.
    """
    if card.solver != solver.name:
        raise CheckpointError(
            f"{card.name} are weights of {card.solver}, not of {solver.name}", f"--solver {card.solver}"
        )
    for key, value in architecture(solver):
        had = {**card.shape, **options_of(card, type(solver))}.get(key)
        if value != had:
            raise CheckpointError(
                f"{card.name} were trained with {key}={had}, not {value}", f"leave out -o {key} or -o weights"
            )


def fits(solver: Learned, card: Card) -> bool:
    """Whether the weights belong to the net that the options describe.

    Args:
        solver: with its options.
        card: of the weights.
    """
    stated = {**card.shape, **options_of(card, type(solver))}
    return all(stated.get(key) == value for key, value in architecture(solver))


def options_of(card: Card, kind: type[Learned]) -> dict[str, Any]:
    """The options on a card under their present names. A card written before a renaming has the former ones.

    Args:
        card: of the weights.
        kind: the learned solver that the card names.
    """
    return {kind.renamed_options.get(name, name): value for name, value in card.options.items()}


def architecture(solver: Learned) -> list[tuple[str, Any]]:
    """The options that are set and must equal those of the weights: sizes of the net, and options of the recursion."""
    given = solver.model_fields_set & {"backbone", "hidden", "layers", "inner", *solver.recursion()}
    return [(key, getattr(solver, key)) for key in sorted(given) if getattr(solver, key) is not None]


def advice(solver: Learned, family: str) -> str:
    """The command that trains weights for a family.

    Args:
        solver: learned.
        family: of problems; empty if unknown.
    """
    return f"train some: solve train {solver.name} --data {family or 'FAMILY:SPEC'} --minutes 5"


def unreadable(card: Card, graph: ConstraintGraph) -> str | None:
    """Why the net of a card cannot read a graph, or None.

    Args:
        card: of the weights.
        graph: to be solved.
    """
    try:
        shape = NetShape(**card.shape)
    except ValueError:
        return "its card does not describe a net"
    try:
        return backbone(shape.backbone).supports(shape, graph)
    except PluginError as error:
        return f"its card does not describe a net here: {error}"


# Nets -----------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def loaded(kind: type[Learned], card: Card, device: str, dtype: torch.dtype, compiled: bool = False) -> Reasoner:
    """The trained net, ready to solve, from a cache by the card's SHA-256: a replaced file is another net.

    Args:
        kind: the learned solver.
        card: of the weights.
        device: of the net.
        dtype: of the net's numbers.
        compiled: whether its steps are compiled.
    """
    net = read(kind, card).eval().requires_grad_(False).to(device, dtype)
    if compiled:
        net.compile_solving()
    return net


def read(kind: type[Learned], card: Card) -> Reasoner:
    """The net of a card with its weights, in float32.

    Args:
        kind: the learned solver.
        card: of the weights.

    Raises:
        CheckpointError: the tensors are damaged, or belong to another net.
    """
    with torch.random.fork_rng(
        devices=[]
    ):  # initialising a net draws random numbers; the caller's generator must not change
        net = build(card, kind)
    tensors = load_tensors(card)
    missing = set(net.state_dict()) ^ set(tensors)
    wrong = missing or {k for k, t in net.state_dict().items() if t.shape != tensors[k].shape}
    if wrong:
        raise CheckpointError(
            f"{card.name}: the tensors do not fit the net on the card ({min(wrong)})", "train the weights again"
        )
    net.load_state_dict(tensors)
    return net


def build(card: Card, kind: type[Learned]) -> Reasoner:
    """The untrained net that a card describes.

    Args:
        card: of the weights.
        kind: the learned solver whose weights they are; ``kinds.kind`` gives it by name.

    Raises:
        CheckpointError: the solver does not have the card's options, or the card does not describe a net.
    """
    try:
        return kind(**options_of(card, kind)).reasoner(NetShape(**card.shape))
    except (ValueError, PluginError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise CheckpointError(f"{card.name}: its card does not describe a net ({reason})", "train them again") from None


def continued(solver: Kind, card: Card, roles: Collection[str]) -> tuple[Kind, Reasoner]:
    """The solver with the options of some weights, and their net in float32, to be trained on.

    Args:
        solver: its options must be those of the weights where they are given.
        card: of the weights.
        roles: that the net is to have weights of its own for: literal groups on the lattice, kinds of variables on
            tokens. New ones are zero at first: on graphs without them the net stays as it was.

    Raises:
        CheckpointError: the weights are damaged, or of another solver or net than the options say.
    """
    refuse(solver, card)
    taken, net = solver.model_validate(options_of(card, type(solver))), read(type(solver), card)
    shape = net.backbone.shape
    if shape.backbone not in ("lattice", "tokens") or set(roles) <= set(shape.roles):
        return taken, net
    larger = taken.reasoner(shape.model_copy(update={"roles": tuple(sorted({*shape.roles, *roles}))}))
    known = net.state_dict()
    with torch.no_grad():
        for name, tensor in larger.state_dict().items():
            tensor.copy_(known.get(name, torch.zeros(())))
    return taken, larger
