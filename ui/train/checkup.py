"""What is in a folder: a sentence, some of its pairs, and what the dataset doctor finds while it looks at the rest."""

import html
import io
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from PIL import Image

from pix2pix.files.places import expanded
from training.config import Direction, Layout
from ui.requests import data_url

if TYPE_CHECKING:  # torch takes seconds to import: the page should not wait for it
    from pix2pix.data.doctor import Report
    from pix2pix.data.layouts import DatasetError
    from pix2pix.data.pairs import Found

SAMPLES, OF_A_READING = 8, 2  # pairs that are shown
SAMPLE_SIZE = 128
LISTED = 200  # files that are named; of more, their number is said
ABANDONED_S = 30.0  # after which a folder that no page asks about is not looked through any further
KEPT = 8  # folders of which it is remembered what was found


class Checkups:
    """Looks through folders, each in a thread; what was found so far can be asked for at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: dict[str, Report] = {}
        self._asked: dict[str, float] = {}  # when a page last wanted to know
        self._threads: dict[str, threading.Thread] = {}

    def begin(self, found: "Found") -> str:
        """Looks through it anew, unless it is at it already. Gives the name to ask by: of a folder, and a reading."""
        name = " ".join((str(found.root), found.layout, *found.folders))
        with self._lock:
            self._asked[name] = time.monotonic()
            thread = self._threads.get(name)
            if thread is None or not thread.is_alive():
                self._reports.pop(name, None)
                while len(self._reports) >= KEPT:
                    del self._reports[next(iter(self._reports))]
                thread = threading.Thread(target=self._examine, args=(found, name), name="checkup", daemon=True)
                self._threads[name] = thread
                thread.start()
        return name

    def report(self, name: str) -> "Report | None":
        """The latest; None before there is one."""
        with self._lock:
            self._asked[name] = time.monotonic()
            return self._reports.get(name)

    def _examine(self, found: "Found", name: str) -> None:
        from pix2pix.data.doctor import Finding, Report, examine
        from pix2pix.data.pairs import DatasetError

        try:
            for report in examine(found):
                with self._lock:
                    self._reports[name] = report
                    if time.monotonic() - self._asked[name] > ABANDONED_S:
                        return
        except DatasetError as error:
            with self._lock:
                self._reports[name] = Report(0, 0, (Finding(str(error), "Give another folder."),))


def look_at(
    folder: str, direction: Direction | None = None, layout: Layout = "auto", folders: tuple[str, ...] = ()
) -> tuple["Found", Direction, str]:
    """What is in the folder, by its names; which way to learn, if `direction` is left to what the pictures show; and as
    HTML: a sentence and some pairs. Raises DatasetError, a ValueError.

    That takes some seconds for the largest folders; what is in the files is for `Checkups` to find out.
    """
    from pix2pix.data.pairs import find_pairs
    from pix2pix.data.sides import likely_direction, look_for_labels

    found = find_pairs(expanded(folder), layout, folders=folders, open_files=False)
    left_out = [f"{name}: {why}" for name, why in found.left_out.items()]
    shown = f"<p>{html.escape(found.describe())} {_details(left_out)}</p>"
    direction = direction or likely_direction(found, *look_for_labels(found))
    return found, direction, shown + _samples(found, direction)


def readings_html(folder: str, error: "DatasetError") -> str:
    """What was seen in a folder that can be read in more than one way, and some pairs of each."""
    from pix2pix.data.pairs import find_pairs

    parts = [f"<p role='alert'>{html.escape(str(error).partition(' Say which it is:')[0])}</p>"]
    for number, reading in enumerate(error.readings, start=1):
        found = find_pairs(folder, reading.layout, folders=reading.folders, open_files=False)
        looks = "".join(
            f"<figure><figcaption>{side}</figcaption>{_picture(picture, side)}</figure>"
            for pair in _looks(found, "AtoB", OF_A_READING)
            for picture, side in zip(pair, ("input", "target"), strict=True)
        )
        parts.append(f"<p><b>{number}.</b> {html.escape(reading.words)}</p><div class='pairs reading'>{looks}</div>")
    return "".join(parts)


def findings_html(report: "Report | None") -> str:
    """What was found so far, what will be done about it, and how far the looking has come."""
    if report is None:
        return ""
    rows = "".join(
        f"<li><b>{html.escape(finding.what)}.</b> {html.escape(finding.action)} {_details(finding.files)}</li>"
        for finding in report.findings
    )
    state = "done" if report.done else "looking"
    if not report.done:
        words = f"Looked through {report.looked_at:,} of {report.count:,} …"
    else:
        words = f"All {report.count:,} were looked through" + (":" if rows else ", and nothing is wrong with them.")
    return f"<div class='checkup' data-checkup='{state}'><p class='quiet'>{words}</p><ul>{rows}</ul></div>"


def _details(lines: Iterable[str]) -> str:
    lines = list(lines)
    if not lines:
        return ""
    more = f"<li>… and {len(lines) - LISTED:,} more</li>" if len(lines) > LISTED else ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines[:LISTED])
    return f"<details><summary>show</summary><ul>{items}{more}</ul></details>"


def _samples(found: "Found", direction: Direction) -> str:
    from pix2pix.data.layouts import SIDES

    looks = _looks(found, direction, SAMPLES)
    a, b = found.folders if len(found.folders) == 2 else SIDES[found.layout]
    source, target = (a, b) if direction == "AtoB" else (b, a)
    rows = ((f"Input, what you will draw or give: {source}", 0), (f"Target, what it learns to make of it: {target}", 1))
    return "".join(
        f"<p>{title}</p><div class='pairs'>{''.join(_picture(pair[side], title) for pair in looks)}</div>"
        for title, side in rows
    )


def _looks(found: "Found", direction: Direction, most: int) -> list[tuple[Image.Image, Image.Image]]:
    from pix2pix.data.dataset import PairedImages
    from pix2pix.data.sides import formats

    how = formats(found, direction)
    pairs = PairedImages(found, direction=direction, load_size=SAMPLE_SIZE, crop_size=SAMPLE_SIZE, **how)
    count = min(most, len(pairs))
    return [pairs.pictures(index * len(pairs) // count) for index in range(count)]


def _picture(picture: Image.Image, title: str) -> str:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=90)
    return f"<img alt='{html.escape(title)}' src='{data_url(file.getvalue(), 'jpeg')}'>"
