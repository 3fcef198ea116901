"""The drawing page as text: what the app serves in its Draw tab, and what `export-web` puts into one file."""

import re
from typing import TYPE_CHECKING, Any

from pix2pix.places import ROOT

if TYPE_CHECKING:  # torch takes seconds to import: the page should not wait for it
    from pix2pix.checkpoint import Metadata

PAGE = ROOT / "ui" / "page"
SCRIPTS = ("drawing", "paint", "live", "pen", "keep", "teach", "controls")  # in this order they are one
NOUNS = {"shoe": "a shoe", "bag": "a handbag", "facade": "a building", "cat": "a cat", "map": "a map"}


def script() -> str:
    """The body of a function of `element`, `props` and `server`: no import statements, so the library is CommonJS."""
    library = (ROOT / "ui" / "vendor" / "perfect-freehand.js").read_text("utf-8")
    ours = "\n".join((PAGE / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    return f"const {{ getStroke }} = ((exports) => {{\n{library}\nreturn exports;\n}})({{}});\n{ours}"


def describe(name: str, about: "Metadata") -> dict[str, Any]:
    """What the page needs to know of a generator: the size of its drawings, its line width or its palette."""
    palette = about.source.palette if about.source.kind == "labels" else None
    return {
        "name": name,
        "steps": about.steps,
        "size": about.config.image_size,
        "lineWidth": about.line_width,
        "palette": [[label, list(colour)] for label, colour in palette.items()] if palette else None,
        "colourHints": about.colour_hints,
        "invitation": ("Paint " if palette else "Draw ") + _noun(name) + "here",
    }


def _noun(name: str) -> str:
    """What a generator makes, as far as its name tells: edges2shoes makes `a shoe `."""
    made = re.split(r"2|_to_|-to-", name.lower())[-1]
    return next((f"{noun} " for word, noun in NOUNS.items() if word in made), "")
