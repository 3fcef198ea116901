"""The page of `export-web` in Chromium, from disk and offline: how long a picture takes, how far it is from PyTorch.

python benchmarks/web_page.py edges2shoes labels2facades
"""

import argparse
import io
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.machine import describe
from pix2pix import Translator
from pix2pix.page.page import fitting
from pix2pix.page.web import export_web
from tests.browser.install import system_chromium

PAUSE_MS = 1500  # until the newest picture is there for sure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+")
    options = parser.parse_args()
    print(f"{describe('cpu')}\n")
    print("| generator | file (MB) | ready after (s) | a picture (ms) | from PyTorch (grey levels of 255) |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=system_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for name in options.checkpoints:
            path = Path(folder) / "page.html"
            export_web(name, path)
            context = chromium.new_context()
            context.set_offline(True)
            print(f"| {name} | {path.stat().st_size / 1e6:.1f} | {_row(context.new_page(), path, name)} |", flush=True)


def _row(page: Page, path: Path, name: str) -> str:
    page.goto(path.as_uri())
    status = page.locator(".runs")
    status.filter(has_text="Ready").wait_for(timeout=120_000)
    ready_ms = page.evaluate("performance.now()")
    translator, differences = Translator.load(name, "cpu"), []
    for sample in fitting(translator.metadata):
        page.get_by_role("button", name=sample["name"]).click()
        page.wait_for_timeout(PAUSE_MS)
        drawing, picture = _both(page)
        made = np.asarray(translator(drawing), int)
        differences.append(np.abs(made - np.asarray(picture, int)).mean())
    took = re.search(r"takes (\d+) ms", status.inner_text())
    assert took
    return f"{ready_ms / 1000:.1f} | {took[1]} | {np.mean(differences):.2f}"


def _both(page: Page) -> tuple[Image.Image, Image.Image]:
    page.get_by_label("More to save and open").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save drawing and picture").click()
    page.get_by_label("More to save and open").click()
    sheet = Image.open(io.BytesIO(download.value.path().read_bytes())).convert("RGB")
    size = sheet.height
    return sheet.crop((0, 0, size, size)), sheet.crop((size, 0, 2 * size, size))


if __name__ == "__main__":
    main()
