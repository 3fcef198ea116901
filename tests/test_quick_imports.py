"""Imports without looks for garbage."""

import gc
import sys
from pathlib import Path

import pytest

from pix2pix.quick_imports import import_quickly


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that notes whether garbage was looked for when it was imported, and one that cannot be."""
    (tmp_path / "large_one.py").write_text("import gc\nLOOKS = gc.isenabled()\nKEPT = [[] for _ in range(1000)]\n")
    (tmp_path / "broken_one.py").write_text("raise ImportError('not here')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "large_one", raising=False)


def test_garbage_is_looked_for_afterwards_and_not_in_what_was_imported():
    frozen = gc.get_freeze_count()
    import_quickly("large_one")
    assert not sys.modules["large_one"].LOOKS
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen + 1000


def test_what_is_in_memory_already_changes_nothing():
    import_quickly("large_one")
    frozen = gc.get_freeze_count()
    garbage = [[] for _ in range(1000)]
    import_quickly("large_one")
    assert gc.get_freeze_count() <= frozen, garbage


def test_garbage_is_looked_for_after_an_import_that_failed_too():
    with pytest.raises(ImportError, match="not here"):
        import_quickly("broken_one")
    assert gc.isenabled()
