"""The processes of a training as torchrun starts them, for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PRELUDE = """
import os, sys
import torch
torch.set_num_threads(1)
rank = int(os.environ["RANK"])
"""
"""Code at the start of each process."""


def run_ranks(
    code: str, arguments: Sequence[str], folder: Path, count: int = 2, seconds: float = 120
) -> list[tuple[int, str, str]]:
    """Run code in several processes of one training.

    Args:
        code: Python, after ``PRELUDE``.
        arguments: of the program.
        folder: where the processes run.
        count: number of processes.
        seconds: after which they are killed.

    Returns:
        Exit code, stdout and stderr of each process.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = folder / "rank.py"
    script.write_text(PRELUDE + code)
    ranks = []
    for rank in range(count):
        env = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": count,
            "LOCAL_WORLD_SIZE": count,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "OMP_NUM_THREADS": 1,
        }
        ranks.append(
            subprocess.Popen(
                [sys.executable, str(script), *arguments],
                env={**os.environ, **{key: str(value) for key, value in env.items()}},
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        ended = [process.communicate(timeout=seconds) for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    return [(process.returncode, *texts) for process, texts in zip(ranks, ended, strict=True)]
