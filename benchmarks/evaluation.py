"""What the scripts that judge a generator share: the pairs of a dataset as it takes them, and how figures are shown."""

import json
from collections.abc import Mapping
from pathlib import Path

from pix2pix.data.dataset import PairedImages
from pix2pix.data.pairs import SPLITS, DatasetError, find_pairs
from pix2pix.files.checkpoint import Metadata


def open_pairs(folder: str | Path, split: str, metadata: Metadata) -> PairedImages:
    """The pairs of a split, or of `all`, whole and as the generator takes them. Raises DatasetError."""
    found = find_pairs(folder)
    found.splits["all"] = [entry for name in SPLITS for entry in found.splits[name]]
    if not found.splits[split]:
        raise DatasetError(f"{found.root} has nothing in {split}")
    if found.layout == "photos" and metadata.source.palette:
        raise DatasetError(f"{metadata.name} takes label maps, and {found.root} has photos alone")
    size = metadata.config.image_size
    palette = metadata.source.palette
    return PairedImages(found, split, direction=metadata.direction, load_size=size, crop_size=size, palette=palette)


def table(corner: str, rows: Mapping[str, dict[str, float]]) -> str:
    """Markdown, a line per row."""
    formats = {
        "L1": "{:.4f}",
        "PSNR": "{:.2f}",
        "SSIM": "{:.3f}",
        "grid": "{:.2f}",
        "found": "{:.1%}",
        "not drawn": "{:.1%}",
        "KID": "{:.2f}",
        "distance": "{:.3f}",
    }
    names = list(next(iter(rows.values())))
    lines = [[corner, *names], ["---"] * (len(names) + 1)]
    for row, figures in rows.items():
        lines.append([row, *(formats.get(name, "{:.1f}").format(figures[name]) for name in names)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(figures: dict) -> str:
    """One line; what is infinite or NaN, which JSON has not, becomes null."""
    return json.dumps(json.loads(json.dumps(figures), parse_constant=lambda _: None))
