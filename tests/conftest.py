"""What all tests share: a store of their own, and the small problems with known answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's store or configuration, and none takes more than one thread."""
    monkeypatch.setenv("MULL_STORE", str(tmp_path / "store.db"))
    monkeypatch.setenv("MULL_CONFIG", str(tmp_path / "config"))
    torch.set_num_threads(1)
