"""The drawing page as text, with its sample drawings: what the app serves, and what `export-web` puts into one file."""

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # torch takes seconds to import: the page should not wait for it
    from pix2pix.files.checkpoint import Metadata

PAGE = Path(__file__).parent
# In this order they are one script, and one style.
STYLES = ("canvas", "controls", "overlays", "strip", "help", "narrow")
SCRIPTS = ("answers", "drawing", "preferences", "checked", "paint", "regions", "hints", "computing", "local",
           "asking", "live", "lens", "slider", "symmetry", "guides", "wall_paint", "colourways", "surprise", "pen",
           "png", "link", "keep", "trace", "as_it_is", "zip", "result_store", "strip", "incoming", "making", "webp",
           "animation", "photo", "photo_colours", "teach", "keys", "controls")  # fmt: skip
# And before them, of others, what of each is used.
LIBRARIES = {"perfect-freehand.js": "getStroke", "gifenc.js": "GIFEncoder, quantize, applyPalette"}
NOUNS = {"shoe": "a shoe", "bag": "a handbag", "facade": "a building", "cat": "a cat", "map": "a map"}


def style() -> str:
    """What the page looks like, as CSS. Gradio puts it inside the component's own rule: it reaches nothing else."""
    return "\n".join((PAGE / f"{name}.css").read_text("utf-8") for name in STYLES)


def script() -> str:
    """The body of a function of `element`, `props` and `server`: no import statements, so libraries are CommonJS."""
    texts = {used: (PAGE / "vendor" / name).read_text("utf-8") for name, used in LIBRARIES.items()}
    libraries = [
        f"const {{ {used} }} = ((exports) => {{\n{text}\nreturn exports;\n}})({{}});" for used, text in texts.items()
    ]
    return "\n".join([*libraries, *(part(name) for name in SCRIPTS)])


def part(name: str) -> str:
    """One of the scripts, for a page that has something in common with this one."""
    return (PAGE / f"{name}.js").read_text("utf-8")


def describe(name: str, about: "Metadata") -> dict[str, Any]:
    """What the page needs to know of a generator: the size of its drawings, its line width or its palette."""
    palette = about.source.palette if about.source.kind == "labels" else None
    painted = getattr(about.config, "painted", None)
    return {
        "name": name,
        "steps": about.steps,
        "size": about.config.image_size,
        "lineWidth": about.line_width,
        "palette": [[label, list(colour)] for label, colour in palette.items()] if palette else None,
        "colourHints": about.colour_hints,
        "dropout": about.config.dropout > 0,
        "painted": list(palette)[painted] if palette and painted is not None else None,
        "invitation": _invitation(name, bool(palette)),
    }


@cache
def samples() -> list[dict[str, Any]]:
    """Those that come with the app: name, kind (`edges` or `labels`), strokes, and the background of a label map."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((PAGE / "samples").glob("*.json"))]


def fitting(metadata: "Metadata") -> list[dict[str, Any]]:
    """Those of them that a generator can take: drawings, or label maps of classes that its palette has."""
    palette = metadata.source.palette
    if palette is None:
        return [sample for sample in samples() if sample["kind"] == "edges"]
    maps = [sample for sample in samples() if sample["kind"] == "labels"]
    return [
        sample
        for sample in maps
        if {sample["background"], *(stroke["label"] for stroke in sample["strokes"])} <= palette.keys()
    ]


def _invitation(name: str, paints: bool) -> str:
    """Names what a generator makes, as far as its name tells: that of edges2shoes is `Draw a shoe here`."""
    made = re.split(r"2|_to_|-to-", name.lower())[-1]
    thing = next((noun for word, noun in NOUNS.items() if word in made), "")
    if paints:
        return f"Paint {thing} here" if thing else "Paint here"
    return f"Draw {thing} here" if thing else "Draw here"
