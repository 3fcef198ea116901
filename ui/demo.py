"""The page: its tabs, its look, and how it is served."""

import sys
from os import environ

import gradio as gr
from gradio import themes

from pix2pix.page import page
from ui import models, upload
from ui.blocks import Page
from ui.draw import tab as draw
from ui.studio import Studio
from ui.train import tab as train
from ui.train.notifications import teller

TITLE = "pix2pix studio"
ICON = page.PAGE / "icon.svg"
CACHE_S = 3600  # how long Gradio keeps its copies of what was uploaded and shown, previews of a training among them
# Fonts of the machine: the page needs no network.
THEME = themes.Soft(
    primary_hue="indigo",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(  # contrasts of 4.5:1, and 3:1 of borders (WCAG 1.4.3, 1.4.11)
    body_text_color_subdued="*neutral_500",
    block_info_text_color="*neutral_500",
    block_title_text_color="*primary_600",
    block_label_text_color="*primary_600",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_300",
    checkbox_border_color="*neutral_500",
    checkbox_border_color_dark="*neutral_500",
)


def create_demo(studio: Studio) -> Page:
    """The whole app, ready to launch. Draw comes first: it is ready to be drawn on when the page opens."""
    with Page(title=TITLE, analytics_enabled=False, delete_cache=(CACHE_S, CACHE_S)) as demo:
        if train.is_offered(studio):
            teller()
        with gr.Tab("Draw", id="draw"):
            draw.build(studio)
        with gr.Tab("Upload", id="upload"):
            upload.build(studio)
        with gr.Tab("Train", id="train", elem_id="train-tab"):
            form = train.build(studio)
        with gr.Tab("Models", id="models") as tab:
            models.build(studio, tab, form)
    return demo


def has_desktop() -> bool:
    """Whether there is a screen to open a browser on."""
    return sys.platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
