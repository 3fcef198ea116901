"""Who may import whom. The arrows keep the library usable without the app, and the app quick to start."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pix2pix.places import ROOT

# Of the project's own modules; what is not listed may be imported by nobody but tests and benchmarks.
ALLOWED = {
    "app": {"ui"},
    "ui": {"ui", "pix2pix", "training.run", "training.status", "training.config", "training.coach"},
    "pix2pix": {"pix2pix"},
    "training.config": {"pix2pix.checked"},
    "training.coach": set(),
    "training.faults": set(),
    "training.graph": set(),
    "training.metrics": {"pix2pix.checked", "pix2pix.places"},
    "training.process": {"pix2pix.places"},
    "training.queue": {"pix2pix.places"},
    "training.status": {"pix2pix.checked", "pix2pix.places"},
    "training.run": {
        "training.config",
        "training.faults",
        "training.metrics",
        "training.process",
        "training.queue",
        "training.status",
        "pix2pix.places",
    },
    "training.discriminators": {"pix2pix.places"},
    "training.perceptual_terms": {"pix2pix", "training.batches", "training.config"},
    "training.state": {"pix2pix", "training.run", "training.discriminators", "training.perceptual_terms"},
    "training.preview": {"pix2pix", "training.run", "training.config", "training.batches"},
    "training.progress": {"training.run", "training.state"},
    "training.batches": {"pix2pix", "training.config"},
    "training.loop": {"pix2pix", "training"},
    "training.measure": {"training.loop", "training.perceptual_terms", "training.config", "training.__main__"},
    "training.__main__": {"training.loop", "training.run", "training.config", "pix2pix.intake"},
}
OURS = ("app", "ui", "pix2pix", "training")
FILES = [ROOT / "app.py", *(path for name in OURS[1:] for path in sorted((ROOT / name).rglob("*.py")))]


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    """Our modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_module(name) else node.module or "" for name in names}
    return {name for name in found if name.split(".")[0] in OURS}


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def within(name: str, allowed: set[str]) -> bool:
    return any(name == other or name.startswith(f"{other}.") for other in allowed)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_file_imports_only_what_it_may(path: Path):
    name = module(path)
    allowed = ALLOWED.get(name, ALLOWED.get(name.split(".")[0], set()))
    forbidden = {other for other in imports(path) if not within(other, allowed)}
    assert not forbidden


@pytest.mark.parametrize("name", ["training.run", "training.config", "pix2pix", "pix2pix.__main__", "ui.demo"])
def test_what_needs_no_torch_does_not_import_it(name: str):
    code = f"import sys, {name}; print([heavy for heavy in ('torch', 'gradio') if heavy in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout
    assert "gradio" not in done.stdout or name.startswith("ui")
