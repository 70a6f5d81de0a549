"""Functions for kernels alone: they call move forms by their addresses, and read arrays through C pointers.

Python code cannot call them. ``intrinsic_of`` returns the versions that numba compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from ..constraints import move_arithmetic


def call(
    address: int, values: int, scope: int, size: int, params: int, memory: int, slot: int, new: int
) -> int:  # pragma: no cover
    """Call a function of a move form. It can be called in kernels only.

    Args:
        address: of the function.
        values, scope, params, memory: addresses of the first entries: ``array.ctypes.data``, plus the offset in bytes.
        size, slot, new: see ``form.py``.
    """
    raise NotImplementedError("kernels call it when they are compiled")


def longs(address: int) -> Any:
    """The int64 at an address, as a C pointer. It can be called in kernels only, as the next three.

    Kernels with many arrays take one array of addresses: numba passes an array as seven numbers, and code with many
    of them takes ten times as long to compile.

    Args:
        address: ``array.ctypes.data``.
    """
    raise NotImplementedError("kernels call it when they are compiled")


def ints(address: int) -> Any:
    """The int32 at an address, as a C pointer.

    Args:
        address: ``array.ctypes.data``.
    """
    raise NotImplementedError("kernels call it when they are compiled")


def reals(address: int) -> Any:
    """The float64 at an address, as a C pointer.

    Args:
        address: ``array.ctypes.data``.
    """
    raise NotImplementedError("kernels call it when they are compiled")


def flags(address: int) -> Any:
    """The int8 at an address, as a C pointer.

    Args:
        address: ``array.ctypes.data``.
    """
    raise NotImplementedError("kernels call it when they are compiled")


def place(pointer: Any) -> int:
    """The address of a C pointer.

    Args:
        pointer: as ``longs`` returns it.
    """
    raise NotImplementedError("kernels call it when they are compiled")


def intrinsic_of(function: Any) -> Any:
    """numba's version of one of these functions; None for any other function.

    Args:
        function: that a kernel or a move form calls.
    """
    made = _MADE.get(function)
    return None if made is None else made()


@cache
def _call_intrinsic() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    def call_by_address(
        context: Any, address: Any, values: Any, scope: Any, size: Any, params: Any, memory: Any, slot: Any, new: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            i64 = ir.IntType(64)
            p64, p32 = i64.as_pointer(), ir.IntType(32).as_pointer()
            kind = ir.FunctionType(i64, [p64, p32, i64, p64, p64, i64, i64])
            function = builder.inttoptr(given[0], kind.as_pointer())
            pointers = [builder.inttoptr(given[i], p32 if i == 2 else p64) for i in (1, 2, 4, 5)]
            return builder.call(function, [pointers[0], pointers[1], given[3], *pointers[2:], given[6], given[7]])

        return types.int64(*[types.int64] * 8), generate

    return intrinsic(call_by_address)


@cache
def _shifted_intrinsic() -> Any:
    from numba import types
    from numba.extending import intrinsic

    def shifted_pointer(context: Any, array: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.gep(given[0], [given[1]])

        return array(array, types.int64), generate

    return intrinsic(shifted_pointer)


@cache
def _pointer_intrinsic(name: str) -> Any:
    from numba import types
    from numba.extending import intrinsic

    kind = types.CPointer(
        {"longs": types.int64, "ints": types.int32, "reals": types.float64, "flags": types.int8}[name]
    )

    def pointer_at(context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.inttoptr(given[0], context.get_value_type(kind))

        return kind(types.int64), generate

    return intrinsic(pointer_at)


@cache
def _place_intrinsic() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    def address_of(context: Any, pointer: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.ptrtoint(given[0], ir.IntType(64))

        return types.int64(pointer), generate

    return intrinsic(address_of)


_MADE: dict[Any, Callable[[], Any]] = {
    call: _call_intrinsic,
    move_arithmetic.shifted: _shifted_intrinsic,
    place: _place_intrinsic,
    **{each: partial(_pointer_intrinsic, each.__name__) for each in (longs, ints, reals, flags)},
}
