"""A fleet: processes that share the problems of a call, and one driver that deals chunks and collects the answers.

``dealing.py`` is the driver's part, ``work.py`` that of a process. A crew starts the processes: those of this host
(``local.py``) or actors of a Ray cluster (``actors.py``).
"""

from __future__ import annotations

from .actors import RayCrew
from .crew import Crew, WorkerEvent
from .dealing import Fleet
from .local import LocalCrew

__all__ = ["Crew", "Fleet", "LocalCrew", "RayCrew", "WorkerEvent"]
