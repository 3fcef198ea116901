"""The folder as a Hugging Face Space: what its README says to it, and what a visitor of it may do."""

import re
from pathlib import Path

import pytest
import yaml
from gradio_client import Client
from packaging.requirements import Requirement

from benchmarks.app_process import running
from pix2pix.files.places import ROOT


@pytest.fixture
def front_matter() -> dict[str, object]:
    found = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert found
    return yaml.safe_load(found[1])


def test_the_readme_tells_the_space_how_to_run_it(front_matter: dict[str, object]):
    assert front_matter["sdk"] == "gradio"
    assert (ROOT / str(front_matter["app_file"])).is_file()
    assert front_matter["license"] == "mit"
    assert len(str(front_matter["short_description"])) <= 60
    needed = {Requirement(line).name: Requirement(line) for line in requirements()}
    assert needed["gradio"].specifier.contains(str(front_matter["sdk_version"]))


def requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_what_the_app_needs_is_named_there():
    """All that it imports from outside, and nothing that only tests need."""
    names = {Requirement(line).name for line in requirements()}
    assert {"torch", "gradio", "onnx", "onnxscript", "onnxruntime", "huggingface_hub"} <= names
    assert not {"pytest", "playwright", "ruff"} & names


def test_a_visitor_of_a_space_can_translate_but_not_train(tmp_path: Path):
    with running(SPACE_ID="owner/name", PIX2PIX_RUNS=str(tmp_path)) as app:
        endpoints = Client(app.url, verbose=False).view_api(return_format="dict")
    assert isinstance(endpoints, dict)
    assert set(endpoints["named_endpoints"]) == {"/translate"}
