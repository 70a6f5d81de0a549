"""Notices of an instance: sentences for the user, which reach ``Task.on_notice`` through the loop."""

from __future__ import annotations

from collections.abc import Callable


class Notices:
    """Reports each sentence once. A solver calls it: ``instance.notices("compiling ...")``.

    Mutable: all selections of an instance share one object. Sentences that come before the loop connects the object to a
    task are reported then.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._report: Callable[[str], None] | None = None

    def __call__(self, text: str) -> None:
        if text not in self.texts:
            self.texts.append(text)
            if self._report is not None:
                self._report(text)

    def connect(self, report: Callable[[str], None]) -> None:
        """Report the sentences so far, and all later ones.

        Args:
            report: called with each sentence.
        """
        self._report = report
        for text in self.texts:
            report(text)
