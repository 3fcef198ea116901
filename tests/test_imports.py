"""Who may import whom. The arrows keep the library usable without the app, the app quick to start, and each file short.

A room is a folder of a package, or a file that lies beside such folders.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from pix2pix.files.places import ROOT

# The rooms by their floors, from the ground up: a file imports from its own room and from the floors below it.
FLOORS = (
    ("pix2pix.formats",),
    ("pix2pix.architectures", "pix2pix.validation", "pix2pix.devices", "pix2pix.edges", "pix2pix.efficientnet",
     "pix2pix.losses", "pix2pix.palette", "pix2pix.console", "pix2pix.quick_imports", "pix2pix.scales", "pix2pix.sizes",
     "pix2pix.streams", "pix2pix.upsampling"),
    ("pix2pix.classes", "pix2pix.input_checks"),
    ("pix2pix.images",),
    ("pix2pix.models", "pix2pix.perceptual"),
    ("pix2pix.projected",),
    ("pix2pix.files",),
    ("pix2pix.data", "pix2pix.inference", "pix2pix.samples"),
    ("pix2pix.page",),
    ("pix2pix.doctor", "pix2pix.__main__", "pix2pix"),  # the library as it is seen from outside
    ("training", "training.config", "training.coach", "training.faults", "training.cuda_graph", "training.metrics",
     "training.process", "training.queue", "training.status"),
    ("training.folders",),
    ("training.run",),
    ("training.followers",),
    ("training.notify", "training.trackers"),
    ("training.batches", "training.discriminators"),
    ("training.perceptual_terms", "training.distillation"),
    ("training.objective",),
    ("training.state", "training.resolve"),
    ("training.preview", "training.progress"),
    ("training.loop",),
    ("training.__main__",),
    ("training.measure", "training.hardest"),
    ("ui", "ui.quick_gradio", "ui.scheduler", "ui.sessions", "ui.uploads"),
    ("ui.blocks", "ui.guard"),
    ("ui.studio",),
    ("ui.requests", "ui.words"),
    ("ui.camera", "ui.train"),
    ("ui.draw", "ui.models", "ui.upload"),
    ("ui.demo",),
    ("ui.serving",),
    ("ui.command",),
    ("app",),
)  # fmt: skip
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Of what the floors would allow, some packages import less of another.
LESS = {
    ("app", "pix2pix"): set(),
    ("app", "training"): set(),
    ("ui", "training"): {"training.coach", "training.config", "training.run", "training.status"},
    ("training.config", "pix2pix"): {"pix2pix.validation"},
    ("training.coach", "pix2pix"): set(),
    ("training.faults", "pix2pix"): {"pix2pix.validation"},
    ("training.folders", "pix2pix"): {"pix2pix.validation", "pix2pix.files.places"},
    ("training.cuda_graph", "pix2pix"): set(),
    ("training.metrics", "pix2pix"): {"pix2pix.validation", "pix2pix.files.places"},
    ("training.process", "pix2pix"): {"pix2pix.files.places"},
    ("training.queue", "pix2pix"): {"pix2pix.files.places"},
    ("training.status", "pix2pix"): {"pix2pix.validation", "pix2pix.files.places"},
    ("training.run", "pix2pix"): {"pix2pix.files.places"},
    ("training.followers", "pix2pix"): set(),
    ("training.notify", "pix2pix"): set(),
    ("training.trackers", "pix2pix"): set(),
}
PACKAGES = ("pix2pix", "training", "ui")
FILES = [ROOT / "app.py", *(path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py")))]
LINES = 400
FRONT = {"pix2pix", "pix2pix.data", "training.run"}  # modules that export what is stable, and nothing else
FORMER = {"RunBusy"}  # names that are kept for who still imports them
WRITTEN = ("*.py", "*.js", "*.css", "*.html")


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(name: str) -> str:
    """That of a module, or of anything that a dotted path names: the longest one that is listed."""
    listed = [room for room in FLOOR if name == room or (name.startswith(f"{room}.") and room not in PACKAGES)]
    assert listed, f"{name} has no floor yet: give it one in FLOORS"
    return max(listed, key=len)


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def is_ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in ("app", *PACKAGES)


def imports(path: Path) -> set[str]:
    """Our modules that a file imports, wherever in it, also for the type checker alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_module(name) else node.module or "" for name in names}
    return {name for name in found if is_ours(name)}


