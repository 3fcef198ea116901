"""The Train tab: from a folder of pictures to a generator of one's own, and how it is getting on.

Training happens in a process of its own (training.run). What the tab shows of it is a function of the run directory,
read by a timer and when the page loads: a refreshed page, a second browser and an app that was restarted show the same.
"""

import html
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import gradio as gr
import pandas as pd
from gradio.context import Context
from gradio.events import api
from PIL import Image

from pix2pix.places import generators, runs_dir
from training.config import Direction, TrainConfig
from training.run import Run, RunBusy, Status
from ui.intake import look_at, receive, unused_name
from ui.studio import Studio

Preset = Literal["quick", "paper", "custom"]
Seen = dict[str, Any]  # part of the page -> a stamp of what it shows

PRESETS: dict[Preset, dict[str, Any]] = {
    "quick": {"crop_size": 128, "load_size": 143, "ngf": 32, "ndf": 32, "steps": 2000,
              "log_every": 20, "preview_every": 100, "save_every": 200},
    "paper": {},
    "custom": {},
}  # fmt: skip
PRESET_CHOICES = [
    ("Quick: 128 px, 2,000 steps, a first impression", "quick"),
    ("Paper: 256 px, 200 times through the pictures", "paper"),
    ("Custom: choose everything", "custom"),
]
INPUT_KINDS: dict[str, dict[str, str]] = {
    "Any picture": {"kind": "image"},
    "Line drawings": {"kind": "edges"},
    "Photos": {"kind": "photo"},
    "Facade labels, in the 12 CMP colours": {"kind": "labels", "palette": "cmp"},
}
STATE_WORDS = {
    "starting": "Starting …",
    "running": "Training",
    "stopping": "Stopping …",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
}
CURVES = {"adversarial": ["loss_D", "loss_G"], "distance": ["loss_L1", "val_L1"]}
COLOURS = {"loss_D": "#e8793a", "loss_G": "#3b7dd8", "loss_L1": "#3b7dd8", "val_L1": "#2a9d6f"}
MAX_POINTS = 500  # of a curve
REFRESH_S = 2.0
LAST = 1_000_000  # a place in the row of previews: the newest, whichever that is
SWITCHED_OFF = (
    "Training is switched off here, because this page is open to the public. "
    "Run the app on your own machine to train on your own pictures."
)
NOTHING_YET = "No training yet. Give a folder of pictures and press Train."

SCROLL_TO_RUN = "() => document.getElementById('train-run')?.scrollIntoView({behavior: 'smooth'})"
STYLE = """
.run p, .found p { margin: 0 0 .4em; }
.run .line { display: flex; flex-wrap: wrap; gap: .2em 1.2em; align-items: baseline; }
.run .state { font-weight: 600; font-size: 1.15em; }
.run .quiet, .found p { opacity: .75; }
.run .track { height: 6px; margin: .6em 0; border-radius: 3px; background: var(--border-color-primary); }
.run .done { height: 100%; border-radius: 3px; background: var(--color-accent); transition: width .5s; }
.run .problem { margin: .6em 0 0; padding: .6em .8em; border-left: 3px solid var(--error-border-color, #dc2626);
                background: var(--error-background-fill); border-radius: 3px; }
.found .pairs { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; margin-bottom: .8em; }
.found img { width: 100%; border-radius: 4px; border: 1px solid var(--border-color-primary); }
.preview button:has(img), .preview .image-frame, .preview img { width: 100%; height: auto; }
.preview img { object-fit: contain !important; }
"""


def build(studio: Studio) -> None:
    """Fills the tab. Call it inside the tab's `with`."""
    if studio.public or os.environ.get("SPACE_ID"):
        gr.Markdown(SWITCHED_OFF)  # visitors must not name paths, fill the disk or use up the machine
        return
    gr.HTML(f"<style>{STYLE}</style>", visible="hidden")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            form = Form()
        with gr.Column(scale=3, min_width=320):
            watch = Watch()
    form.connect(watch)
    watch.connect()
    _endpoints()


# --- what programs and the buttons call

_starting = threading.Lock()


