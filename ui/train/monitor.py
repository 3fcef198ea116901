"""Watching a training in the Train tab: what a run directory holds, on the page.

It is a function of that directory, read by a timer and when the page loads: a refreshed page, a second browser and an
app that was restarted show the same. Nothing is sent that the page has already.
"""

import html
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import Context
from PIL import Image

from pix2pix.files.places import best, generators
from training import coach
from training.run import Run
from training.status import Status
from ui.train.actions import RunActions
from ui.train.curves import curves
from ui.train.form import Form
from ui.train.hardest import connect_hardest, hardest_pairs
from ui.train.previews import PAGE, grid_of_samples, script, stamp_of
from ui.words import duration, errors_on_page

Rows = list[dict[str, Any]]  # of metrics.jsonl
Seen = dict[str, Any]  # part of the page -> a stamp of what it shows

STATE_WORDS = {
    "queued": "Waits in the queue",
    "starting": "Starting …",
    "running": "Training",
    "stopping": "Stopping …",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
}
REFRESH_S = 2.0
LAST = 1_000_000  # a place in the row of previews: the newest, whichever that is
# From here go the next Tab, and a screen reader.
FOCUS_STATUS = """() => {
  const status = document.getElementById("train-status");
  status.tabIndex = -1;
  status.focus({ preventScroll: true });
}"""
NOTHING_YET = "No training yet. Give a folder of pictures and press Train, or try it with pictures drawn by code."


