"""What the page tells of trainings whichever tab is open: in its title, and in notifications of the browser."""

from typing import Any

import gradio as gr

from training import coach
from training.run import Run
from training.status import Status
from ui.train.monitor import facts, rows_of
from ui.train.previews import script

KNOWN = 100  # trainings that a page may ask about


def teller() -> gr.HTML:
    """Call it outside of the tabs: Gradio puts nothing of a tab on the page before someone looks at it."""
    return gr.HTML(
        js_on_load=script("kept", "notifications"),
        apply_default_css=False,
        server_functions=[trainings],
        visible="hidden",
        elem_id="train-teller",
    )


def trainings(data: Any) -> dict[str, Any]:
    """Those that have not ended, and those that the page had `known` as such: the one that is trained first."""
    known = data.get("known") if isinstance(data, dict) else None
    known = known[:KNOWN] if isinstance(known, list) else []
    found = [(run, run.status()) for run in Run.list()]
    told = [(run, status) for run, status in found if status.alive or status.state == "queued" or run.name in known]
    told.sort(key=lambda pair: not pair[1].alive)
    return {"trainings": [_told(run, status) for run, status in told]}


def _told(run: Run, status: Status) -> dict[str, Any]:
    rows = rows_of(run)
    return {
        "run": run.name,
        "state": status.state,
        "percent": round(100 * status.step / status.total) if status.total else 0,
        "rules": coach.said(rows, finished=status.state == "finished"),
        "words": facts(run, status, rows) + [status.error][: bool(status.error)],
    }
