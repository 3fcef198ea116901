"""The guide to one's own data: what it says of each case is what the library says, and its pictures are of that."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs import own_data
from docs.own_data import CASES
from pix2pix.data.doctor import examine
from pix2pix.data.layouts import DatasetError
from pix2pix.data.pairs import find_pairs
from pix2pix.files.places import ROOT

GUIDE = (ROOT / "docs" / "your-own-data.md").read_text("utf-8")
PICTURES = ROOT / "docs" / "own-data"
ASKED = {
    "three-folders": ["--folders label img", "--folders inst img"],
    "three-in-a-row": ["--layout thirds-12", "--layout thirds-13", "--layout thirds-23"],
    "two-of-a-kind": ["--folders summer winter", "--folders winter summer"],
    "wide-photos": ["--layout pairs", "--layout photos"],
}
READ = {
    "two-folders": ("folders", ("masks", "images")), "input-target": ("folders", ("input", "target")),
    "long-names": ("folders", ("label", "img")), "one-folder": ("folders", ("*_mask", "*_image")),
    "side-by-side": ("pairs", ()), "tall-halves": ("pairs", ()), "stacked": ("stacked", ()), "splits": ("pairs", ()),
    "photos": ("photos", ()),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_read_as_the_guide_shows_it(tmp_path: Path, name: str):
    root = own_data.make(CASES[name], tmp_path)
    if name in ASKED:
        with pytest.raises(DatasetError) as raised:
            find_pairs(root)
        assert [reading.options for reading in raised.value.readings] == ASKED[name]
        return
    found = find_pairs(root)
    assert (found.layout, found.folders) == READ.get(name, ("folders", ()))
    *_, report = examine(found)
    assert not report.leave_out


def test_what_the_guide_quotes_is_said(tmp_path: Path):
    said = []
    for name, case in CASES.items():
        if name not in ASKED:
            found = find_pairs(own_data.make(case, tmp_path / name))
            *_, report = examine(found)
            said += [found.describe(), *(finding.what for finding in report.findings)]
    quoted = [" ".join(words.split()) for words in re.findall(r'"([^"`]*?)"', re.sub(r"`[^`]*`", "", GUIDE))]
    assert len(quoted) == 4
    for words in quoted:
        assert any(each.startswith(words) for each in said), words


def test_every_picture_is_there_and_shown_and_together_they_are_small():
    shown = re.findall(r"\]\(own-data/([\w-]+)\.png\)", GUIDE)
    assert sorted(shown) == sorted(path.stem for path in PICTURES.iterdir())
    assert set(shown) == {*CASES, *own_data.drawings()}
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 600_000


def test_a_picture_is_what_the_script_draws():
    drawn = own_data.sheet_of(CASES["class-numbers"])
    with Image.open(PICTURES / "class-numbers.png") as kept:
        assert kept.size == drawn.size
        assert np.abs(np.asarray(kept.convert("RGB"), int) - np.asarray(drawn, int)).mean() < 3
