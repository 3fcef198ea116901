"""Where generator files lie, and the names they are loaded by."""

import os
from pathlib import Path

import pytest

from pix2pix.files import places


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With checkpoints/ and runs/ in it, both empty."""
    monkeypatch.setattr(places, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setenv("PIX2PIX_RUNS", str(tmp_path / "runs"))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "runs").mkdir()
    return tmp_path


def shipped(folder: Path, name: str) -> Path:
    path = folder / "checkpoints" / f"{name}.safetensors"
    path.touch()
    return path


def trained(folder: Path, name: str, at: int = 0) -> Path:
    path = folder / "runs" / name / "generator.safetensors"
    path.parent.mkdir()
    path.touch()
    os.utime(path, (at, at))
    return path


def test_runs_lie_beside_the_app_whatever_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PIX2PIX_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert places.runs_dir() == Path(__file__).resolve().parent.parent / "runs"
    assert Path(__file__).resolve().parent.parent / "checkpoints" == places.CHECKPOINTS


@pytest.mark.parametrize(("value", "runs"), [("elsewhere", "elsewhere"), ("~/mine", "home/mine"), ("a/../b", "b")])
def test_pix2pix_runs_moves_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, runs: str):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("PIX2PIX_RUNS", value)
    monkeypatch.chdir(tmp_path)
    assert places.runs_dir() == (tmp_path / runs).resolve()


def test_an_installed_package_has_its_runs_among_the_users_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PIX2PIX_RUNS", raising=False)
    monkeypatch.setattr(places, "IS_CHECKOUT", False)
    monkeypatch.setattr(places, "user_data_path", lambda name, **_: tmp_path / name)
    assert places.runs_dir() == tmp_path / "pix2pix-studio" / "runs"


def test_an_empty_pix2pix_runs_counts_as_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIX2PIX_RUNS", "")
    assert places.runs_dir() == places.ROOT / "runs"


def test_shipped_generators_come_first_then_runs_the_newest_first(folder: Path):
    files = {
        "facades": shipped(folder, "facades"),
        "shoes": shipped(folder, "shoes"),
        "new": trained(folder, "new", at=2000),
        "old": trained(folder, "old", at=1000),
    }
    assert list(places.generators().items()) == list(files.items())


def test_a_run_and_a_shipped_generator_of_the_same_name_are_told_apart(folder: Path):
    shoes = shipped(folder, "shoes")
    mine = trained(folder, "shoes")
    assert places.generators() == {"shoes": shoes, "runs/shoes": mine}


def test_runs_without_a_generator_and_other_files_do_not_count(folder: Path):
    (folder / "checkpoints" / "shoes.md").touch()
    (folder / "runs" / "just-started").mkdir()
    assert places.generators() == {}


def test_neither_folder_need_exist(folder: Path):
    (folder / "checkpoints").rmdir()
    (folder / "runs").rmdir()
    assert places.generators() == {}


def test_a_light_generator_comes_after_the_one_that_it_learned_from():
    shipped = list(places.generators())
    assert shipped.index("edges2shoes") < shipped.index("edges2shoes-light")
