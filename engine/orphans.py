"""Worker processes end with the process that started them, however that process ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def follow_parent() -> None:
    """Make this process, a worker, ignore Ctrl-C and end as soon as its parent has ended.

    Ctrl-C reaches all processes of a terminal; the parent alone decides what is stopped. A parent that is killed cannot
    stop its workers, which would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="parent", daemon=True).start()
