"""The Models tab: what is here, and how a model comes in, goes out, and goes away."""

import html
import io
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image
from tqdm import tqdm

from pix2pix.data.folders import unused_name
from pix2pix.files.places import GENERATOR_FILE, generators, runs_dir
from training.run import Run
from ui.blocks import optional_number
from ui.requests import data_url
from ui.scheduler import Superseded
from ui.studio import Studio, find, metadata
from ui.train.form import Form
from ui.train.light import fill_light
from ui.uploads import by_path, forget, new_file
from ui.words import errors_on_page

THUMBNAIL = 192  # pixels high
FORMATS = {
    "One web page, which draws with no network": ".html",
    "ONNX": ".onnx",
    "torch.export program": ".pt2",
    "The weights alone, in fp16": ".safetensors",
}
KINDS = {"Any picture": "image", "Line drawings": "edges", "Photos": "photo", "Facade labels (CMP)": "labels"}
SIDES = [("left to right (A to B)", "AtoB"), ("right to left (B to A)", "BtoA")]
STATISTICS = [("of the picture at hand, as its project tests", "picture"), ("averages of its training", "running")]
WEIGHTS = [".pth", ".pt", ".bin", ".safetensors"]
SHOW_TRAIN = """() => {
    document.getElementById("train-tab-button")?.click();
    scrollTo(0, 0); // where its form is, which may not be on the page yet
}"""
PROGRESS = gr.Progress()
SWITCHED_OFF = (
    "Import, export and the like are switched off here, because this page is open to the public. "
    "Run the app on your own machine to use them."
)
STYLE = """
.models { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1rem; }
.models article { border: 1px solid var(--border-color-primary); border-radius: 12px; overflow: hidden;
                  background: var(--block-background-fill); }
.models .pair { display: grid; grid-template-columns: 1fr 1fr; aspect-ratio: 2; background: #fff; }
.models .pair img { width: 100%; height: 100%; object-fit: cover; }
.models .pair img.preview { grid-column: 1 / -1; object-position: top; }
.models .pair span { grid-column: 1 / -1; place-self: center; color: #64748b; }
.models .words { padding: .7rem .9rem .8rem; }
.models h3 { margin: 0 0 .1rem; font-size: 1.05rem; overflow-wrap: anywhere; }
.models p { margin: 0; overflow-wrap: anywhere; }
.models .quiet { opacity: .72; font-size: .85rem; }
"""


def build(studio: Studio, tab: gr.Tab, form: Form | None) -> None:
    """Fills the tab. Call it inside the tab's `with`; `form` is that of the Train tab."""
    gr.HTML(f"<style>{STYLE}</style>", visible="hidden")
    listed = gr.HTML(elem_id="models-list", padding=False)

    def look() -> Iterator[str]:
        yield from cards(studio)

    show: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
    if studio.public or not form:
        gr.Markdown(SWITCHED_OFF)
        tab.select(look, None, listed, **show)
        return
    with gr.Row():
        with gr.Column(min_width=320):
            chosen, said, deleted = _build_out(form)
        with gr.Column(min_width=320):
            imported = _build_in(chosen, said)
    tab.select(lambda: gr.Dropdown(list(generators())), None, chosen, **show)
    for happens in (tab.select, imported.success, deleted.success):
        happens(look, None, listed, **show)


