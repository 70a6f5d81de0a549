"""The package of solvers that were added from files: each file is the module ``mull.plugins.added.FILE_HASH``.

An ordinary import finds these modules. So a solver, or a state of one, can be pickled and read in another process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ..engine.errors import MullError
from . import manifest

__path__: list[str] = []
"""Makes this module a package, whose modules ``_Finder`` finds."""


class ChangedFileError(MullError, ImportError):
    """An added file was deleted or changed."""


class _Source(SourceFileLoader):
    """Compiles the file without Python's bytecode cache, which also writes into the folder."""

    def get_code(self, fullname: str) -> CodeType | None:
        # The cache compares the time in seconds and the size, so a quick edit of equal length would run the old code.
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if fullname.rpartition(".")[0] != __name__:
            return None
        for file in manifest.added():
            if file.module == fullname:
                problem = file.diagnose()
                if problem:
                    raise ChangedFileError(problem)
                return _spec(fullname, Path(file.path))
        return None


def execute(name: str, path: Path, sha256: str) -> ModuleType:
    """Import a file that is not in the list of added files yet; a second call returns the same module.

    Args:
        name: of the module.
        path: the ``.py`` file, or the folder of a package.
        sha256: digest of the content that the caller has read.

    Raises:
        ChangedFileError: the content changed while it was imported.
        BaseException: whatever the file raises.
    """
    if name in sys.modules:
        return sys.modules[name]
    module = module_from_spec(_spec(name, path))
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    sys.modules[name] = module  # before the code runs: dataclasses and pickles look their module up by name
    try:
        module.__spec__.loader.exec_module(module)
        # The file was hashed before its import. A second hash excludes an edit in between.
        if manifest.digest(path) != sha256:
            raise ChangedFileError(f"{path} changed while it was imported")
    except BaseException:
        for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            del sys.modules[loaded]
        raise
    return module


def _spec(name: str, path: Path) -> ModuleSpec:
    package = path.is_dir()
    file = str(path / "__init__.py" if package else path)
    inside = [str(path)] if package else None
    spec = spec_from_file_location(name, file, loader=_Source(name, file), submodule_search_locations=inside)
    assert spec is not None
    return spec


sys.meta_path.append(_Finder())
