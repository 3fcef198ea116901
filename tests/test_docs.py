"""What README.md and docs/ say: links lead somewhere, commands run, settings, options and files are there."""

import ast
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

import docs.settings
import pix2pix
import pix2pix.data
from pix2pix.__main__ import _parser as parser_of_pix2pix
from pix2pix.__main__ import main as main_of_pix2pix
from pix2pix.doctor import main as doctor
from pix2pix.files import places
from pix2pix.files.places import ROOT
from training.__main__ import main as training
from training.config import TrainConfig
from ui.command import _parser as parser_of_the_app

PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
README = ROOT / "README.md"
NOT_AT_HAND = ("needs ", "installs")  # how a command is marked that wants the network, Docker, GPUs
TESTED_ELSEWHERE = {
    "python -m venv .venv": "test_packaging.py", "pix2pix-studio": "test_packaging.py",
    "python -m pix2pix import latest_net_G.pth": "test_foreign.py",
}  # fmt: skip
TINY = {"--crop-size": "32", "--load-size": "36", "--ngf": "4", "--ndf": "4", "--steps": "2", "--device": "cpu"}
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:pix2pix|training|ui|docs|benchmarks|tests|examples|checkpoints)/[\w./-]*)`")


def commands(page: Path) -> list[str]:
    """The lines of its shell blocks, without the comments, except those marked as needing what is not at hand."""
    lines = [line for language, text in FENCED.findall(page.read_text("utf-8")) if language == "sh"
             for line in text.replace("\\\n", " ").splitlines()]  # fmt: skip
    split = [line.partition(" # ") for line in lines]
    return [command.strip() for command, _, words in split if not words.strip().startswith(NOT_AT_HAND) and command]


def heading(text: str) -> str:
    """The anchor that forges and mkdocs make of a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")


def test_the_readme_is_short():
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    for target, anchor in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if "://" in target:
            continue
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(heading, headings), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path):
    named = set(NAMED.findall(page.read_text("utf-8")))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_tree_is_that_of_the_code():
    """Each line begins with a file or a folder, below the last one that was not indented, and its words name others."""
    _, text = FENCED.findall((ROOT / "docs" / "design.md").read_text("utf-8"))[0]
    top, last, looked = Path(), Path(), 0
    for line in text.splitlines():
        words = line
        if name := re.match(r"(  )?([\w./]+)(?:  |$)", line):
            last = top / name[2] if name[1] else Path(name[2])
            top = top if name[1] else last
            assert (ROOT / last).exists(), last
            words = line[name.end() :]
        for other in re.findall(r"[\w/]+\.py\b", words):
            places_of_it = (ROOT, ROOT / top, ROOT / last)
            assert any((place / other).exists() for place in places_of_it), f"{other} in {line!r}"
            looked += 1
    assert looked > 20


def test_settings_are_all_described_as_they_are():
    assert docs.settings.PAGE.read_text("utf-8") == docs.settings.page(), "run python docs/settings.py"


def test_options_that_are_named_exist():
    known = {f"--{name.replace('_', '-')}" for name in TrainConfig.__dataclass_fields__}
    for parser in (parser_of_pix2pix(), parser_of_the_app()):
        known |= options_of(parser)
    other = "\n".join(path.read_text("utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    elsewhere = {"--depth", "--preset", "--help", "--standalone", "--nproc_per_node", "--nnodes", "--rdzv_backend",
                 "--rdzv_endpoint", "--build-arg", "--norm", "--index-url"}  # fmt: skip
    for page in PAGES:
        if page.name != "CHANGELOG.md":
            named = set(re.findall(r"(?<![\w-])--[a-zA-Z][\w-]+", page.read_text("utf-8")))
            assert {option for option in named - known - elsewhere if option not in other} == set(), page


def options_of(parser) -> set[str]:
    found: set[str] = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        for child in action.choices.values() if isinstance(action.choices, dict) else ():
            found |= options_of(child)
    return found


@pytest.fixture
def folder(
    tmp_path: Path, pairs: Path, photos: Path, make_generator: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """What the commands speak of: drawings, a photo, a plan, pairs, and small generators by the names of real ones."""
    (tmp_path / "small").mkdir()
    make_generator("edges2shoes", folder=tmp_path / "small")
    make_generator("labels2facades", kind="labels", folder=tmp_path / "small")
    monkeypatch.setattr(places, "CHECKPOINTS", tmp_path / "small")
    monkeypatch.setattr("training.__main__._log_to", lambda run: None)  # it is of a process that ends after its run
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my").mkdir()
    pairs.rename(tmp_path / "my" / "pairs")
    photos.rename(tmp_path / "my" / "photos")
    (tmp_path / "drawings").mkdir()
    for name in ("drawings/one.png", "photo.jpg", "plan.png", "drawing.png"):
        Image.new("RGB", (40, 40), "white").save(tmp_path / name)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_commands_run(page: Path, folder: Path):
    for command in commands(page):
        if not any(command.startswith(known) for known in TESTED_ELSEWHERE):
            assert run(shlex.split(command)) == 0, command


def run(words: list[str]) -> int:
    match words:
        case ["make", *targets]:  # which programs it would call
            return subprocess.run(
                ["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, check=False
            ).returncode
        case ["python", "-m", "pix2pix", *arguments]:
            return main_of_pix2pix(arguments)
        case ["python", "-m", "pix2pix.doctor", *arguments]:
            return doctor(*arguments)
        case ["python", "-m", "training", *arguments] if not arguments[0].startswith("-"):
            return training(arguments)
        case ["python", "-m", "training", *arguments]:
            given = {name for name in arguments if name.startswith("--")}
            small = [word for option, value in TINY.items() if option not in given for word in (option, value)]
            for option in given & TINY.keys():
                arguments[arguments.index(option) + 1] = TINY[option]
            return training([*arguments, *small])
        case ["python", "app.py", *arguments]:  # test_app.py starts it
            return parser_of_the_app().parse_args(arguments) is None
        case ["python", script, *arguments]:  # of benchmarks, which take minutes
            text = (ROOT / script).read_text("utf-8")
            return not all(argument in text for argument in arguments if argument.startswith("--"))
    raise AssertionError(f"{shlex.join(words)}: say how to run it, or mark it as needing what is not at hand")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_benchmarks_that_are_named_take_these_options(page: Path):
    for command in re.findall(r"`python (benchmarks/[^`]+)`", page.read_text("utf-8")):
        assert run(["python", *shlex.split(command.replace("\n", " "))]) == 0, command


def test_the_notebook_trains_and_shows_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(ROOT / "examples" / "train.ipynb", 4)
    (parameters,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    assert "STEPS = 300" in parameters.source
    parameters.source = "STEPS = 4\nLOOK_EVERY = 2"
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert len(shown) == 1 + 3 + 2  # a pair; after 0, 2 and 4 steps; a plan and its facade


def test_python_in_the_library_guide_runs_and_names_all_that_is_public(folder: Path):
    guide = (ROOT / "docs" / "library.md").read_text("utf-8")
    for code in [text for language, text in FENCED.findall(guide) if language == "python"]:
        exec(compile(code, "library.md", "exec"), {"drawing": Image.new("RGB", (40, 40), "white")})
    public = pix2pix.__all__ + pix2pix.data.__all__
    assert [name for name in public if not re.search(rf"\b{name}\b", guide)] == []


def test_python_in_the_readme_draws(folder: Path):
    (code,) = [text for language, text in FENCED.findall(README.read_text("utf-8")) if language == "python"]
    exec(compile(code, str(README), "exec"), {})
    with Image.open("shoe.png") as shoe, Image.open("drawing.png") as drawing:
        assert shoe.size == drawing.size


def test_excerpts_in_one_sitting_are_the_code():
    """Line by line, where the code has annotations, docstrings and comments beside them, and other lines between."""
    code = "\n".join((ROOT / "pix2pix" / name).read_text("utf-8") for name in ("models.py", "losses.py"))
    lines = {line.partition("  #")[0].strip() for line in code.splitlines()}
    lines |= {
        f"def {node.name}({', '.join(argument.arg for argument in node.args.args)}):"
        for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)
    }  # fmt: skip
    page = (ROOT / "docs" / "pix2pix.md").read_text("utf-8")
    shown = [
        line.strip() for language, text in FENCED.findall(page) if language == "python" for line in text.split("\n")
    ]
    assert [line for line in shown if line not in lines] == []
    assert len(shown) > 8


def test_what_the_page_on_the_keras_notebook_points_at_is_there():
    page = (ROOT / "docs" / "keras.md").read_text("utf-8")
    rows = re.findall(r"^\| `.*? \| (.*?) in `([\w/]+\.py)`", page, re.MULTILINE)
    assert len(rows) > 10
    for names, file in rows:
        tree = ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        there = {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert set(re.findall(r"`(\w+)`", names)) <= there, file