def _build_out(form: Form) -> tuple[gr.Dropdown, gr.Markdown, Any]:
    gr.Markdown("### Take a model elsewhere")
    chosen = gr.Dropdown(list(generators()), label="Model", allow_custom_value=True, elem_id="models-chosen")
    said = gr.Markdown(elem_id="models-said")
    with gr.Row(equal_height=False):
        kind = gr.Dropdown(
            list(FORMATS.items()), value=".html", label="As a file", scale=3, min_width=220, elem_id="models-format"
        )
        make = gr.Button("Export", scale=1, min_width=100, elem_id="models-export")
    file = gr.File(label="Exported", visible=False, interactive=False, elem_id="models-file")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=220), gr.Group():
            repository = gr.Textbox(
                label="To the Hugging Face Hub", placeholder="owner/name", elem_id="models-repository"
            )
            private = gr.Checkbox(label="Private: only you can see it")
        push = gr.Button("Push", scale=1, min_width=100, elem_id="models-push")
    light = gr.Button("Make it light: a narrower one that draws much faster …", size="sm", elem_id="models-light")
    remove = gr.Button("Delete …", variant="stop", size="sm", elem_id="models-delete")
    with gr.Group(visible=False) as sure:
        warning = gr.Markdown(elem_id="models-warning")
        with gr.Row():
            keep = gr.Button("Keep it", size="sm")
            really = gr.Button("Delete it for good", variant="stop", size="sm", elem_id="models-really")

    def make_light(name: str | None) -> dict[Any, Any]:
        with errors_on_page():
            updates = fill_light(form, _chosen(name))
        gr.Info(f"The form is filled. Give a folder of what {name} translates, and press Train.")
        return updates

    private_event: dict[str, Any] = {"api_visibility": "private"}
    light.click(make_light, chosen, form.filled, show_progress="hidden", **private_event).success(
        None, js=SHOW_TRAIN, **private_event
    )
    make.click(export_file, [chosen, kind], [file, said], show_progress_on=file, **private_event)
    push.click(push_model, [chosen, repository, private], said, **private_event)
    remove.click(lambda name: (gr.Group(visible=True), warn(name)), chosen, [sure, warning], **private_event)
    keep.click(lambda: gr.Group(visible=False), None, sure, **private_event)
    deleted = really.click(delete_model, chosen, [chosen, said, sure], show_progress_on=said, **private_event)
    return chosen, said, deleted


def _build_in(chosen: gr.Dropdown, said: gr.Markdown) -> Any:
    gr.Markdown(
        "### Bring a model here\nWeights may be a `.safetensors` of this app, `*_net_G.pth` of "
        "pytorch-CycleGAN-and-pix2pix, or `GeneratorUNet` of PyTorch-GAN."
    )
    file = by_path(gr.File(label="A file of weights", file_types=WEIGHTS, height=175, elem_id="models-weights"))
    place = gr.Textbox(
        label="Or from the Hugging Face Hub", placeholder="owner/name or owner/name@revision", elem_id="models-hub"
    )
    name = gr.Textbox(label="Name", placeholder="made from the file's if empty", elem_id="models-name")
    with gr.Accordion("What weights of other projects do not tell", open=False):
        with gr.Row():
            a = gr.Dropdown(list(KINDS.items()), value="image", label="A (left half) shows", min_width=140)
            b = gr.Dropdown(list(KINDS.items()), value="image", label="B (right half) shows", min_width=140)
        direction = gr.Radio(SIDES, value="AtoB", label="It translates")
        with gr.Row():
            line_width = gr.Number(1.0, label="Line width of drawings (px)", minimum=0.5, maximum=100, min_width=140)
            image_size = optional_number(
                label="Image size (px, empty: as usual)", precision=0, minimum=32, maximum=2048, min_width=140
            )
            dropout = optional_number(label="Dropout (empty: as usual)", minimum=0, maximum=0.9, min_width=140)
        statistics = gr.Radio(STATISTICS, value="picture", label="Batch norm takes statistics")
        with gr.Row():
            dataset = gr.Textbox(label="Data it learned from", min_width=140)
            licence = gr.Textbox("unknown", label="Licence", min_width=140)
    begin = gr.Button("Import", variant="primary", elem_id="models-import")
    about = {"a": a, "b": b, "direction": direction, "line_width": line_width, "image_size": image_size,
             "dropout": dropout, "statistics": statistics, "dataset": dataset, "licence": licence}  # fmt: skip

    def bring(path: str | None, hub: str, wish: str, *values: Any, progress: gr.Progress = PROGRESS):
        return *import_model(path, hub, wish, dict(zip(about, values, strict=True)), progress), gr.File(None)

    # What went wrong lies on what is said alone: it would hide the choice, and where another file can be dropped.
    shown: dict[str, Any] = {"api_visibility": "private", "show_progress_on": said}
    imported = begin.click(bring, [file, place, name, *about.values()], [chosen, said, file], **shown)
    imported.failure(lambda path: path if path and Path(path).exists() else None, file, file, **shown)
    return imported


