"""Circuits, inverse arrays and connected vertices."""

from typing import Any

from hypothesis import strategies as st

from mull.engine.constraints import Circuit, Connected, Inverse, SubCircuit

from .parts import terms


def _successors(draw: Any, names: list[str]) -> Any:
    return draw(st.one_of(st.permutations(names), terms(names, 1, 4)))


def _circuit(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return Circuit(tuple(_successors(draw, names)))


def _sub_circuit(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return SubCircuit(tuple(_successors(draw, names)))


def _inverse(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    half = draw(st.integers(1, max(1, len(names) // 2)))
    if draw(st.booleans()):
        return Inverse(tuple(names[:half]), tuple(names[-half:]))
    return Inverse(draw(terms(names, half, half)), draw(terms(names, half, half)))


def _connected(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    chosen = (*draw(st.permutations(names)), *draw(st.lists(st.integers(0, 1), max_size=2)))
    vertex = st.integers(0, len(chosen) - 1)
    return Connected(chosen, tuple(draw(st.lists(st.tuples(vertex, vertex), max_size=5))))


DRAWN = {"Circuit": _circuit, "Connected": _connected, "Inverse": _inverse, "SubCircuit": _sub_circuit}


def _vertices(draw: Any, size: int) -> Any:
    values = st.lists(st.integers(-1, size), min_size=1, max_size=3, unique=True)
    return {f"v{i}": tuple(draw(values)) for i in range(size)}


DOMAINS = {
    "Circuit": _vertices,
    "Connected": lambda draw, size: {f"v{i}": draw(st.sampled_from([(0, 1), (1, 0), (1,)])) for i in range(size)},
    "Inverse": _vertices,
    "SubCircuit": _vertices,
}
