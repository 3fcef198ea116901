"""The Train tab: from a folder of pictures to a generator of one's own, and how it is getting on.

Training happens in a process of its own (training.run); `train_form` starts it, `train_watch` shows it, and
`train_control` has what else can be done with a run. The endpoints here are for programs.
"""

import os

import gradio as gr
from gradio.events import api

from training.run import Run
from ui.studio import Studio
from ui.train.compare import side_by_side
from ui.train.form import Form
from ui.train.monitor import FOCUS_STATUS, RunMonitor
from ui.train.starting import start
from ui.words import errors_on_page, text

SWITCHED_OFF = (
    "Training is switched off here, because this page is open to the public. "
    "Run the app on your own machine to train on your own pictures."
)
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
.run .coach { margin: .2em 0; padding: .6em .8em; border-left: 3px solid var(--color-accent); border-radius: 3px;
              background: var(--background-fill-secondary); }
.run .coach p:last-child { margin: 0; }
.run input[type=checkbox] { appearance: auto; accent-color: var(--color-accent); margin-right: .4em; }
.found ul { margin: 0 0 .4em; padding-left: 1.2em; list-style: disc; }
.found summary { display: inline; padding-block: 0.25rem; cursor: pointer; text-decoration: underline; }
.found details { display: inline; }
.found details ul { max-height: 12em; overflow: auto; opacity: .75; }
.found .pairs { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; margin-bottom: .8em; }
.found figure { margin: 0 2px 0 0; }
.found figure:nth-child(even) { margin: 0 0 0 -2px; }
.found figcaption { text-align: center; opacity: .6; font-size: .85em; }
.found img { width: 100%; border-radius: 4px; border: 1px solid var(--border-color-primary); }
.preview button:has(img), .preview .image-frame, .preview img { width: 100%; height: auto; }
.preview img { object-fit: contain !important; }
#train-file { display: none !important; }
@media (min-width: 768px) { #train-jump { display: none; } }  /* the run stands beside the form */
/* Only while the status says that it goes on: so the two cannot differ. */
body:not(:has(#train-status :is([data-state=queued], [data-state=starting], [data-state=running],
                                [data-state=stopping]))) #train-jump { display: none; }
"""


def is_offered(studio: Studio) -> bool:
    """Whether one may train here."""
    return not (studio.public or os.environ.get("SPACE_ID"))


def build(studio: Studio) -> Form | None:
    """Fills the tab, and returns its form, if it has one. Call it inside the tab's `with`."""
    if not is_offered(studio):
        gr.Markdown(SWITCHED_OFF)  # visitors must not name paths, fill the disk or use up the machine
        return None
    gr.HTML(f"<style>{STYLE}</style>", visible="hidden")
    jump = gr.Button("See the training", visible=False, size="sm", elem_id="train-jump")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            form = Form()
        with gr.Column(scale=3, min_width=320):
            watch = RunMonitor(jump)
    side_by_side()
    form.connect(watch.show, watch.outputs, SCROLL_TO_RUN)  # on a phone it is far below the form
    watch.connect(form)
    jump.click(None, js=FOCUS_STATUS, api_visibility="private")
    jump.click(None, js=SCROLL_TO_RUN, api_visibility="private")
    _endpoints()
    return form


def _endpoints() -> None:
    def train_start(
        dataset: str, name: str, preset: str, direction: str, layout: str = "auto", folders: str = ""
    ) -> str:
        """Starts training on a folder of this machine. preset: quick or paper; direction: AtoB or BtoA.

        For a folder that can be read in several ways, layout: one of those of `python -m training --help`; folders: the
        names of those that are A and B, with a comma between.
        """
        with errors_on_page():
            names = tuple(filter(None, (each.strip() for each in text(folders).split(","))))
            how = {"layout": text(layout), "folders": names}
            return start(text(dataset), name, preset, direction, **how)[0].name  # pyright: ignore[reportArgumentType]

    def train_status(name: str) -> dict:
        """How a run is doing: state, step, total, images_per_s, eta_s, device, error."""
        with errors_on_page():
            status = Run.named(name).status()
        keys = ("state", "step", "total", "images_per_s", "eta_s", "device", "error")
        return {key: getattr(status, key) for key in keys}

    def train_stop(name: str) -> str:
        """Stops a run, and says what that took. It can be resumed."""
        with errors_on_page():
            return Run.named(name).stop()

    api(train_start, api_name="train_start")
    api(train_status, api_name="train_status", concurrency_limit=None)
    api(train_stop, api_name="train_stop", concurrency_limit=None)