# --- what is here


def cards(studio: Studio) -> Iterator[str]:
    """The list as HTML: at once, and then again with each further picture."""
    pictures: dict[Path, str] = {}
    found = list(generators().items())
    yield _list(found, pictures, studio)
    for _, path in found:
        try:
            # A turn like a drawing's: others who draw do not wait for all of them.
            stamp = path.stat().st_mtime_ns
            pictures[path] = studio.scheduler.run(f"models {path}", lambda: thumbnails(path, stamp))  # noqa: B023
        except (OSError, ValueError, Superseded):
            continue  # the list says what is wrong with it
        yield _list(found, pictures, studio)


@lru_cache(maxsize=256)
def thumbnails(path: Path, stamp: int) -> str:
    """A sample drawing and what the generator makes of it, as two `img`; again when the file was replaced."""
    from pix2pix.images import read
    from pix2pix.inference import Translator
    from pix2pix.page.page import fitting
    from pix2pix.samples import draw

    translator = Translator.load(path)
    fit = fitting(translator.metadata) if translator.metadata.source.kind != "photo" else []
    if not fit:
        previews = sorted(path.parent.glob("previews/*.jpg")) if path.name == GENERATOR_FILE else []
        if not previews:
            return "<span>no sample drawing fits it</span>"
        return f"<img class='preview' alt='Its newest preview in training' src='{_data_url(read(previews[-1]))}'>"
    drawing = draw(fit[len(fit) // 2], translator.metadata)
    return "".join(
        f"<img alt='{alt}' src='{_data_url(picture)}'>"
        for alt, picture in (("A sample drawing", drawing), ("What it makes of it", translator(drawing)))
    )


def _data_url(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.thumbnail((2 * THUMBNAIL, THUMBNAIL))
    picture.save(file, "JPEG", quality=88)
    return data_url(file.getvalue(), "jpeg")


def _list(found: list[tuple[str, Path]], pictures: dict[Path, str], studio: Studio) -> str:
    if not found:
        return "<p>There is no model yet: train one, or bring one here.</p>"
    articles = (_card(name, path, pictures.get(path, ""), studio.runtime(path)) for name, path in found)
    return f"<div class='models'>{''.join(articles)}</div>"


def _card(name: str, path: Path, pictures: str, runtime: str) -> str:
    title = f"<h3>{html.escape(name)}</h3>"
    try:
        about = metadata(path)
        megabytes = path.stat().st_size / 1e6
    except (OSError, ValueError):
        return f"<article><div class='words'>{title}<p>It cannot be loaded: its file is damaged.</p></div></article>"
    kinds = f"<p>{html.escape(about.source.kind)} → {html.escape(about.target.kind)}</p>"
    steps = f"{about.steps:,} steps" if about.steps else "steps not known"
    network = getattr(about.config, "network", "pix2pix U-Net")
    size = f"{about.config.image_size} px, {network}, ngf {about.config.ngf}, {megabytes:.1f} MB; {steps}"
    lines = [size, f"Data: {about.dataset or 'not known'}", f"Licence: {about.licence}"]
    lines += [f"Computed by {runtime}"] if runtime else []
    words = "".join(f"<p class='quiet'>{html.escape(line)}</p>" for line in lines)
    return (
        f"<article data-model='{html.escape(name)}'><div class='pair'>{pictures}</div>"
        f"<div class='words'>{title}{kinds}{words}</div></article>"
    )


# --- what the buttons do


def export_file(name: str | None, ending: str) -> tuple[gr.File, str]:
    """The file to download, and what is to be said of it."""
    with errors_on_page():
        path = find(_chosen(name))
        out = new_file(f"{Path(str(name)).name}{ending}")
        if ending == ".html":
            from pix2pix.page.web import export_web

            words = export_web(path, out).describe()
        else:
            from pix2pix.files.export import export

            words = export(path, out).describe()
    return gr.File(str(out), visible=True), words.replace(str(out), out.name)


def push_model(name: str | None, repository: str, private: bool) -> str:
    from pix2pix.files.push import push
    from pix2pix.page.sheet import sample_picture

    with errors_on_page():
        chosen = find(_chosen(name))
        if not repository.strip():
            raise ValueError("Give a repository of the Hub, as owner/name.")
        address = push(str(chosen), repository.strip(), sample_picture, private)
    return f"{name} is at <{address}>."


def warn(name: str | None) -> str:
    """What would be lost."""
    with errors_on_page():
        folder = _own_folder(_chosen(name))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    what = "its training with all that was saved of it" if (folder / "config.json").exists() else "the imported weights"
    return f"Delete **{name}**: {what}, {size:,.0f} MB? This cannot be undone."


def delete_model(name: str | None) -> tuple[gr.Dropdown, str, gr.Group]:
    with errors_on_page():
        shutil.rmtree(_own_folder(_chosen(name)))
    return gr.Dropdown(list(generators()), value=None), f"{name} is deleted.", gr.Group(visible=False)


def _own_folder(name: str) -> Path:
    """The folder in runs/ of a model that may be deleted. Raises ValueError for others, saying why."""
    path = find(name)
    if path.name != GENERATOR_FILE or path.parent.parent != runs_dir():
        raise ValueError(f"{name} came with the app: it stays.")
    if (path.parent / "config.json").exists() and Run(path.parent).status().alive:
        raise ValueError(f"{name} is being trained: stop that first, in the Train tab.")
    return path.parent


def import_model(
    file: str | None, place: str, wish: str, about: dict[str, Any], progress: gr.Progress
) -> tuple[gr.Dropdown, str]:
    """The new name in the list, and what is to be said."""
    from pix2pix.files.importing import About, import_generator, is_usable

    with errors_on_page():
        place = place.strip().removeprefix("hf://")
        if bool(file) == bool(place):
            raise ValueError("Give either a file of weights or a name of the Hub.")
        source = file or f"hf://{place}"
        name = wish.strip() or _name(file or place.partition("@")[0])
        palette = "cmp" if "labels" in (about["a"], about["b"]) else "none"
        told = {key: value for key, value in about.items() if value is not None}  # an untouched field has none
        try:
            import_generator(source, name, About(**told, palette=palette), _bar(progress))
        except ValueError as error:
            if not file:
                raise
            if not is_usable(file):  # else another name may do
                forget([file])
            raise ValueError(str(error).replace(file, Path(file).name)) from error  # not where uploads lie
        forget([file] if file else [])
    return gr.Dropdown(list(generators()), value=name), f"{name} is here: the Draw tab has it, too."


def _name(source: str) -> str:
    """A name that is free, after that of a file or a repository."""
    return unused_name(Path(source.rpartition("/")[2]).stem, runs_dir())


def _bar(progress: gr.Progress) -> type[tqdm]:
    """What a download tells of its progress goes to the page."""

    class Bar(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)  # of the Hub's client, which draws no bar where there is no terminal
            super().__init__(*arguments, **options | {"disable": False, "file": io.StringIO()})

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            if self.total:
                progress((self.n, self.total), desc="Downloading", unit="bytes")
            return shown

    return Bar


def _chosen(name: str | None) -> str:
    if not name:
        raise ValueError("Choose a model first.")
    return name
