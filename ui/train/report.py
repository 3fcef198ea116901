"""The results of a run as one page of HTML that needs nothing else: settings, curves and a contact sheet."""

import html
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pix2pix.page import language
from training.coach import advise
from training.config import TrainConfig
from training.run import Run
from ui.requests import data_url

WIDTH, HEIGHT, MARGIN = 640, 220, 44
SHEETS = 8  # previews that are shown
MAX_POINTS = 400  # of a curve
CURVES = {
    "Distance from the target, as a network sees it (perceptual)": {
        "loss_perceptual": "#3b7dd8",
        "val_perceptual": "#2a9d6f",
    },
    "Distance from the target (L1)": {"loss_L1": "#3b7dd8", "val_L1": "#2a9d6f"},
    "Generator against discriminator": {"loss_G": "#3b7dd8", "loss_D": "#e8793a"},
    "Generator against the discriminators on features": {
        "loss_G_projected": "#3b7dd8",
        "loss_D_projected": "#e8793a",
    },
    "Share of patches that the discriminator judges right": {"acc_D": "#e8793a"},
}
BEST_WORDS = {"val_L1": "validation L1", "val_perceptual": "perceptual distance on validation"}
STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
img, svg { max-width: 100%; height: auto; } @media (max-width: 30rem) { svg { font-size: 18px; } }
table { border-collapse: collapse; font-size: .9rem; } td { padding: .1rem 1rem .1rem 0; vertical-align: top; }
td:first-child, figcaption, .quiet { opacity: .7; } figure { margin: 1rem 0; }
details { margin: 1rem 0; } summary { cursor: pointer; }
"""


def report(run: Run) -> str:
    """A whole document."""
    rows, status = run.metrics()[0], run.status()
    advice = "".join(f"<p>{html.escape(words)}</p>" for words in advise(rows, status.state == "finished"))
    by, words = run.config.best_by, BEST_WORDS[run.config.best_by]
    looks = [(row[by], row["step"]) for row in rows if by in row]
    best = f" Lowest {words}: {min(looks)[0]:.4f}, at step {min(looks)[1]:,}." if looks else ""
    seconds = rows[-1].get("time", 0) if rows else 0
    curves = "".join(_plot(title, colours, rows) for title, colours in CURVES.items()) if len(rows) > 1 else ""
    name = html.escape(run.name)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
{language.inline()}
<title>{name}</title><style>{STYLE}</style></head><body>
<h1 translate="no">{name}</h1>
<p>{html.escape(status.state.capitalize())} at step {status.step:,} of {status.total:,}, after
{seconds / 60:.1f} minutes of training on {html.escape(status.device) or "nothing yet"}.{best}</p>
{advice}
<h2>Pictures</h2>
<p class="quiet">From top to bottom: input, target, and what the generator makes.</p>
{"".join(map(_sheet, spread(run.previews(), SHEETS))) or "<p>None yet.</p>"}
<h2>Curves</h2>
{curves or "<p>None yet.</p>"}
<h2>Settings</h2>
{_settings(run.config)}
</body></html>
"""


def spread(things: list[Any], count: int) -> list[Any]:
    """So many of them, evenly apart, the first and the last among them."""
    if len(things) <= count:
        return things
    return [things[round(index * (len(things) - 1) / (count - 1))] for index in range(count)]


def _sheet(preview: Path) -> str:
    try:
        url = data_url(preview.read_bytes(), "jpeg")
    except OSError:  # a resume has just rewound the run
        return ""
    step = f"Step {int(preview.stem):,}"
    return f"<figure><figcaption>{step}</figcaption><img alt='{step}' src='{url}'></figure>"


def _plot(title: str, colours: dict[str, str], rows: list[dict[str, Any]]) -> str:
    """Lines over the steps, as SVG, with their highest and lowest value beside them."""
    series = {
        name: points
        for name in colours
        if (points := spread([(row["step"], row[name]) for row in rows if name in row], MAX_POINTS))
    }
    if not series:
        return ""
    values = [value for points in series.values() for _, value in points]
    steps = [step for points in series.values() for step, _ in points]
    low, high, first, last = min(values), max(values), min(steps), max(steps)

    def place(step: int, value: float) -> str:
        x = MARGIN + (step - first) / max(1, last - first) * (WIDTH - 2 * MARGIN)
        y = HEIGHT - MARGIN + (low - value) / ((high - low) or 1) * (HEIGHT - 2 * MARGIN)
        return f"{x:.1f},{y:.1f}"

    lines = "".join(
        f"<polyline fill='none' stroke='{colours[name]}' stroke-width='1.5' "
        f"points='{' '.join(place(*point) for point in points)}'/>"
        for name, points in series.items()
    )
    names = "".join(
        f"<text x='{MARGIN + 90 * index}' y='16' fill='{colours[name]}'>{name}</text>"
        for index, name in enumerate(series)
    )
    scale = (
        f"<text x='0' y='{MARGIN + 4}'>{high:.3g}</text><text x='0' y='{HEIGHT - MARGIN + 4}'>{low:.3g}</text>"
        f"<text x='{MARGIN}' y='{HEIGHT - 18}'>step {first:,}</text>"
        f"<text x='{WIDTH - MARGIN}' y='{HEIGHT - 18}' text-anchor='end'>{last:,}</text>"
    )
    axes = f"<path d='M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}' fill='none' stroke='#8886'/>"
    return (
        f"<figure><figcaption>{title}</figcaption><svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' "
        f"font-size='12' fill='currentColor' role='img' aria-label='{title}'>{axes}{lines}{names}{scale}</svg></figure>"
    )


def _settings(config: TrainConfig) -> str:
    """Those that were changed, and behind a click the rest."""
    plain = asdict(TrainConfig(name=config.name, dataset=config.dataset))
    values = asdict(config)
    values["dataset"] = Path(config.dataset).name  # whoever gets the page need not know where it lies
    values["notify"] = plain["notify"]  # the address may be a secret
    changed = {name: value for name, value in values.items() if value != plain[name] or name in ("name", "dataset")}
    rest = {name: value for name, value in values.items() if name not in changed}
    return f"{_table(changed)}<details><summary>All others, as in the paper</summary>{_table(rest)}</details>"


def _table(values: dict[str, Any]) -> str:
    rows = "".join(f"<tr><td>{name}</td><td>{html.escape(_short(value))}</td></tr>" for name, value in values.items())
    return f"<table>{rows}</table>"


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{len(value):,} pairs" if value else "none"
    return str(value)