def start(dataset: str, name: str, preset: Preset = "quick", direction: Direction = "AtoB", **settings: Any) -> Run:
    """Creates a run and starts it. Raises ValueError, RunBusy or OSError, in words.

    One run at a time: two would each be half as fast, and a second click must not start a second run.
    """
    folder = Path(dataset.strip()).expanduser() if dataset.strip() else None
    if folder is None or not folder.is_dir():
        raise ValueError(f"There is no folder {folder}." if folder else "Give a folder of pictures to train on.")
    if preset not in get_args(Preset) or direction not in get_args(Direction):
        raise ValueError(f"preset {preset!r} or direction {direction!r} is not one of {get_args(Preset)}, "
                         f"{get_args(Direction)}")  # fmt: skip
    folder = folder.resolve()
    name = name.strip() or unused_name(folder.name, runs_dir())
    config = TrainConfig(name=name, dataset=str(folder), direction=direction, **(PRESETS[preset] | settings))
    with _one_at_a_time():
        run = Run.create(config)
        run.start()
    return run


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with _starting:
        if busy := next((run for run in Run.list() if run.status().alive), None):
            raise RunBusy(f"{busy.name} is being trained. Stop it first: two at once would be half as fast each.")
        yield


def _endpoints() -> None:
    def train_start(dataset: str, name: str, preset: str, direction: str) -> str:
        """Starts training on a folder of this machine. preset: quick or paper; direction: AtoB or BtoA."""
        with _in_words():
            look_at(dataset, "AtoB")
            return start(dataset, name, preset, direction).name  # pyright: ignore[reportArgumentType]

    def train_status(name: str) -> dict:
        """How a run is doing: state, step, total, images_per_s, eta_s, device, error."""
        with _in_words():
            status = Run.named(name).status()
        keys = ("state", "step", "total", "images_per_s", "eta_s", "device", "error")
        return {key: getattr(status, key) for key in keys}

    def train_stop(name: str) -> str:
        """Stops a run, and says what that took. It can be resumed."""
        with _in_words():
            return Run.named(name).stop()

    api(train_start, api_name="train_start")
    api(train_status, api_name="train_status", concurrency_limit=None)
    api(train_stop, api_name="train_stop", concurrency_limit=None)


@contextmanager
def _in_words() -> Iterator[None]:
    """Shows what went wrong on the page, as it was put."""
    try:
        yield
    except (RunBusy, ValueError, OSError) as error:
        raise gr.Error(str(error), print_exception=False) from error


# --- the form