class RunMonitor:
    """What a run directory holds, on the page."""

    def __init__(self, jump: gr.Button) -> None:
        """`jump`, above the form, leads to a run that is alive (only then is it shown): on a phone it is far below."""
        self.jump = jump
        # After a restart of the app an open page asks for what this app has not offered it; so anything is accepted.
        self.run = gr.Dropdown([], label="Run", allow_custom_value=True, visible=False, elem_id="train-run")
        self.status = gr.HTML(f"<p class='quiet'>{NOTHING_YET}</p>", elem_classes="run", elem_id="train-status")
        with gr.Row(visible=False) as self.buttons:
            self.stop = gr.Button("Stop", visible=False, size="sm", elem_id="train-stop")
            self.resume = gr.Button("Resume", visible=False, size="sm", elem_id="train-resume")
            self.preview_now = gr.Button("Preview now", visible=False, size="sm", elem_id="train-preview-now")
            self.save_now = gr.Button("Save now", visible=False, size="sm", elem_id="train-save-now")
        gr.HTML(
            html_template=(PAGE / "wanted.html").read_text("utf-8"),
            js_on_load=script("kept", "wanted"),
            apply_default_css=False,
            elem_classes="run",
            elem_id="train-tell",
        )
        self.coach = gr.HTML(visible=False, elem_classes="run", elem_id="train-coach")
        with gr.Column(visible=False) as self.pictures:
            self.preview = gr.Image(
                show_label=False,
                interactive=False,
                format="jpeg",
                buttons=["download", "fullscreen"],
                alt_text="Rows of inputs, targets, and what the generator makes",
                elem_classes="preview",
                elem_id="train-preview",
            )
            self.caption = gr.HTML(elem_classes="run")
            self.position = gr.Slider(1, LAST, LAST, step=1, label="Look back", buttons=[], visible=False)
            grid_of_samples()
        curves()
        self.hardest = hardest_pairs()
        with gr.Accordion("Log", open=False, visible=False) as self.log_box:
            self.log = gr.Textbox(show_label=False, lines=12, max_lines=12, autoscroll=True, interactive=False)
        with gr.Column(visible=False) as self.controls:
            self.control = RunActions(self.run)
        self.seen = gr.State({})
        self.outputs = [
            self.jump, self.run, self.status, self.coach,
            self.buttons, self.stop, self.resume, self.preview_now, self.save_now,
            self.controls,
            self.pictures, self.preview, self.caption, self.position,
            self.log_box, self.log, self.seen,
        ]  # fmt: skip

    def connect(self, form: Form) -> None:
        inputs = [self.run, self.position, self.seen]
        assert Context.root_block is not None
        timer = gr.Timer(REFRESH_S)
        gr.on(
            [timer.tick, self.position.input, self.run.input],
            self.refresh,
            inputs,
            self.outputs,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="always_last",
            queue=False,  # the queue works out statistics of its last 10,000 events at each event
        )
        Context.root_block.load(
            self.show,
            None,
            self.outputs,
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=None,
        )
        self._connect_buttons(inputs)
        self.control.connect(form, self.show, self.outputs)
        connect_hardest(self.hardest, form)

    def show(self, name: str | None = None) -> dict[Any, Any]:
        """All that there is to see of a run, or of the one that matters most now."""
        return self._changes(name, LAST, {"run": ""})

    def _connect_buttons(self, inputs: list[Any]) -> None:
        def request_stop(name: str, position: int, seen: Seen) -> dict[Any, Any]:
            with errors_on_page():
                Run.named(name).request_stop()
            return self.refresh(name, position, seen)

        def stop(name: str) -> None:
            with errors_on_page():
                run = Run.named(name)
                if run.status().alive:
                    gr.Info(run.stop())

        def resume(name: str, position: int, seen: Seen) -> dict[Any, Any]:
            with errors_on_page():
                gr.Info(Run.named(name).submit())
            return self.refresh(name, position, seen)

        def preview_now(name: str) -> None:
            with errors_on_page():
                Run.named(name).ask("preview")
            gr.Info("The picture comes as soon as this step is done.")

        def save_now(name: str) -> None:
            with errors_on_page():
                Run.named(name).ask("save")
            gr.Info("It saves as soon as this step is done.")

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
        self.preview_now.click(preview_now, self.run, None, **quiet)
        self.save_now.click(save_now, self.run, None, **quiet)
        self.resume.click(resume, inputs, self.outputs, **quiet)
        # The first answers at once; the second waits for the end, and sees to it.
        self.stop.click(request_stop, inputs, self.outputs, **quiet).then(stop, self.run, None, **quiet)

        for button in (self.stop, self.resume):  # one takes the place of the other, and the focus would go with it
            button.click(None, js=FOCUS_STATUS, api_visibility="private")

    def refresh(self, name: str | None, position: int, seen: Seen) -> dict[Any, Any]:
        """What has changed since the page was sent what it has `seen`: nothing, most of the time."""
        return self._changes(name, position, seen) or gr.skip()

    def _changes(self, name: str | None, position: int, seen: Seen) -> dict[Any, Any]:
        runs, broken = Run.list(), Run.broken()
        if any(run.is_queued() for run in runs):
            with suppress(OSError):
                Run.start_next()  # a trainer does so at its end, unless it was killed
        names = [*(run.name for run in runs), *broken]
        if not names:
            return self._nothing(seen)
        run = next((run for run in runs if run.name == name), None)
        if run is None and name not in broken:
            run = _first_to_show(runs)
        shown = run.name if run else name if name in broken else next(iter(broken))
        before = seen if seen.get("run") == shown else {}
        now: Seen = {"run": shown, "runs": names}
        updates: dict[Any, Any] = {}
        if before.get("runs") != names:
            # An answer to what was asked before another run was chosen must not choose the old one again.
            choice: dict[str, Any] = {} if seen.get("run") and shown == name else {"value": shown}
            updates[self.run] = gr.Dropdown(names, visible=True, **choice)
            updates[self.controls] = gr.Column(visible=True)
        if run:
            updates |= self._show_status(run, before, now)
            updates |= self._show_preview(run, position, before, now)
            updates |= self._show_log(run, before, now)
        else:
            updates |= self._show_broken(broken[shown or ""], before, now)
        return updates | {self.seen: now} if updates else {}

    def _nothing(self, seen: Seen) -> dict[Any, Any]:
        """As the page begins; it may show a run that was the last one."""
        if not seen:
            return {}
        return self._hidden() | {
            self.run: gr.Dropdown([], value=None, visible=False),
            self.status: f"<p class='quiet'>{NOTHING_YET}</p>",
            self.controls: gr.Column(visible=False),
            self.seen: {},
        }

    def _show_broken(self, why: str, before: Seen, now: Seen) -> dict[Any, Any]:
        now["status"] = words = (
            "<div class='line' data-state='broken'><span class='state'>Broken</span></div>"
            f"<div class='problem' role='alert'>{html.escape(why)}</div>"
        )
        return {} if words == before.get("status") else self._hidden() | {self.status: words}

    def _hidden(self) -> dict[Any, Any]:
        """All that only a run has that can be read."""
        return {
            self.jump: gr.Button(visible=False),
            self.coach: gr.HTML(visible=False),
            self.buttons: gr.Row(visible=False),
            self.pictures: gr.Column(visible=False),
            self.log_box: gr.Accordion(visible=False),
        }

    def _show_status(self, run: Run, before: Seen, now: Seen) -> dict[Any, Any]:
        status = run.status()
        rows = rows_of(run)
        now["status"] = words = status_html(run, status, rows)
        now["coach"] = advice = coach.said(rows, finished=status.state == "finished")
        now["alive"] = status.alive, status.state
        updates: dict[Any, Any] = {} if words == before.get("status") else {self.status: words}
        if advice != before.get("coach", {}) or not before:
            items = "".join(f"<p data-rule='{rule}'>{html.escape(words)}</p>" for rule, words in advice.items())
            updates[self.coach] = gr.HTML(f"<div class='coach'>{items}</div>", visible=bool(advice))
        can_stop = status.alive or status.state == "queued"
        if updates:
            far = f"{run.name} is at step {status.step:,} of {status.total:,}: see it"
            updates[self.jump] = gr.Button(far if status.total else "See the training", visible=True)
        if now["alive"] != before.get("alive"):
            text = "Leave the queue" if status.state == "queued" else "Stop"
            updates[self.stop] = gr.Button(text, visible=can_stop, interactive=status.state != "stopping")
            updates[self.resume] = gr.Button(visible=status.state in ("stopped", "failed"))
            for button in (self.preview_now, self.save_now):
                updates[button] = gr.Button(visible=status.state == "running")
            updates[self.buttons] = gr.Row(visible=status.state != "finished")
        return updates

    def _show_preview(self, run: Run, position: int, before: Seen, now: Seen) -> dict[Any, Any]:
        previews = run.previews()
        now["previews"] = count = len(previews)
        if not previews:
            return {} if before else {self.pictures: gr.Column(visible=False)}
        following = position >= before.get("previews", 0)  # the slider is at its end: it stays there
        place = count if following else min(position, count)
        shown = previews[place - 1]
        now["preview"] = shown.name, stamp_of(shown)  # a resumed run may write one of the same name again
        updates: dict[Any, Any] = {}
        if now["preview"] != before.get("preview"):
            try:
                with Image.open(shown) as picture:
                    updates |= {self.preview: picture.convert("RGB"), self.caption: _caption(int(shown.stem))}
            except Exception:  # gone, since a resume has just rewound the run; or damaged, which may raise anything
                return {}
        if count != before.get("previews"):
            updates[self.pictures] = gr.Column(visible=True)
            updates[self.position] = gr.Slider(maximum=max(count, 2), value=place, visible=count > 1)
        return updates

    def _show_log(self, run: Run, before: Seen, now: Seen) -> dict[Any, Any]:
        now["log"] = stamp = stamp_of(run.log_file)
        if stamp == before.get("log"):
            return {}
        return {self.log: run.log(max_chars=8000), self.log_box: gr.Accordion(visible=stamp is not None)}


