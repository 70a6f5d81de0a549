"""Processes that run, replay and describe: the pages stay quick, import no torch, and survive a failing plugin."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from mull.engine.errors import MullError

MOST = 4
"""Most processes at a time."""
KEPT = 32
"""Most ended jobs whose results are kept in memory."""
LONGEST_LINE = 256 << 20
"""Most bytes of one result."""


@dataclass
class Job:
    """A process with the results that it printed. Mutable: the results grow.

    Args:
        id: its number.
        key: what it does; a job with the same key need not run twice.
        process: of ``worker``.
        results: JSON objects, one for each line.
        done: whether the process has ended.
    """

    id: int
    key: str
    process: asyncio.subprocess.Process
    results: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False

    @property
    def failed(self) -> bool:
        """Whether the process reported an error."""
        return self.last("error") is not None

    def last(self, name: str) -> Any:
        """The latest value of a result, or None."""
        return next((result[name] for result in reversed(self.results) if name in result), None)


class Jobs:
    """The jobs of one server."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._numbers = count(1)
        self._readers: set[asyncio.Task[None]] = set()

    async def start(self, key: str, request: dict[str, Any], seconds: float) -> Job:
        """Start a process of ``worker``.

        Args:
            key: what it does.
            request: that the worker reads.
            seconds: after which the process is ended.

        Raises:
            MullError: too many processes run.
        """
        if sum(not job.done for job in self._jobs.values()) >= MOST:
            raise MullError(f"{MOST} processes run already", "wait for one of them, or stop it")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mull.ui.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is for the server, which ends its processes itself
        )
        job = Job(next(self._numbers), key, process)
        self._jobs[job.id] = job
        for old in [j.id for j in self._jobs.values() if j.done][:-KEPT]:
            del self._jobs[old]
        reader = asyncio.create_task(self._follow(job, json.dumps(request).encode(), seconds))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        return job

    def get(self, number: int) -> Job | None:
        """A job by its number."""
        return self._jobs.get(number)

    def with_key(self, key: str) -> Job | None:
        """The latest job of a key."""
        return next((job for job in reversed(self._jobs.values()) if job.key == key), None)

    def stop(self, job: Job) -> None:
        """End a job's process as Ctrl-C does, so that it keeps its results."""
        if not job.done:
            job.process.terminate()

    async def close(self) -> None:
        """End all processes."""
        for job in self._jobs.values():
            if not job.done:
                job.process.kill()
        if self._readers:
            await asyncio.wait(self._readers, timeout=2)

    async def _follow(self, job: Job, request: bytes, seconds: float) -> None:
        process = job.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(process.stderr.read())
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(request)
                process.stdin.close()
                async for line in process.stdout:
                    job.results.append(json.loads(line))
                await process.wait()
        except TimeoutError:
            job.results.append({"error": f"stopped after {seconds:g} s", "hint": "solve it in the terminal"})
        except (OSError, ValueError) as error:
            job.results.append({"error": f"the process failed: {error}", "hint": ""})
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            said = (await errors).decode(errors="replace").strip().splitlines()
            if process.returncode and not job.failed:
                job.results.append(
                    {"error": f"the process ended with code {process.returncode}", "hint": "\n".join(said[-3:])}
                )
            job.done = True