def paths(path: Path) -> Iterator[Path]:
    """The paths that a file builds from its own place, or from ROOT."""
    tree = ast.parse(path.read_text("utf-8"))
    known = {"ROOT": ROOT}

    def value(node: ast.AST) -> Path | None:
        """Up to the first part that is not written down."""
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = value(node.value)
            return base.parent if base and node.attr == "parent" else known.get(node.attr)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
            base = value(node.value.value)
            return base.parents[ast.literal_eval(node.slice)] if base else None
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "Path" and ast.unparse(node) == "Path(__file__)":
                return path
            return value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            base, part = value(node.left), node.right
            return base / str(part.value) if base and isinstance(part, ast.Constant) else base
        return None

    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(name := statement.targets[0], ast.Name):
            known |= {name.id: built} if (built := value(statement.value)) else {}
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.Call | ast.Attribute | ast.Subscript) and (built := value(node)):
            yield built


def reached(path: Path) -> set[str]:
    """Dotted names of what lies in our packages and is reached by a path."""
    below = (built.relative_to(ROOT) for built in paths(path) if built != path and built.is_relative_to(ROOT))
    return {".".join(each.parts) for each in below if each.parts and each.parts[0] in PACKAGES}


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_file_imports_and_reads_from_its_own_room_and_from_below_alone(path: Path):
    name = module(path)
    mine = room(name)
    for other in imports(path) | {each for each in reached(path) if not mine.startswith(each)}:
        assert room(other) == mine or FLOOR[room(other)] < FLOOR[mine], f"{name} must not reach {other}"
        for (who, package), allowed in LESS.items():
            if (name == who or name.startswith(f"{who}.")) and other.split(".")[0] == package:
                assert other in allowed, f"{name} must not reach {other}"


def test_no_file_imports_itself_by_way_of_others():
    graph = {module(path): imports(path) - {module(path)} for path in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_a_path_into_another_package_is_found(tmp_path: Path):
    file = ROOT / "pix2pix" / "page" / "page.py"
    assert {"pix2pix.page.samples", "pix2pix.page.vendor"} <= reached(file)
    other = tmp_path / "other.py"
    other.write_text('HERE = ROOT / "ui"\ndef f(name):\n    return (HERE / "page" / name).read_text("utf-8")\n')
    assert "ui.page" in reached(other)


@pytest.mark.parametrize("folder", [".", *PACKAGES, "benchmarks"])
def test_no_file_is_long(folder: str):
    walk = Path.glob if folder == "." else Path.rglob
    written = [path for kind in WRITTEN for path in walk(ROOT / folder, kind) if "vendor" not in path.parts]
    assert written
    long = {str(path): count for path in written if (count := len(path.read_text("utf-8").splitlines())) > LINES}
    assert not long


LIGHT = ("training.run", "training.config", "pix2pix", "pix2pix.__main__", "pix2pix.data", "pix2pix.data.intake",
         "pix2pix.files", "pix2pix.files.header", "pix2pix.files.push", "pix2pix.page.page", "ui.demo")  # fmt: skip


def test_what_needs_no_torch_does_not_import_it():
    code = "import sys\nfor name in sys.argv[1:]: __import__(name); print(name, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *LIGHT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:-1] == [f"{name} False" for name in LIGHT]


def test_the_library_needs_no_gradio():
    code = "import sys, pix2pix.page.web, pix2pix.data.doctor, training.loop; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_the_guide_calls_stable_is_there_and_is_what_the_modules_export():
    guide = (ROOT / "docs" / "library.md").read_text("utf-8")
    rows = re.findall(r"^\| `((?:pix2pix|training)[\w.]*)` \| (.*) \|$", guide, re.MULTILINE)
    assert {name for name, _ in rows} >= FRONT
    for name, cell in rows:
        home, listed = import_module(name), set(re.findall(r"`(\w+)`", cell))
        assert [each for each in listed if not hasattr(home, each)] == [], name
        exported = set(getattr(home, "__all__", listed)) - FORMER
        assert listed == exported if name in FRONT else listed <= exported, name


def test_former_names_still_lead_to_what_they_meant():
    import training.run

    assert training.run.RunBusy is training.run.RunBusyError