def facts(run: Run, status: Status, rows: Rows) -> list[str]:
    """How far it is, how fast, and on what."""
    last = rows[-1] if rows else {}
    found = [f"step {status.step:,} of {status.total:,}"] if status.total else []
    if status.state == "running":
        found += [f"{status.images_per_s:.3g} images/s"] if status.images_per_s else []
        found += [f"{duration(status.eta_s)} left"] if status.eta_s is not None else []
        found += [f"saved at step {status.saved_step:,}"] if status.saved_step is not None else []
    found += [status.device] if status.device else []
    if status.state == "running":
        found += [f"{status.memory_mb / 1000:.1f} GB of memory"] if status.memory_mb else []
        found += [f"learning rate {last['lr']:.2g}"] if "lr" in last else []
        found += [f"D is right {last['acc_D']:.0%}"] if last.get("acc_D") else []
    if status.alive and (when := run.stops_at()):
        found += [f"stops at {time.strftime('%H:%M', time.localtime(when))}"]
    return found


def status_html(run: Run, status: Status, rows: Rows) -> str:
    """The state of a run in a line, a bar, and what there is to know or to do. `rows`: its metrics."""
    started = status.total or status.state != "stopped"
    line = f"<span class='state'>{STATE_WORDS[status.state] if started else 'Not started'}</span>"
    line += "".join(f"<span>{html.escape(fact)}</span>" for fact in facts(run, status, rows))
    percent = 100 * status.step / status.total if status.total else 0
    about = f"data-state='{status.state}' data-run='{run.name}'"  # for the scripts of the tab
    parts = [
        f"<div class='line' {about}>{line}</div>",
        f"<div class='track'><div class='done' style='width: {percent:.1f}%'></div></div>",
    ]
    if status.state == "starting":
        parts.append("<p class='quiet'>PyTorch is loading, and the pictures are looked through.</p>")
    elif status.state == "queued":
        parts.append("<p class='quiet'>It begins when the run before it has ended.</p>")
    elif status.state == "stopping":
        parts.append("<p class='quiet'>It finishes its step and saves.</p>")
    elif run.generator_file.exists():
        listed = next((name for name, path in generators().items() if path == run.generator_file), run.name)
        kept = best(run.generator_file)
        by = "perceptual distance" if run.config.has_perceptual_terms else "L1"
        words = [f"Try it: the Draw tab has it as “{listed}”."]
        words += [f"What it was at its best by {by} on val, at step {kept[0]:,}, is there too."] if kept else []
        parts.append(f"<p class='quiet'>{html.escape(' '.join(words), quote=False)}</p>")
    if status.error:
        parts.append(f"<div class='problem' role='alert'>{html.escape(status.error)}</div>")
    return "".join(parts)


def rows_of(run: Run) -> Rows:
    """Its metrics."""
    return _rows(run.metrics_file, stamp_of(run.metrics_file))


@lru_cache(maxsize=8)
def _rows(metrics_file: Path, stamp: str | None) -> Rows:
    """Read once for all pages that show them."""
    return Run(metrics_file.parent).metrics()[0] if stamp else []


def _first_to_show(runs: list[Run]) -> Run | None:
    """The one that is being trained, else the newest."""
    return next((run for run in runs if run.status().alive), runs[0] if runs else None)


def _caption(step: int) -> str:
    return (
        f"<p class='quiet'>Step {step:,}. From top to bottom: input, target, and what the generator makes. "
        "The columns on the left are trained on; those on the right it has never learned from; a pinned drawing comes "
        "last.</p>"
    )
