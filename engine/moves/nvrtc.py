"""CUDA C compiled by NVRTC and launched through the driver, both called with ctypes.

PyTorch's CUDA wheels bring NVRTC, and the driver is there wherever a GPU is. So kernels need neither nvcc nor another
package. A compiled kernel is stored in the user's cache, keyed by source, options, architecture and NVRTC's version.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from ..clock import untimed
from ..errors import MullError
from ..lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

MAX_DYNAMIC_SHARED = 8
"""CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES."""


INCLUDE = re.compile(r'^#include "(.+)"$', re.MULTILINE)
"""A line that includes a file of the same folder."""


class CudaError(MullError, RuntimeError):
    """A kernel that cannot be compiled, loaded or launched."""


class Kernel:
    """A compiled kernel on one device.

    Args:
        function: the driver's handle.
        device: of the module that has the function.
    """

    def __init__(self, function: ctypes.c_void_p, device: int) -> None:
        self.function, self.device = function, device
        self.shared = 0

    def launch(self, blocks: int, threads: int, shared: int, *arguments: Tensor | int | None) -> None:
        """Launch the kernel on PyTorch's current stream. The call returns at once.

        Args:
            blocks: of the grid.
            threads: of a block.
            shared: dynamic shared memory of a block in bytes.
            arguments: in the order of the kernel's parameters. A tensor [...] is passed as its address, None as a
                null pointer, and a number as ``long long``.

        Raises:
            CudaError: the driver refuses the launch.
        """
        with torch.cuda.device(self.device):
            if shared > self.shared:
                _driver_call("cuFuncSetAttribute", self.function, ctypes.c_int(MAX_DYNAMIC_SHARED), shared)
                self.shared = shared
            held = [_argument(each) for each in arguments]
            pointers = (ctypes.c_void_p * len(held))(*(ctypes.addressof(each) for each in held))
            stream = ctypes.c_void_p(torch.cuda.current_stream(self.device).cuda_stream)
            grid = (*map(ctypes.c_uint, (blocks, 1, 1, threads, 1, 1, shared)), stream, pointers, None)
            _driver_call("cuLaunchKernel", self.function, *grid)

    def resident(self, threads: int, shared: int) -> int:
        """Blocks that run on one multiprocessor at a time.

        Args:
            threads: of a block.
            shared: dynamic shared memory of a block in bytes.
        """
        with torch.cuda.device(self.device):
            if shared > self.shared:
                _driver_call("cuFuncSetAttribute", self.function, ctypes.c_int(MAX_DYNAMIC_SHARED), shared)
                self.shared = shared
            count = ctypes.c_int()
            size = ctypes.c_size_t(shared)
            _driver_call(
                "cuOccupancyMaxActiveBlocksPerMultiprocessor", ctypes.byref(count), self.function, threads, size
            )
            return count.value


def kernel(
    path: Path,
    name: str,
    defines: Mapping[str, int | str],
    device: torch.device | str,
    on_notice: Callable[[str], None] | None = None,
) -> Kernel:
    """A kernel of a file of CUDA C. It is compiled at the first call for a device and a set of definitions.

    Args:
        path: of the file. It may include files of its folder.
        name: of an ``extern "C" __global__`` function.
        defines: macro -> value.
        device: a CUDA device.
        on_notice: receives a message before a compilation.

    Raises:
        CudaError: NVRTC is missing, the source is not valid, or the driver refuses the result.
    """
    index = torch.device(device).index
    index = torch.cuda.current_device() if index is None else index
    return _kernel(path, name, tuple(sorted(defines.items())), index, on_notice or (lambda message: None))


def shared_memory(device: torch.device | str) -> int:
    """Bytes of shared memory that a multiprocessor of a device has."""
    return int(torch.cuda.get_device_properties(device).shared_memory_per_multiprocessor)


_LOADED: dict[tuple[Any, ...], Kernel] = {}


def _kernel(
    path: Path, name: str, defines: tuple[tuple[str, int | str], ...], device: int, on_notice: Callable[[str], None]
) -> Kernel:
    key = (path, name, defines, device)
    if key not in _LOADED:
        major, minor = torch.cuda.get_device_capability(device)
        cubin = binary(path, defines, f"sm_{major}{minor}", on_notice)
        with torch.cuda.device(device):
            torch.cuda.current_stream(device).synchronize()  # makes the context of the device current
            module, function = ctypes.c_void_p(), ctypes.c_void_p()
            _driver_call("cuModuleLoadData", ctypes.byref(module), cubin)
            _driver_call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        _LOADED[key] = Kernel(function, device)
    return _LOADED[key]


def binary(
    path: Path,
    defines: tuple[tuple[str, int | str], ...],
    architecture: str,
    on_notice: Callable[[str], None] = lambda message: None,
) -> bytes:
    """The machine code of a file of CUDA C, from the cache or from NVRTC.

    Args:
        path: of the file.
        defines: (macro, value) pairs.
        architecture: such as ``sm_90``.
        on_notice: receives a message before a compilation.

    Raises:
        CudaError: NVRTC is missing, or the source is not valid.
    """
    source = _text(path)
    options = [f"--gpu-architecture={architecture}", "--std=c++17", "--fmad=false"]
    options += [f"-D{name}={value}" for name, value in defines]
    text = "\0".join([str(_version()), *options, source])
    digest = hashlib.sha256(text.encode()).hexdigest()
    stored = user_cache_path("mull") / "cuda" / f"{path.stem}-{architecture}-{digest[:24]}.cubin"
    try:
        return stored.read_bytes()
    except OSError:
        on_notice(f"compiling {path.name} for {architecture}")
    cubin = untimed(lambda: compile_source(source, path.name, options))
    _store(stored, cubin)
    return cubin


def _text(path: Path) -> str:
    """A file with the files of its folder that it includes, each of them once."""
    seen: set[Path] = set()

    def included(path: Path) -> str:
        if path in seen:
            return ""
        seen.add(path)
        return INCLUDE.sub(lambda found: included(path.with_name(found[1])), path.read_text())

    return included(path)


def _store(path: Path, content: bytes) -> None:
    """Write a file of the cache in one step. A cache that cannot be written is not used."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except OSError:
        return


