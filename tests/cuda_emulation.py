"""CUDA kernels on a CPU: the source is compiled as C++ with ``cuda_shim.h``, one fibre for each lane of a warp."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mull.engine.moves import nvrtc

MAIN = """
#include "cuda_shim.h"
unsigned char memory[1 << 22];
#include "{source}"
extern "C" void emulate(unsigned blocks, unsigned threads, void** arguments) {{
    shim::launch({name}, blocks, threads, arguments);
}}
"""

SHARED = 228 << 10
"""Shared memory of a multiprocessor of a large GPU, in bytes."""

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")


class EmulatedKernel:
    """Launches an emulated kernel, as ``nvrtc.Kernel`` does."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def launch(self, blocks: int, threads: int, shared: int, *arguments: Tensor | int | None) -> None:
        held = [
            ctypes.c_longlong(each)
            if isinstance(each, int)
            else ctypes.c_void_p(None if each is None else each.data_ptr())
            for each in arguments
        ]
        pointers = (ctypes.c_void_p * len(held))(*(ctypes.addressof(each) for each in held))
        self.library.emulate(blocks, threads, pointers)


def emulated(folder: Path) -> Callable[..., EmulatedKernel]:
    """A function that replaces ``nvrtc.kernel``. It keeps the compiled libraries in a folder."""

    def kernel(
        path: Path, name: str, defines: Mapping[str, int | str], device: str, on_notice: object = None
    ) -> EmulatedKernel:
        options = [f"-D{key}={value}" for key, value in sorted(defines.items())]
        library = folder / ("-".join([name, *(option[2:] for option in options)]) + ".so")
        if not library.exists():
            source = library.with_suffix(".cpp")
            source.write_text(MAIN.format(source=path.resolve(), name=name))
            here = f"-I{Path(__file__).parent}"
            subprocess.run(
                ["g++", "-O1", "-std=c++17", "-shared", "-fPIC", here, *options, str(source), "-o", str(library)],
                check=True,
                capture_output=True,
            )
        return EmulatedKernel(library)

    return kernel


@pytest.fixture(scope="session")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kernels for the device ``cpu``."""
    real, memory = nvrtc.kernel, nvrtc.shared_memory
    fake = emulated(tmp_path_factory.mktemp("kernels"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nvrtc, "kernel", lambda *args: (fake if args[3] == "cpu" else real)(*args))
        patch.setattr(nvrtc, "shared_memory", lambda device: SHARED if device == "cpu" else memory(device))
        yield


@pytest.fixture(
    params=[pytest.param("cpu", marks=needs_compiler), pytest.param("cuda", marks=pytest.mark.gpu)], scope="session"
)
def place(request: pytest.FixtureRequest, emulation: None) -> str:
    """The device of the kernels; on ``cpu`` they are emulated, with the shared memory of a large GPU."""
    where: str = request.param
    if where == "cuda" and not torch.cuda.is_available():
        pytest.skip("no accelerator")
    return where
