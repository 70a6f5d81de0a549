"""The move forms of the kinds. ``engine/constraints/move_form.py`` has their contract: kinds do not import this folder."""

from ..constraints.move_form import Code, MoveForm, MoveFunction, MoveFunctions

__all__ = ["Code", "MoveForm", "MoveFunction", "MoveFunctions"]