def compile_source(source: str, name: str, options: list[str]) -> bytes:
    """Compile CUDA C to machine code, without the cache.

    Args:
        source: the text.
        name: of the file, for messages.
        options: of NVRTC.

    Raises:
        CudaError: NVRTC is missing, or the source is not valid; with NVRTC's log.
    """
    nvrtc = _nvrtc()
    program = ctypes.c_void_p()
    encoded = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    _nvrtc_call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), name.encode(), 0, None, None)
    try:
        failed = nvrtc.nvrtcCompileProgram(program, len(options), encoded)
        if failed:
            raise CudaError(f"cannot compile {name}: {_read(program, 'ProgramLog').decode().strip()}")
        return _read(program, "CUBIN")
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _read(program: ctypes.c_void_p, what: str) -> bytes:
    """A result of a compilation: ``CUBIN`` or ``ProgramLog``."""
    size = ctypes.c_size_t()
    _nvrtc_call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
    content = ctypes.create_string_buffer(size.value)
    _nvrtc_call(f"nvrtcGet{what}", program, content)
    return content.raw if what == "CUBIN" else content.value


# Libraries ------------------------------------------------------------------------------------------------------------


@cache
def _nvrtc() -> ctypes.CDLL:
    for name in _candidates():
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise CudaError("cannot find NVRTC", "install PyTorch with CUDA, or run on a CPU: --device cpu")


def _candidates() -> Iterator[str]:
    """Where NVRTC may be: beside PyTorch, in the packages that its wheels depend on, then where the system searches."""
    version = torch.version.cuda or "13.0"
    major = version.split(".")[0]
    near = Path(torch.__file__).parent / "lib"
    folders = [near, *(Path(entry) / "nvidia" for entry in sys.path if entry)]
    for folder in folders:
        for pattern in (f"libnvrtc*.so.{major}*", f"cu{major}/lib/libnvrtc.so*", "cuda_nvrtc/lib/libnvrtc.so*"):
            yield from (str(path) for path in sorted(folder.glob(pattern)) if "builtins" not in path.name)
    yield from (f"libnvrtc.so.{major}", "libnvrtc.so")


@cache
def _version() -> tuple[int, int]:
    major, minor = ctypes.c_int(), ctypes.c_int()
    _nvrtc_call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


def _nvrtc_call(name: str, *arguments: Any) -> None:
    nvrtc = _nvrtc()
    code = getattr(nvrtc, name)(*arguments)
    if code:
        nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise CudaError(f"{name}: {nvrtc.nvrtcGetErrorString(code).decode()}")


@cache
def _driver() -> ctypes.CDLL:
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise CudaError(f"cannot load the CUDA driver: {error}", "run on a CPU: --device cpu") from None


def _driver_call(name: str, *arguments: Any) -> None:
    driver = _driver()
    code = getattr(driver, name)(*arguments)
    if code:
        text = ctypes.c_char_p()
        driver.cuGetErrorString(code, ctypes.byref(text))
        raise CudaError(f"{name}: {(text.value or b'unknown error').decode()}")


def _argument(value: Tensor | int | None) -> ctypes.c_void_p | ctypes.c_longlong:
    """A kernel's argument as a C value."""
    if isinstance(value, int):
        return ctypes.c_longlong(value)
    return ctypes.c_void_p(None if value is None else value.data_ptr())
