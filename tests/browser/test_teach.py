"""From the Draw tab to a training: pinning a drawing, and correcting a generator, with real runs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from pix2pix.files import checkpoint
from tests.browser.sheet import Open, Sheet, lose
from tests.browser.test_keep import more
from tests.waiting import wait_until
from training.config import TrainConfig
from training.run import Run
from ui.draw import teach

WAIT_MS = 120_000


@pytest.fixture(autouse=True)
def tidy(runs: Path) -> Iterator[None]:
    """The runs folder is that of all tests here: what these add goes again."""
    yield
    for run in Run.list():
        run.stop(grace_s=0, term_s=0)
        run.delete()


def test_a_correction_is_learned_and_compared(open_draw: Open, runs: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(teach.SETTINGS, "device", "cpu")
    sheet = Sheet(open_draw(), "tiny2shoes")
    sheet.stroke((40, 60), (200, 80), (120, 200))
    drawn = sheet.drawing()
    Image.new("RGB", (300, 200), "lime").save(tmp_path / "lime.png")
    with sheet.page.expect_file_chooser() as chooser:
        more(sheet, "Correct: it should have been …")
    lose(sheet.page, 1, lambda route: route.abort(), "learning")
    chooser.value.set_files(tmp_path / "lime.png")
    expect(sheet.page.locator(".status")).to_have_text("Connection lost…")
    expect(sheet.page.locator(".status")).to_contain_text("Learn", timeout=WAIT_MS)
    others = sheet.page.locator(".others")
    expect(others.get_by_label("Compared generator 1")).to_have_value("tiny2shoes-taught", timeout=WAIT_MS)
    expect(others.locator("img").first).to_be_visible(timeout=WAIT_MS)

    with Image.open(runs / "datasets" / "taught-tiny2shoes" / "0000.png") as pair:
        assert pair.size == (128, 64)
        assert pair.getpixel((100, 30)) == (0, 255, 0)
        assert (np.asarray(pair)[:, :64] == drawn).all()
    run = Run.named("tiny2shoes-taught")
    assert (run.status().state, run.status().step, run.config.init_from) == ("finished", 200, "tiny2shoes")
    about = checkpoint.read_metadata(run.generator_file)
    assert (about.source.kind, about.line_width, about.provenance) == ("edges", 2.0, "Fine-tuned from tiny2shoes.")
    first, *_, last = (row["loss_L1"] for row in run.metrics()[0])
    assert last < 0.7 * first, "it has learned the correction"


def test_a_drawing_is_pinned_to_the_training_that_goes_on(open_draw: Open, pairs: Path):
    sheet = Sheet(open_draw(), "tiny2shoes")
    sheet.stroke((40, 60), (200, 80))
    more(sheet, "Pin to its training")
    expect(sheet.page.locator(".status")).to_contain_text("nothing to pin to")
    run = Run.create(
        TrainConfig(name="going", dataset=str(pairs), crop_size=32, load_size=32, ngf=4, ndf=4, steps=100_000)
    )
    run.start()
    wait_until(lambda: run.status().state == "running", run)
    more(sheet, "Pin to its training")
    expect(sheet.page.locator(".status")).to_contain_text("each preview of “going”")
    with Image.open(run.pinned_file) as pinned:
        assert pinned.size == (64, 64)
        assert pinned.convert("L").getextrema() == (0, 255)


def test_a_public_page_offers_neither(open_draw: Open, monkeypatch):
    from ui.draw.canvas import drawing_canvas
    from ui.studio import Studio

    offered = {public: drawing_canvas(Studio(public=public)) for public in (True, False)}
    assert [hasattr(offered[True], name) for name in ("translate", "pin", "correct")] == [True, False, False]
    assert [hasattr(offered[False], name) for name in ("translate", "pin", "correct")] == [True, True, True]
