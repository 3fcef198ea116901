"""The Draw tab: the canvas, and the same translation as an endpoint for programs."""

import uuid

import gradio as gr

from training.config import EXACT
from ui.draw.canvas import drawing_canvas
from ui.studio import Studio, StudioError, uploaded_picture
from ui.uploads import by_path


def build(studio: Studio) -> None:
    """Fills the tab. Call it inside the tab's `with`."""
    drawing_canvas(studio)
    _endpoint(studio)


def _endpoint(studio: Studio) -> None:
    """`Client(url).predict(handle_file("drawing.png"), "edges2shoes", None, api_name="/translate")`

    Where the picture is unlike what the model learned from, the one that comes back says so, in its text `remark`.
    The components are never shown: they tell Gradio what goes in and out.
    """

    def translate(picture: str | None, model: str, seed: float | None):
        if picture is None:
            raise gr.Error("Send a picture.", print_exception=False)
        try:
            # Each call is a session of its own: programs want an answer to every call, pages only to the newest.
            number, given = None if seed is None else int(seed), uploaded_picture(picture)
            made = studio.translate(model, given, f"api {uuid.uuid4()}", number)
            if made and (remark := studio.translator(model).remark(given)):
                made.info["remark"] = remark  # which Gradio keeps in the file
            return made
        except StudioError as error:
            raise gr.Error(str(error), print_exception=False) from error

    picture = by_path(gr.File(label="Picture", visible=False))
    model = gr.Textbox(label="Model", visible=False)
    seed = gr.Number(label="seed", value=None, precision=0, minimum=0, maximum=EXACT, visible=False)
    result = gr.Image(label="Result", format="png", visible=False)
    gr.Button(visible=False).click(translate, [picture, model, seed], result, api_name="translate")
