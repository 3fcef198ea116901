"""What else can be done with a run: extend it, duplicate it, train from it, name it anew, take it along, delete it."""

import zipfile
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import gradio as gr

from pix2pix.files.places import generators
from training.config import LONGEST
from training.run import Run
from ui.train.form import SCROLL_TO_FORM, Form
from ui.train.previews import pack_samples
from ui.train.report import report
from ui.uploads import by_path, forget, new_file
from ui.words import errors_on_page, next_time

FINE_TUNE_STEPS = 2000
# Of the files of a run: they mean something here alone.
LEFT_BEHIND = (".lock", "stop", "stop_at", "queued", "preview_now", "save_now")
# Gradio downloads what a DownloadButton has; it gets it, then it is pressed.
PRESS = "() => setTimeout(() => document.querySelector('#train-file')?.click(), 200)"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}

Show = Callable[[str | None], dict[Any, Any]]


class RunActions:
    """The buttons below a run, in an accordion; `connect` gives them life."""

    def __init__(self, run: gr.Dropdown) -> None:
        self.run = run
        with gr.Row():
            self.page = gr.Button("Results page", size="sm", min_width=90, elem_id="train-report")
            self.zip = gr.Button("Run as a zip", size="sm", min_width=90, elem_id="train-zip")
            self.samples = gr.Button("Samples as a zip", size="sm", min_width=90, elem_id="train-samples")
            self.duplicate = gr.Button("Duplicate with changes", size="sm", min_width=90, elem_id="train-duplicate")
            self.fine_tune = gr.Button("Fine-tune from it", size="sm", min_width=90, elem_id="train-fine-tune")
            self.pin = by_path(gr.UploadButton(
                "Pin a drawing", file_types=["image"], size="sm", min_width=90, elem_id="train-pin"
            ))  # fmt: skip
        self.file = gr.DownloadButton(visible="hidden", elem_id="train-file")
        with gr.Accordion("Stop at a time, extend, rename, delete", open=False, elem_id="train-more"):
            with gr.Row():
                with gr.Column(min_width=160):
                    self.clock = gr.Textbox(label="Stop at", placeholder="7:30, or nothing", elem_id="train-at")
                    self.set_clock = gr.Button("Set", size="sm", elem_id="train-set-at")
                with gr.Column(min_width=160):
                    self.further = gr.Number(1000, label="Further steps", precision=0, minimum=1, maximum=LONGEST)
                    self.extend = gr.Button("Extend", size="sm", elem_id="train-extend")
                with gr.Column(min_width=160):
                    self.new_name = gr.Textbox(label="New name", max_lines=1, elem_id="train-new-name")
                    self.rename = gr.Button("Rename", size="sm", elem_id="train-rename")
            self.delete = gr.Button("Delete …", size="sm", elem_id="train-delete")
            with gr.Row(visible=False) as self.asked:
                self.sure = gr.Button("Delete for good", size="sm", variant="stop", elem_id="train-delete-sure")
                self.keep = gr.Button("Keep it", size="sm", elem_id="train-keep")

    def connect(self, form: Form, show: Show, outputs: list[Any]) -> None:
        """`show` gives the updates of `outputs` that show a run."""
        self._connect_form(form)
        self._connect_files()

        def set_clock(name: str, text: str) -> dict[Any, Any]:
            with errors_on_page():
                when = next_time(text, datetime.now()).timestamp() if (text or "").strip() else None
                Run.named(name).stop_at(when)
            return show(name)

        def extend(name: str, steps: float | None) -> dict[Any, Any]:
            with errors_on_page():
                run = Run.named(name)
                run.extend(int(steps or 0) if isfinite(steps or 0) else LONGEST + 1)
                gr.Info(run.submit())
            return show(name)

        def rename(name: str, new: str) -> dict[Any, Any]:
            with errors_on_page():
                if not (new := (new or "").strip()):
                    raise ValueError("Give the run a new name.")
                new = Run.named(name).rename(new).name
            return show(new) | {self.new_name: ""}

        to_delete = gr.State("")  # the one that was asked about, whichever is shown by then

        def ask(name: str | None) -> list[Any]:
            with errors_on_page():
                if not name:
                    raise ValueError("There is no run to delete.")
            return [gr.Row(visible=True), gr.Button(f"Delete “{name}” for good"), name]

        def delete(name: str) -> dict[Any, Any]:
            with errors_on_page():
                Run.discard(name)
            gr.Info(f"{name} is deleted. The pictures that it learned from are still there.")
            return show(None) | {self.asked: gr.Row(visible=False)}

        self.set_clock.click(set_clock, [self.run, self.clock], outputs, **QUIET)
        self.extend.click(extend, [self.run, self.further], outputs, **QUIET)
        self.rename.click(rename, [self.run, self.new_name], [*outputs, self.new_name], **QUIET)
        self.delete.click(ask, self.run, [self.asked, self.sure, to_delete], **QUIET)
        self.sure.click(delete, to_delete, [*outputs, self.asked], **QUIET)
        gr.on([self.keep.click, self.run.input], lambda: gr.Row(visible=False), None, self.asked, **QUIET)

    def _connect_form(self, form: Form) -> None:
        def duplicate(name: str) -> dict[Any, Any]:
            with errors_on_page():
                return form.fill(Run.named(name))

        def fine_tune(name: str) -> dict[Any, Any]:
            with errors_on_page():
                run = Run.named(name)
                if not run.generator_file.exists():
                    raise ValueError(f"{name} has saved no generator yet.")
                listed = next((each for each, path in generators().items() if path == run.generator_file), run.name)
                return form.fill(run, init_from=listed, steps=FINE_TUNE_STEPS)

        for button, fill in ((self.duplicate, duplicate), (self.fine_tune, fine_tune)):
            button.click(fill, self.run, form.filled, **QUIET).success(
                None, js=SCROLL_TO_FORM, api_visibility="private"
            )

    def _connect_files(self) -> None:
        def maker(write: Callable[[Run, Path], Any], ending: str) -> Callable[[str], str]:
            """Makes a file that is called as the run, with this ending, and returns its path."""

            def make(name: str) -> str:
                with errors_on_page():
                    run = Run.named(name)
                    file = new_file(f"{run.name}{ending}")
                    write(run, file)
                return str(file)

            return make

        files = {
            self.page: maker(lambda run, file: file.write_text(report(run), "utf-8"), ".html"),
            self.zip: maker(pack, ".zip"),
            self.samples: maker(pack_samples, "-samples.zip"),
        }

        def pin(name: str, picture: str) -> None:
            from pix2pix import images

            with errors_on_page():
                try:
                    Run.named(name).pin(images.read(picture))
                finally:
                    forget([picture])
            gr.Info(f"From the next preview of {name} on, the last column shows what becomes of it.")

        for button, make in files.items():
            button.click(make, self.run, self.file, api_visibility="private", show_progress_on=button).success(
                None, js=PRESS, api_visibility="private"
            )
        self.pin.upload(pin, [self.run, self.pin], None, **QUIET)


def pack(run: Run, file: Path) -> None:
    """All that there is of a run, in a zip with one folder. Weights and pictures would not get smaller: not packed."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as opened:
        for path in sorted(run.path.rglob("*")):
            hidden = path.name.startswith(".")  # files that are being replaced just now
            if path.is_file() and not hidden and path.name not in LEFT_BEHIND:
                opened.write(path, Path(run.name) / path.relative_to(run.path))
