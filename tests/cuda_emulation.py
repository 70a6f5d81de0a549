"""CUDA kernels on a CPU: the source is compiled as C++ with ``cuda_shim.h``, one fibre for each lane of a warp."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from torch import Tensor

MAIN = """
#include "cuda_shim.h"
unsigned char memory[1 << 22];
#include "{source}"
extern "C" void emulate(unsigned blocks, unsigned threads, void** arguments) {{
    shim::launch({name}, blocks, threads, arguments);
}}
"""

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
