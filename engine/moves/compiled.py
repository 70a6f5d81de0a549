"""Compilation of kernels and move forms with numba, which is imported when the first function is compiled.

Kernels and kinds are compiled separately, each once: a kernel calls the functions of a kind by their addresses. The
compiled code is cached in the user's cache folder, by the sources, the processor, and the versions of numba and Python.
Where that folder cannot be written, every process compiles for itself. The clock of runs is stopped meanwhile.
"""

from __future__ import annotations

import _thread
import atexit
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from types import FunctionType
from typing import Any, TypeVar

from ..clock import untimed
from ..garbage import gc_paused
from .code_cache import fingerprint, keep, named_globals
from .form import MoveFunction, MoveFunctions
from .intrinsics import intrinsic_of

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds of compilation after which the user gets a notice. Loading from the cache is faster, also on a busy machine."""

EXIT_SECONDS = 60.0
"""At its exit the program waits so long for compilations that go on."""

_lock = threading.RLock()
_running: list[Callable[[], None]] = []  # the compilations that go on
_reports: list[Callable[[str], None]] = []  # the receivers of notices, of the open ``compiling`` blocks
_addresses: dict[MoveFunction, int] = {}


class Kernel:
    """A function over arrays that is compiled at its first call. It releases the GIL.

    The function is plain Python in the subset that numba compiles. Functions that it calls through its globals are
    compiled with it. ``call`` calls a move form.

    Args:
        function: of the kernel's module. ``kernel.python`` is the function itself, for tests.

    Example:
        >>> import numpy as np
        >>> @Kernel
        ... def total(array):
        ...     found = 0
        ...     for i in range(len(array)):
        ...         found += array[i]
        ...     return found
        >>> total.python(np.arange(4))
        6
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.python = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._compiled: Any = None
        self.ready = False
        """Whether the function has been compiled, so that further calls with arrays of the same types do not compile."""

    def __call__(self, *arguments: Any) -> Any:
        """The value of the compiled function."""
        if self.ready:
            try:
                return self._compiled(*arguments)
            except TypeError:  # arrays of other types; code inside raises nothing
                pass
        _to_the_end(lambda: self._compile(arguments))
        return self._compiled(*arguments)

    def _compile(self, arguments: tuple[Any, ...]) -> None:
        import_numba()
        from numba import typeof

        self._compiled = self._compiled or _jitted(self.python, True)
        self._compiled.compile(tuple(map(typeof, arguments)))
        self.ready = True


@contextmanager
def compiling(report: Callable[[str], None]) -> Iterator[None]:
    """Report that code is compiled, if the code inside takes longer than loading compiled code.

    Args:
        report: receives the sentence: ``instance.notices``.
    """
    import_numba()
    _reports.append(report)
    try:
        yield
    except BaseException:
        if _running:
            report("the compilation goes on in the background, so that the next run finds the code")
        raise
    finally:
        _reports.remove(report)


def addresses(functions: MoveFunctions, hints: bool = False) -> tuple[int, int, int, int, int]:
    """The addresses of a kind's compiled functions: start, change, apply, suggest, blame.

    Args:
        functions: of the kind. ``change`` serves where ``apply`` is None.
        hints: whether ``suggest`` and ``blame`` are compiled. Their address is 0 otherwise, and where the kind has none.
    """
    apply = functions.apply or functions.change
    suggest, blame = (address(each) if hints and each else 0 for each in (functions.suggest, functions.blame))
    return address(functions.start), address(functions.change), address(apply), suggest, blame


def address(function: MoveFunction) -> int:
    """The address of one compiled function of a move form.

    Args:
        function: with the signature of ``form.py``.
    """
    known = _addresses.get(function)
    if known is None:
        known = _addresses[function] = _to_the_end(lambda: int(_callback(function).address))
    return known


