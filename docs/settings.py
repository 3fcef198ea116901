"""Writes docs/settings.md from the settings themselves: `python docs/settings.py`."""

import sys
from dataclasses import MISSING, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.config import PRESETS, TrainConfig, help_of_settings

PAGE = Path(__file__).with_suffix(".md")
OPENING = """# Settings

Every setting of a training, in the words of `python -m training --help` and of the app's form. The defaults are the
paper's recipe; a dash means that you have to say it yourself. In `config.json` and in Python the same names have
underscores. `python docs/settings.py` writes this page.

| setting | default | |
| --- | --- | --- |
"""
PRESETS_OPENING = """
## Presets

`--preset NAME` puts these values in place of the defaults; what you give yourself wins over both.

| preset | what it changes |
| --- | --- |
"""


def page() -> str:
    texts = help_of_settings()
    rows = [(field.name, "–" if field.default is MISSING else _value(field.default)) for field in fields(TrainConfig)]
    settings = [f"| `--{_option(name)}` | {default} | {texts[name]} |\n" for name, default in rows]
    presets = [
        (name, [f"`--{_option(key)}` {_value(value)}" for key, value in PRESETS[name].items()]) for name in PRESETS
    ]
    rows_of_presets = [f"| `{name}` | {', '.join(changes) or 'nothing'} |\n" for name, changes in presets]
    return "".join([OPENING, *settings, PRESETS_OPENING, *rows_of_presets])


def _option(name: str) -> str:
    return name.replace("_", "-")


def _value(value: object) -> str:
    if value in ("", ()):
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
