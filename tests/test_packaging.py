"""What `pip install .` gives: a wheel, put into an environment that has nothing of ours."""

import os
import shutil
import site
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image, ImageDraw

from pix2pix import Translator
from pix2pix.files.places import ROOT

BUILT_FROM = ("pix2pix", "training", "ui", "checkpoints", "pyproject.toml", "README.md", "LICENSE")
pytestmark = pytest.mark.timeout(900)  # it packs 60 MB, and imports torch anew
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Installed:
    """A fresh environment, in which the wheel is and, by their path, the packages that are here."""

    folder: Path
    programs: Path

    def call(self, command: str, *arguments: str) -> str:
        """What a command of it prints, called from its folder."""
        environment = {key: value for key, value in os.environ.items() if key not in ("PIX2PIX_RUNS", "PYTHONPATH")}
        environment |= {"XDG_DATA_HOME": str(self.folder / "data"), "HOME": str(self.folder)}
        words = [str(self.programs / command), *arguments]
        done = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    source = (
        folder / "source"
    )  # a copy, since building leaves files behind, which the next build would take for sources
    source.mkdir()
    for path in [ROOT / name for name in BUILT_FROM] + list(ROOT.glob("requirements*.txt")):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, source / path.name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    into = ["--python", str(programs / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, *into, str(wheel)], check=True)
    environment = Installed(folder, programs)
    packages = environment.call("python", "-c", "import site; print(site.getsitepackages()[0])").strip()
    Path(packages, "those_of_the_tests.pth").write_text("\n".join(site.getsitepackages()), "utf-8")
    return environment


def test_an_installed_pix2pix_draws_as_a_checkout_does(installed: Installed):
    folder = installed.folder
    drawing = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(drawing).arc((40, 90, 220, 190), 0, 360, "black", 2)
    drawing.save(folder / "drawing.png")
    told = installed.call("pix2pix", "translate", "drawing.png", "--checkpoint", "edges2shoes", "--out", "shoes")
    picture = Image.open(folder / "shoes" / "drawing.png")
    # Two processes: what the tests before this one computed may lead to sums in another order, of which some round up.
    ours = Translator.load("edges2shoes", "cpu")(drawing)
    assert np.abs(np.asarray(picture, np.int16) - np.asarray(ours, np.int16)).max() <= 1, told


def test_its_runs_are_in_the_users_data_folder(installed: Installed):
    folder = installed.folder
    told = installed.call("pix2pix-train", "runs/mine")
    assert "no training run" in told
    if sys.platform == "linux":
        assert str(folder / "data" / "pix2pix-studio" / "runs" / "mine") in told


def test_it_has_what_the_page_is_made_of(installed: Installed):
    script = (
        "from pix2pix.page.page import script; from pix2pix.files.places import IS_CHECKOUT; import ui.command;"
        "from pix2pix.page.page import samples; print(IS_CHECKOUT, len(script()) > 10_000, len(samples()) > 5)"
    )
    assert installed.call("python", "-c", script).split() == ["False", "True", "True"]
    assert "--allow-host" in installed.call("pix2pix-studio", "--help")
    assert installed.call("pix2pix", "--help").startswith("usage: pix2pix ")


def test_each_package_with_code_is_named():
    found = {
        path.parent.relative_to(ROOT) for name in ("pix2pix", "training", "ui") for path in (ROOT / name).rglob("*.py")
    }
    named = set(PROJECT["tool"]["setuptools"]["packages"]) - {"pix2pix.checkpoints"}
    assert {".".join(path.parts) for path in found} == named


def test_each_file_of_the_drawing_page_is_taken_along():
    page = ROOT / "pix2pix" / "page"
    globs = PROJECT["tool"]["setuptools"]["package-data"]["pix2pix.page"]
    taken = {path for pattern in globs for path in page.glob(pattern)}
    there = {path for path in page.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there - taken == set()


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def test_the_constraints_are_versions_that_the_requirements_allow():
    pinned = {pin.name.lower().replace("_", "-"): pin for pin in requirements("constraints.txt")}
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-docs.txt"):
        for wanted in requirements(name):
            (version,) = pinned[wanted.name.lower().replace("_", "-")].specifier
            assert version.operator == "=="
            assert wanted.specifier.contains(version.version), wanted