class Form:
    """What to train on, which way, and how long."""

    def __init__(self) -> None:
        self.folder = gr.Textbox(
            label="Folder of pictures",
            info="Pairs side by side, folders A and B, or only photos (their edges are made for you).",
            placeholder="/path/to/pictures",
            max_lines=1,
            elem_id="train-folder",
        )
        self.upload = gr.UploadButton(
            "… or upload a zip, or pictures",
            file_count="multiple",
            file_types=[".zip", "image"],
            size="sm",
        )
        self.found = gr.HTML(elem_classes="found", visible=False, elem_id="train-found")
        with gr.Group(visible=False) as self.which_way:
            self.direction = gr.Radio(
                [("A to B (left to right)", "AtoB"), ("B to A (right to left)", "BtoA")],
                value="AtoB",
                label="Direction",
                elem_id="train-direction",
            )
            self.input_kind = gr.Dropdown(
                list(INPUT_KINDS),
                value="Any picture",
                label="The input is",
                info="Decides the tools that the Draw tab offers for it.",
            )
        self.preset = gr.Radio(PRESET_CHOICES, value="quick", label="How long")
        with gr.Accordion("Settings", visible=False, elem_id="train-settings") as self.accordion:
            self.settings = _settings()
        self.name = gr.Textbox(
            label="Name",
            placeholder="as the folder",
            max_lines=1,
            elem_id="train-name",
        )
        self.train = gr.Button("Train", variant="primary", elem_id="train-start")
        self.looked = gr.State(("", ""))  # folder and direction that the samples show

    def connect(self, watch: "Watch") -> None:
        outputs = [self.folder, self.found, self.which_way, self.name, self.looked]
        gr.on(
            [self.folder.submit, self.folder.blur, self.direction.input],
            self._look,
            [self.folder, self.direction, self.looked],
            outputs,
            api_visibility="private",
            show_progress_on=self.found,
            trigger_mode="always_last",  # a click on a direction also leaves the field: neither may be dropped
        )
        self.upload.upload(self._receive, [self.upload, self.direction], outputs, api_visibility="private")
        self.preset.input(
            self._choose,
            self.preset,
            [self.accordion, *self.settings.values()],
            api_visibility="private",
            show_progress="hidden",
        )
        self.train.click(
            self._start(watch),
            [
                self.folder,
                self.looked,
                self.name,
                self.preset,
                self.direction,
                self.input_kind,
                *self.settings.values(),
            ],
            watch.outputs,
            api_visibility="private",
            show_progress="hidden",
        ).success(None, js=SCROLL_TO_RUN, api_visibility="private")  # on a phone it is far below the form

    def _look(self, folder: str, direction: Direction, looked: tuple[str, str]):
        folder = folder.strip()
        if not folder or (folder, direction) == looked:
            return gr.skip()
        return self._show(folder, direction, new=folder != looked[0])

    def _show(self, folder: str, direction: Direction, new: bool):
        try:
            sentence, samples = look_at(folder, direction)
        except ValueError as error:
            problem = f"<p role='alert'>{html.escape(str(error))}</p>"
            return folder, gr.HTML(problem, visible=True), gr.Group(visible=False), gr.skip(), ("", "")
        name = unused_name(Path(folder).resolve().name, runs_dir()) if new else gr.skip()
        shown = gr.HTML(f"<p>{html.escape(sentence)}</p>{samples}", visible=True)
        return folder, shown, gr.Group(visible=True), name, (folder, direction)

    def _receive(self, uploads: list[str], direction: Direction):
        with _in_words():
            return self._show(str(receive(uploads)), direction, new=True)

    def _choose(self, preset: Preset) -> list[Any]:
        """Custom begins with the values of the preset that was chosen before it."""
        if preset == "custom":
            return [gr.Accordion(visible=True, open=True), *(gr.skip() for _ in self.settings)]
        values = _default_values(preset)
        return [gr.Accordion(visible=False), *(values[name] for name in self.settings)]

    def _start(self, watch: "Watch") -> Callable[..., dict[Any, Any]]:
        def start_and_show(
            folder: str,
            looked: tuple[str, str],
            name: str,
            preset: Preset,
            direction: Direction,
            input_kind: str,
            *settings: Any,
        ) -> dict[Any, Any]:
            chosen = dict(zip(self.settings, settings, strict=True)) if preset == "custom" else {}
            with _in_words():
                if folder.strip() and folder.strip() != looked[0]:
                    look_at(folder.strip(), direction)  # finds out now what would only fail later
                run = start(folder, name, preset, direction, **_side(input_kind, direction), **_typed(chosen))
            return watch.refresh(run.name, LAST, {})

        return start_and_show


def _side(input_kind: str, direction: Direction) -> dict[str, str]:
    """The settings a or b, and palette."""
    about = dict(INPUT_KINDS[input_kind])
    return {("a" if direction == "AtoB" else "b"): about.pop("kind"), **about}


def _settings() -> dict[str, Any]:
    """Fields for the settings that people change, by their name in TrainConfig, with the values of the first preset."""
    values = _default_values("quick")

    def number(name: str, label: str, precision: int | None = 0) -> gr.Number:
        return gr.Number(values[name], label=label, precision=precision, min_width=120)

    with gr.Row():
        fields: dict[str, Any] = {
            "crop_size": gr.Dropdown(
                [32, 64, 128, 256, 512, 1024], value=values["crop_size"], label="Crop size (px)", min_width=120
            ),
            "load_size": number("load_size", "Load size (px)"),
            "steps": number("steps", "Steps (0: by epochs)"),
            "epochs": number("epochs", "Epochs"),
            "batch_size": number("batch_size", "Batch size"),
            "ngf": number("ngf", "G width (ngf)"),
            "ndf": number("ndf", "D width (ndf)"),
            "lr": number("lr", "Learning rate", None),
            "decay_steps": number("decay_steps", "Decay over last steps"),
            "lambda_l1": number("lambda_l1", "Weight of L1", None),
            "seed": number("seed", "Seed"),
            "log_every": number("log_every", "Log every (steps)"),
            "preview_every": number("preview_every", "Preview every (steps)"),
            "save_every": number("save_every", "Save every (steps)"),
            "num_processes": number("num_processes", "Processes (GPUs)"),
            "device": gr.Dropdown(
                ["auto", "cpu", "mps", "cuda"],
                value=values["device"],
                label="Device",
                allow_custom_value=True,
                min_width=120,
            ),
        }
    fields["flip"] = gr.Checkbox(values["flip"], label="Mirror half of the pairs")
    return fields


