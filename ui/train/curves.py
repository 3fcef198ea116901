"""The curves of a training in the Train tab: which figures are drawn together, their names and colours."""

import gradio as gr

from ui.train.previews import PAGE, figures, script, style

SCRIPTS = ("kept", "plot", "curves")
PLOTS = {
    "Distance from the target, as a network sees it": ("loss_perceptual", "val_perceptual"),
    "Generator against the discriminators on features": ("loss_D_projected", "loss_G_projected"),
    "Generator against discriminator": ("loss_D", "loss_G"),
    "Distance from the target (L1)": ("loss_L1", "val_L1"),
    "How often D is right": ("acc_D",),
    "Learning rate": ("lr",),
}
BLUE, ORANGE, GREEN, GREY = "#3b7dd8", "#e8793a", "#2a9d6f", "#8a8d91"
COLOURS = {"loss_D": ORANGE, "loss_G": BLUE, "loss_L1": BLUE, "val_L1": GREEN, "acc_D": ORANGE, "loss_perceptual": BLUE,
           "val_perceptual": GREEN, "loss_D_projected": ORANGE, "loss_G_projected": BLUE, "lr": GREY}  # fmt: skip


def curves() -> gr.HTML:
    """The plots of the run that is shown; a plot of which there is nothing is not there."""
    plots = [
        {"title": title, "lines": [{"name": name, "colour": COLOURS[name]} for name in names]}
        for title, names in PLOTS.items()
    ]
    return gr.HTML(
        html_template=(PAGE / "curves.html").read_text("utf-8"),
        css_template=style("base", "plot", "curves"),
        js_on_load=script(*SCRIPTS),
        apply_default_css=False,
        server_functions=[figures],
        plots=plots,
        elem_id="train-curves",
    )
