"""The Upload tab: a picture in (a drawing, labels, or a photo whose edges are made first), and its translation."""

import uuid
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from pix2pix.files.places import generators
from ui.blocks import optional_number
from ui.camera.live import camera, offer
from ui.studio import Studio, StudioError, uploaded_picture
from ui.uploads import by_path

if TYPE_CHECKING:
    from pix2pix.inference import Translator
    from pix2pix.sizes import How
else:
    How = str

LONGEST = 30_000  # pixels, as in pix2pix.sizes, which needs torch
PUBLIC_SIDE = 1024  # pixels: on a public page others wait for their turn while a picture is translated
HOW = {  # what is said of each way of pix2pix.sizes
    "square": (
        "Squeezed to the square it learned",
        "As in training. It does not see the proportions, nor fine detail.",
    ),
    "whole": (
        "Whole, in its own size",
        "Proportions and detail are kept. Whatever is much larger than its training pictures it does not see as one "
        "thing, so draw as finely as there, or choose a smaller size.",
    ),
    "tiles": (
        "In tiles, in its own size",
        "For very large pictures. The same, and no tile knows of the others: colours may drift between them.",
    ),
}
HEIGHT = 420  # pixels of each picture on the page
TAKES = {
    "edges": "a drawing, in black lines on white, or a photo whose edges are made first",
    "labels": "a label map, whose colours are snapped to the nearest of its palette",
    "photo": "a photo",
    "image": "a picture like those it was trained on",
}


def build(studio: Studio) -> None:
    """Fills the tab. Call it inside the tab's `with`."""
    with gr.Row(equal_height=True):
        # After a restart of the app an open page may name what the app has not offered it: so anything is accepted.
        model = gr.Dropdown(label="Model", allow_custom_value=True, elem_id="upload-model", min_width=240)
        with gr.Column(min_width=240):  # of a checkbox Gradio ignores it, and on a phone its words would be gone
            from_photo = gr.Checkbox(label="It is a photo: make edges first", elem_id="upload-photo")
            invert = gr.Checkbox(label="Light lines on dark: invert it", elem_id="upload-invert")
        detail = gr.Slider(0, 1, 0.5, step=0.05, label="Detail of the edges", visible=False, elem_id="upload-detail")
    with gr.Row(equal_height=True):
        ways = [(label, way) for way, (label, _) in HOW.items()]
        how = gr.Radio(
            ways, value="square", label="How it is seen", info=HOW["square"][1], scale=3, elem_id="upload-how"
        )
        size = optional_number(
            label="Longer side (px)", info=f"At most {LONGEST:,}. Empty: its own", precision=0, minimum=1,
            maximum=LONGEST, min_width=160, visible=False, elem_id="upload-size",
        )  # fmt: skip
    about = gr.Markdown(elem_id="upload-about")
    notice = gr.Markdown(elem_id="upload-notice", visible=False)
    live = camera(studio)
    with gr.Row():
        given = gr.Image(
            label="Your picture",
            sources=["upload", "clipboard"],
            height=HEIGHT,
            elem_id="upload-given",
        )
        by_path(given)  # Gradio's own reading explains a broken one to programmers only
        shown_only: dict[str, Any] = {"interactive": False, "height": HEIGHT, "buttons": ["download", "fullscreen"]}
        lines = gr.Image(label="Its edges", format="png", visible=False, **shown_only)
        result = gr.Image(label="Translation", format="png", elem_id="upload-result", **shown_only)

    def translate(
        path: str | None, name: str | None, make_edges: bool, amount: float, way: How, longer: int | None, dark: bool
    ):
        return _translate(studio, path, name, make_edges, amount, way, longer, dark)

    inputs = [given, model, from_photo, detail, how, size, invert]
    gr.on(
        [given.upload, given.clear, from_photo.input, invert.input, detail.release, how.input, size.submit, size.blur],
        translate,
        inputs,
        [result, lines, notice],
        api_visibility="private",
        trigger_mode="always_last",
        show_progress_on=result,
    )
    shown: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    chosen = [about, from_photo, detail, invert, live]
    gr.on(None, lambda: _models(studio), None, [model, *chosen], **shown)  # when the page loads
    model.focus(lambda: gr.Dropdown(list(generators())), None, model, **shown)  # a training may have begun since
    # First what the model takes, which may untick the box, then the translation.
    model.select(lambda name: _describe(studio, name), model, chosen, **shown).then(
        translate, inputs, [result, lines, notice], **shown
    )
    from_photo.input(lambda on: gr.Slider(visible=on), from_photo, detail, **shown)
    how.input(lambda way: [gr.Radio(info=HOW[way][1]), gr.Number(visible=way != "square")], how, [how, size], **shown)


def _translate(
    studio: Studio,
    path: str | None,
    name: str | None,
    make_edges: bool,
    amount: float,
    how: How,
    size: int | None,
    invert: bool = False,
) -> tuple[Image.Image | None, Any, Any]:
    """The translation, and what becomes of the picture of edges and of the notice."""
    if not path or not name:
        return None, gr.Image(None, visible=False), gr.Markdown(visible=False)

    try:
        given = uploaded_picture(path)
        translator = studio.translator(name)
        if invert:
            given = translator.inverted(given)
        if studio.public:
            size = min(size or max(given.size), PUBLIC_SIDE)
        drawing = translator.edges_of(given, amount, how, size) if make_edges else given
        picture = studio.translate(name, drawing, f"upload {uuid.uuid4()}", how=how, size=size)
    except (StudioError, ValueError) as error:
        raise gr.Error(str(error), print_exception=False) from error
    if picture and picture.size != given.size:  # it has the size of the drawing that was made
        picture = picture.resize(given.size, Image.Resampling.BICUBIC)
    text = "" if make_edges else _notice(given, translator)
    return picture, gr.Image(drawing if make_edges else None, visible=make_edges), gr.Markdown(text, visible=bool(text))


def _notice(given: Image.Image, translator: "Translator") -> str:
    """What should be said about a picture for a model that takes others; empty where all is well."""
    from pix2pix.input_checks import INVERTED

    remark = translator.remark(given)
    labels = translator.metadata.source.palette
    if remark and labels:
        return f"⚠️ **Is this a label map?** {remark} The Draw tab has the right ones."
    option = " Tick the box above." if remark == INVERTED else ""
    return f"⚠️ {remark}{option}" if remark else ""


def _models(studio: Studio) -> list[Any]:
    names = list(generators())
    name = names[0] if names else None
    return [gr.Dropdown(names, value=name), *_describe(studio, name)]


def _describe(studio: Studio, name: str | None) -> list[Any]:
    """What the model takes, and the controls that make sense for it. A hidden checkbox is an unticked one."""
    offered = None
    if name is None:
        text, kind = "There is no model yet: train one in the Train tab.", ""
    else:
        try:
            about = studio.metadata(name)
            kind, offered = about.source.kind, offer(name, about)
            text = f"**{name}** takes {TAKES.get(kind, TAKES['image'])}. Trained for {about.steps:,} steps."
        except StudioError as error:
            text, kind = str(error), ""
    photos, drawings = (
        gr.Checkbox(False, visible=kind in ("edges", "image")),
        gr.Checkbox(False, visible=kind == "edges"),
    )
    return [text, photos, gr.Slider(visible=False), drawings, offered]