def _default_values(preset: Preset) -> dict[str, Any]:
    config = TrainConfig(name="any", dataset="any", **PRESETS[preset])
    return {name: getattr(config, name) for name in TrainConfig.__dataclass_fields__}


def _typed(settings: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError for a field that was left empty."""
    for name, value in settings.items():
        if value is None:
            raise ValueError(f"{name} is empty")
    return settings


# --- watching a run


class Watch:
    """What a run directory holds, on the page."""

    def __init__(self) -> None:
        # After a restart of the app an open page asks for what this app has not offered it; so anything is accepted.
        self.run = gr.Dropdown([], label="Run", allow_custom_value=True, visible=False, elem_id="train-run")
        self.status = gr.HTML(f"<p class='quiet'>{NOTHING_YET}</p>", elem_classes="run", elem_id="train-status")
        with gr.Row(visible=False) as self.buttons:
            self.stop = gr.Button("Stop", visible=False, size="sm", elem_id="train-stop")
            self.resume = gr.Button("Resume", visible=False, size="sm", elem_id="train-resume")
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
        with gr.Row(visible=False) as self.plots:
            self.curves = {part: _plot(part) for part in CURVES}
        with gr.Accordion("Log", open=False, visible=False) as self.log_box:
            self.log = gr.Textbox(show_label=False, lines=12, max_lines=12, autoscroll=True, interactive=False)
        self.seen = gr.State({})
        self.outputs = [
            self.run, self.status, self.buttons, self.stop, self.resume,
            self.pictures, self.preview, self.caption, self.position,
            self.plots, *self.curves.values(), self.log_box, self.log, self.seen,
        ]  # fmt: skip

    def connect(self) -> None:
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
            lambda: self.refresh(None, LAST, {}),
            None,
            self.outputs,
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=None,
        )
        self._connect_buttons(inputs)

    def _connect_buttons(self, inputs: list[Any]) -> None:
        def request_stop(name: str, position: int, seen: Seen) -> dict[Any, Any]:
            with _in_words():
                Run.named(name).request_stop()
            return self.refresh(name, position, seen)

        def stop(name: str) -> None:
            with _in_words():
                gr.Info(Run.named(name).stop())

        def resume(name: str, position: int, seen: Seen) -> dict[Any, Any]:
            with _in_words(), _one_at_a_time():
                gr.Info(Run.named(name).resume())
            return self.refresh(name, position, seen)

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
        self.resume.click(resume, inputs, self.outputs, **quiet)
        # The first answers at once; the second waits for the end, and sees to it.
        self.stop.click(request_stop, inputs, self.outputs, **quiet).then(stop, self.run, None, **quiet)

    def refresh(self, name: str | None, position: int, seen: Seen) -> dict[Any, Any]:
        """What has changed since the page was sent what it has `seen`: nothing, most of the time."""
        runs = Run.list()
        run = next((run for run in runs if run.name == name), None) or _first_to_show(runs)
        if run is None:
            return gr.skip()
        names = [run.name for run in runs]
        before = seen if seen.get("run") == run.name else {}
        now: Seen = {"run": run.name, "runs": names}
        updates: dict[Any, Any] = {}
        if before.get("runs") != names:
            updates[self.run] = gr.Dropdown(names, value=run.name, visible=True)
        for show in (self._show_status, self._show_preview, self._show_curves, self._show_log):
            updates |= show(run, position, before, now)
        return updates | {self.seen: now} if updates else gr.skip()

    def _show_status(self, run: Run, _: int, before: Seen, now: Seen) -> dict[Any, Any]:
        status = run.status()
        now["status"] = words = status_html(run, status)
        now["alive"] = status.alive, status.state
        updates: dict[Any, Any] = {} if words == before.get("status") else {self.status: words}
        if now["alive"] != before.get("alive"):
            updates[self.stop] = gr.Button(visible=status.alive, interactive=status.state != "stopping")
            updates[self.resume] = gr.Button(visible=status.state in ("stopped", "failed"))
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
        now["preview"] = shown.name, _stamp(shown)  # a resumed run may write one of the same name again
        updates: dict[Any, Any] = {}
        if now["preview"] != before.get("preview"):
            try:
                updates |= {self.preview: Image.open(shown).convert("RGB"), self.caption: _caption(int(shown.stem))}
            except OSError:  # gone, since a resume has just rewound the run
                return {}
        if count != before.get("previews"):
            updates[self.pictures] = gr.Column(visible=True)
            updates[self.position] = gr.Slider(maximum=max(count, 2), value=place, visible=count > 1)
        return updates

    def _show_curves(self, run: Run, _: int, before: Seen, now: Seen) -> dict[Any, Any]:
        now["metrics"] = stamp = _stamp(run.metrics_file)
        if stamp == before.get("metrics"):
            return {}
        rows, _ = run.metrics()
        updates: dict[Any, Any] = {self.curves[part]: curve(rows, names) for part, names in CURVES.items()}
        return updates | {self.plots: gr.Row(visible=len(rows) > 1)}

    def _show_log(self, run: Run, _: int, before: Seen, now: Seen) -> dict[Any, Any]:
        now["log"] = stamp = _stamp(run.log_file)
        if stamp == before.get("log"):
            return {}
        return {self.log: run.log(max_chars=8000), self.log_box: gr.Accordion(visible=stamp is not None)}


def status_html(run: Run, status: Status) -> str:
    """The state of a run in a line, a bar, and what there is to know or to do."""
    started = status.total or status.state != "stopped"
    facts = [f"step {status.step:,} of {status.total:,}"] if status.total else []
    if status.state == "running":
        facts += [f"{status.images_per_s:.3g} images/s"] if status.images_per_s else []
        facts += [f"{duration(status.eta_s)} left"] if status.eta_s is not None else []
    facts += [status.device] if status.device else []
    line = f"<span class='state'>{STATE_WORDS[status.state] if started else 'Not started'}</span>"
    line += "".join(f"<span>{html.escape(fact)}</span>" for fact in facts)
    percent = 100 * status.step / status.total if status.total else 0
    parts = [
        f"<div class='line' data-state='{status.state}'>{line}</div>",
        f"<div class='track'><div class='done' style='width: {percent:.1f}%'></div></div>",
    ]
    if status.state == "starting":
        parts.append("<p class='quiet'>PyTorch is loading, and the pictures are looked through.</p>")
    elif status.state == "stopping":
        parts.append("<p class='quiet'>It finishes its step and saves.</p>")
    elif run.generator_file.exists():
        listed = next((name for name, path in generators().items() if path == run.generator_file), run.name)
        parts.append(f"<p class='quiet'>Try it: the Draw tab has it as “{html.escape(listed)}”.</p>")
    if status.error:
        parts.append(f"<div class='problem' role='alert'>{html.escape(status.error)}</div>")
    return "".join(parts)


def duration(seconds: float) -> str:
    """Rounded as a person would say it."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if minutes < 90:
        return f"{minutes} min"
    return f"{hours} h" if hours < 48 else f"{hours / 24:.0f} days"


def curve(rows: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    """Points to plot: step, value and loss. Of many rows, the averages of MAX_POINTS stretches."""
    points = []
    for name in names:
        series = [(row["step"], row[name]) for row in rows if name in row]
        if rows and not series:
            points.append((rows[0]["step"], None, name))  # or its colour would be missing once it comes
        length = -(-len(series) // MAX_POINTS) or 1
        for first in range(0, len(series), length):
            stretch = series[first : first + length]
            points.append((stretch[-1][0], sum(value for _, value in stretch) / len(stretch), name))
    return pd.DataFrame(points, columns=["step", "value", "loss"])  # pyright: ignore[reportArgumentType]


def _first_to_show(runs: list[Run]) -> Run | None:
    """The one that is being trained, else the newest."""
    return next((run for run in runs if run.status().alive), runs[0] if runs else None)


def _plot(part: str) -> gr.LinePlot:
    titles = {"adversarial": "Generator against discriminator", "distance": "Distance from the target (L1)"}
    return gr.LinePlot(
        x="step",
        y="value",
        color="loss",
        title=titles[part],
        color_map={name: COLOURS[name] for name in CURVES[part]},
        x_title="step",
        y_title=" ",
        color_title=" ",
        height=220,
        min_width=260,
        show_label=False,
        buttons=[],
    )


def _caption(step: int) -> str:
    return (
        f"<p class='quiet'>Step {step:,}. From top to bottom: input, target, and what the generator makes. "
        "The columns on the left are trained on; those on the right it has never learned from.</p>"
    )


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        about = file.stat()
        return about.st_mtime_ns, about.st_size
    except FileNotFoundError:
        return None
