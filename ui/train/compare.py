"""Runs side by side in the Train tab: their curves, the same samples at the same step, and the settings that differ."""

from dataclasses import asdict
from typing import Any

import gradio as gr

from pix2pix.images import GAP
from training.run import Run
from ui.train.previews import PAGE, answer, figures, preview, previews, script, style

MOST_RUNS = 4
SCRIPTS = ("kept", "sheets", "plot", "compare")
NOT_COMPARED = ("name", "notify")  # the second may be a secret
MOST_LETTERS = 200  # of a value


def side_by_side() -> gr.HTML:
    """The button, and what it opens."""
    return gr.HTML(
        html_template=(PAGE / "compare.html").read_text("utf-8"),
        css_template=style("base", "plot", "compare"),
        js_on_load=script(*SCRIPTS),
        apply_default_css=False,
        server_functions=[runs, figures, previews, preview, settings],
        gap=GAP,
        most=MOST_RUNS,
        elem_id="train-compare",
    )


def runs(_: Any) -> list[str]:
    """Names, the newest first."""
    return [run.name for run in Run.list()]


def settings(data: Any) -> dict[str, Any]:
    """What differs: rows of a name and the value of each run, and whether they learn from the same pictures."""

    def look(first: Run) -> dict[str, Any]:
        compared = [first, *(Run.named(str(name)) for name in list(data.get("others", ()))[: MOST_RUNS - 1])]
        values = [asdict(run.config) for run in compared]
        steps = [f"{run.status().step:,} of {run.status().total:,}" for run in compared]
        differing = [
            name for name in values[0] if name not in NOT_COMPARED and len({repr(each[name]) for each in values}) > 1
        ]
        rows = [[name, *(_short(each[name]) for each in values)] for name in differing]
        pictures = ("dataset", "layout", "folders", "direction", "leave_out", "crop_size")
        return {"rows": [["steps made", *steps], *rows], "alike": not set(pictures) & set(differing)}

    return answer(data, look)


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{len(value):,}: {', '.join(value)}"[:MOST_LETTERS] if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:MOST_LETTERS] or "none"
