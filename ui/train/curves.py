"""The curves of a training: which figures are drawn together, and their points."""

from typing import Any

import gradio as gr
import pandas as pd

FURTHER_CURVES = ("perceptual", "projected")
CURVES = {
    "perceptual": ["loss_perceptual", "val_perceptual"],
    "projected": ["loss_D_projected", "loss_G_projected"],
    "adversarial": ["loss_D", "loss_G"],
    "distance": ["loss_L1", "val_L1"],
    "right": ["acc_D"],
    "rate": ["lr"],
}
TITLES = {
    "perceptual": "Distance from the target, as a network sees it",
    "projected": "Generator against the discriminators on features",
    "adversarial": "Generator against discriminator",
    "distance": "Distance from the target (L1)",
    "right": "How often D is right",
    "rate": "Learning rate",
}
COLOURS = {"loss_D": "#e8793a", "loss_G": "#3b7dd8", "loss_L1": "#3b7dd8", "val_L1": "#2a9d6f", "acc_D": "#e8793a",
           "loss_perceptual": "#3b7dd8", "val_perceptual": "#2a9d6f", "loss_D_projected": "#e8793a",
           "loss_G_projected": "#3b7dd8", "lr": "#8a8d91"}  # fmt: skip
MAX_POINTS = 500  # of a curve
SMOOTHING = 0.6


def plot(part: str) -> gr.LinePlot:
    return gr.LinePlot(
        x="step",
        y="value",
        color="loss",
        title=TITLES[part],
        color_map={name: COLOURS[name] for name in CURVES[part]},
        x_title="step",
        y_title=" ",
        color_title=" ",
        height=220,
        min_width=260,
        show_label=False,
        buttons=[],
    )


def curve(rows: list[dict[str, Any]], names: list[str], smoothing: float) -> pd.DataFrame:
    """Points to plot: step, value and loss. Of many rows, the averages of MAX_POINTS stretches."""
    points = []
    for name in names:
        series = [(row["step"], row[name]) for row in rows if name in row]
        if rows and not series:
            points.append((rows[0]["step"], None, name))  # or its colour would be missing once it comes
        length = -(-len(series) // MAX_POINTS) or 1
        stretches = [series[first : first + length] for first in range(0, len(series), length)]
        values = smooth([sum(value for _, value in stretch) / len(stretch) for stretch in stretches], smoothing)
        points += [(stretch[-1][0], value, name) for stretch, value in zip(stretches, values, strict=True)]
    return pd.DataFrame(points, columns=["step", "value", "loss"])  # pyright: ignore[reportArgumentType]


def smooth(values: list[float], weight: float) -> list[float]:
    """Each a moving average of those up to it, in which one counts `weight` times the one after it."""
    smoothed, total, count = [], 0.0, 0.0
    for value in values:
        total, count = weight * total + value, weight * count + 1
        smoothed.append(total / count)
    return smoothed
