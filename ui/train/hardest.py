"""The pairs that a run is farthest from, in the Train tab: their pictures, and a click for a run without them."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import gradio as gr

from pix2pix.files.places import ROOT
from training.run import Run
from ui.requests import data_url
from ui.train.form import SCROLL_TO_FORM, Form
from ui.train.previews import PAGE, answer, script, style
from ui.words import errors_on_page

MOST_LEFT_OUT = 1000  # that a request may name


def hardest_pairs() -> gr.HTML:
    """The button, and what it opens. Its event `leave_out` is for `chosen`."""
    search = Search()

    def begin(data: Any) -> dict[str, Any]:  # Gradio marks its functions, which methods do not allow
        return search.begin(data)

    def found(data: Any) -> dict[str, Any]:
        return search.found(data)

    return gr.HTML(
        html_template=(PAGE / "hardest.html").read_text("utf-8"),
        css_template=style("base", "hardest"),
        js_on_load=script("hardest"),
        apply_default_css=False,
        server_functions=[begin, found],
        elem_id="train-hardest",
    )


class Search:
    """Looks in a process of its own, at one run at a time, since it takes the whole machine."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._looking: set[str] = set()
        self._problems: dict[str, str] = {}

    def begin(self, data: Any) -> dict[str, Any]:
        """Looks, unless it does so already."""

        def look(run: Run) -> dict[str, Any]:
            if run.name not in self._looking:
                self._looking.add(run.name)
                threading.Thread(target=self._look, args=(run,), name=f"hardest of {run.name}", daemon=True).start()
            return {}

        return answer(data, look)

    def found(self, data: Any) -> dict[str, Any]:
        """Whether it looks, and what it found: pairs with their pictures as data URLs."""

        def look(run: Run) -> dict[str, Any]:
            state = {"looking": run.name in self._looking, "problem": self._problems.get(run.name, "")}
            try:
                file = run.hardest_folder / "pairs.json"
                found, stamp = json.loads(file.read_text("utf-8")), str(file.stat().st_mtime_ns)
                if stamp == data.get("stamp"):
                    return state | {"stamp": stamp}
                about = {"stamp": stamp, "step": int(found["step"]), "looked_at": dict(found["looked_at"])}
                return state | about | {"pairs": [_shown(run, pair) for pair in found["pairs"]]}
            except (OSError, ValueError, KeyError, TypeError):  # none yet, or damaged
                return state | {"stamp": ""}

        return answer(data, look)

    def _look(self, run: Run) -> None:
        with self._turn:
            self._problems.pop(run.name, None)
            command = [sys.executable, "-m", "training.hardest", str(run.path)]
            try:
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
                if done.returncode:
                    last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
                    self._problems[run.name] = last.removeprefix("error: ")
            except OSError as error:
                self._problems[run.name] = str(error)
            finally:
                self._looking.discard(run.name)


def connect_hardest(panel: gr.HTML, form: Form) -> None:
    """A click fills the form with the settings of the run, for one without the chosen pairs: nothing starts by it."""

    def fill(event: gr.EventData) -> dict[Any, Any]:
        with errors_on_page():
            run, files = chosen(event._data)
            updates = form.fill(run, left_out=files)
        gr.Info(f"The form has the settings of {run.name}, and leaves out what you chose. Press Train to begin.")
        return updates

    panel.leave_out(  # pyright: ignore[reportAttributeAccessIssue]
        fill, None, form.filled, api_visibility="private", show_progress="hidden", concurrency_limit=None
    ).success(None, js=SCROLL_TO_FORM, api_visibility="private")


def chosen(data: Any) -> tuple[Run, tuple[str, ...]]:
    """The run and the pairs of it that the page would leave out. Raises ValueError for anything else."""
    name, files = (data.get("run"), data.get("files")) if isinstance(data, dict) else (None, None)
    if not (isinstance(name, str) and isinstance(files, list) and all(isinstance(file, str) for file in files)):
        raise ValueError("Choose the pairs to leave out.")
    if not 0 < len(files) <= MOST_LEFT_OUT:
        raise ValueError("Choose the pairs to leave out.")
    return Run.named(name), tuple(files)


def _shown(run: Run, pair: dict[str, Any]) -> dict[str, Any]:
    """With its picture as a data URL, from the folder and no other."""
    picture = data_url((run.hardest_folder / Path(pair["picture"]).name).read_bytes(), "jpeg")
    return {"split": str(pair["split"]), "file": str(pair["file"]), "error": float(pair["error"]), "picture": picture}