def _to_the_end(compilation: Callable[[], T]) -> T:
    """Compile in another thread.

    A time limit then interrupts the caller, but not the compilation: it ends in the background, and the next run finds
    the code in the cache. The program exits after that.
    """
    found: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        _running.append(work)
        try:
            with _lock, gc_paused():  # compilation took an eighth less time without collections
                found.append(untimed(compilation))
        except BaseException as error:
            errors.append(error)
        finally:
            _running.remove(work)

    # Neither ``Thread.start`` and ``join`` nor an event: an exception in the midst of them leaves their locks in a wrong
    # state, so that a process waits for ever.
    _thread.start_new_thread(work, ())
    since, reports = time.monotonic(), _reports[-1:]
    while not found and not errors:
        time.sleep(0.005)
        if reports and time.monotonic() - since > PATIENCE:
            reports.pop()(
                "compiling the search; this takes seconds, once for each version, and does not count against the limit"
            )
    if errors:
        raise errors[0]
    return found[0]


@atexit.register
def _wait_for_compilations() -> None:
    """Wait for compilations that go on; Ctrl-C ends the wait."""
    until = time.monotonic() + EXIT_SECONDS
    with suppress(KeyboardInterrupt):
        while _running and time.monotonic() < until:
            time.sleep(0.02)


# Compilation ----------------------------------------------------------------------------------------------------------


@cache
def import_numba() -> None:
    """Import numba, in three quarters of the usual time: without collections of garbage, and without ``coverage``.

    Where the package ``coverage`` is installed, numba imports it to report covered lines, unless it cannot be found.
    """
    absent = "coverage" not in sys.modules
    if absent:
        sys.modules["coverage"] = None  # type: ignore[assignment]  # the import system's mark of a missing module
    try:
        with gc_paused():
            import numba
            import numba.core.caching
            import numba.core.ccallback
            import numba.extending  # noqa: F401
    finally:
        if absent:
            del sys.modules["coverage"]


@cache
def _callback(function: MoveFunction) -> Any:
    import_numba()
    from numba import types
    from numba.core.ccallback import CFunc

    wide, narrow = types.CPointer(types.int64), types.CPointer(types.int32)
    signature = (wide, narrow, types.int64, wide, wide, types.int64, types.int64), types.int64
    made = CFunc(_with_compiled_globals(function), signature, locals={}, options=_options())
    keep(made)
    made.compile()
    return made


@cache
def _jitted(function: Any, kernel: bool = False) -> Any:
    """The compiled version of a function that a compiled function calls, or of a kernel."""
    from numba import njit, types

    if (special := intrinsic_of(function)) is not None:
        return special
    # Only compiled code calls the others: without wrappers their compilation took a sixth less time.
    wrappers = {} if kernel else {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    made = njit(nogil=kernel, **_options(), **wrappers)(_with_compiled_globals(function))
    template = made.get_call_template
    # numba compiles a function once more for each constant among its arguments: three times the work.
    made.get_call_template = lambda args, kws: template(
        tuple(map(types.unliteral, args)), {name: types.unliteral(each) for name, each in kws.items()}
    )
    if kernel:
        made._compile_for_args = _refuse
        keep(made)
    return made


def _refuse(*arguments: Any, **named: Any) -> None:
    """Stands for numba's compilation at a call, which would count as time of the run, and run in several threads at once."""
    raise TypeError("the kernel is not compiled for these types")


def _options() -> dict[str, Any]:
    return {"error_model": "numpy"}  # no test for a division by zero


def _with_compiled_globals(function: Any) -> FunctionType:
    """The same function with the compiled versions of the functions that it calls.

    Its name states its code: numba finds compiled functions by their names, also those that other processes compiled.
    """
    compiled = {name: _jitted(each) for name, each in named_globals(function).items() if isinstance(each, FunctionType)}
    made = FunctionType(
        function.__code__,
        {**function.__globals__, **compiled},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__qualname__, made.__module__ = f"{function.__qualname__}_{fingerprint(function)}", function.__module__
    return made
