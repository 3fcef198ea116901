"""The pairs that a run is farthest from: `python -m training.hardest runs/NAME` looks for them, and keeps them there.

A wrong pair, whose halves do not belong together, shows up among them. Of a large dataset a part is looked at, evenly
apart. `hardest/pairs.json` has what was found, and beside it lies a picture of each pair: input, target and fake.
"""

import heapq
import json
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from pix2pix.files.places import atomic_write
from pix2pix.quick_imports import import_quickly
from pix2pix.validation import in_words
from training.__main__ import prepare_process
from training.run import Run

MOST_LOOKED_AT = 1000  # of each split: half a minute at 256 pixels on two cores
KEPT = 8  # of each split
SPLITS = ("val", "train")


class Hard(NamedTuple):
    """A pair: `file` names it in leave_out, `error` is the mean absolute difference of fake and target in [-1, 1]."""

    error: float
    file: str
    picture: Image.Image


def look(run: Run) -> None:
    """Raises FileNotFoundError where the run has saved no generator, DatasetError, CheckpointError."""
    import_quickly("pix2pix.files.checkpoint", "training.batches")

    from pix2pix.data.pairs import find_pairs
    from pix2pix.devices import pick_device
    from pix2pix.files import checkpoint
    from training.batches import pairs_of

    config = run.config
    if not run.generator_file.exists():
        raise FileNotFoundError(f"{run.name} has saved no generator yet")
    generator, metadata = checkpoint.load(run.generator_file)
    device = pick_device(config.device)
    G = generator.eval().to(device)
    found = find_pairs(config.dataset, config.layout, folders=config.folders, leave_out=config.leave_out)
    pairs: list[dict[str, Any]] = []
    looked_at: dict[str, list[int]] = {}
    _begin(run)
    for split in SPLITS:
        dataset = pairs_of(config, found, split, augment=False)
        hardest, count = _hardest(G, dataset, found.root, device)
        looked_at[split] = [count, len(dataset)]
        for number, hard in enumerate(hardest, start=1):
            name = f"{split}-{number}.jpg"
            hard.picture.save(run.hardest_folder / name, quality=92)
            pairs.append({"split": split, "file": hard.file, "error": round(hard.error, 4), "picture": name})
    with atomic_write(run.hardest_folder / "pairs.json") as temporary:
        temporary.write_text(json.dumps({"step": metadata.steps, "looked_at": looked_at, "pairs": pairs}), "utf-8")


def _hardest(G: Any, dataset: Any, root: Path, device: Any) -> tuple[list[Hard], int]:
    """Of one split, and of how many."""
    import torch

    from pix2pix import images
    from pix2pix.losses import l1_loss

    step = -(-len(dataset) // MOST_LOOKED_AT)
    indices = range(0, len(dataset), step)
    kept: list[tuple[float, int, Image.Image]] = []
    with torch.inference_mode():
        for index in indices:
            a, b = dataset[index]
            fake = G(a[None].to(device))[0].cpu()
            error = l1_loss(fake, b).item()
            if len(kept) < KEPT or error > kept[0][0]:
                heapq.heappush(kept, (error, index, images.grid([[a, b, fake]])))
            if len(kept) > KEPT:
                heapq.heappop(kept)
    ordered = sorted(kept, key=lambda each: -each[0])
    hardest = [Hard(error, dataset.entries[index].file_below(root), picture) for error, index, picture in ordered]
    return hardest, len(indices)


def _begin(run: Run) -> None:
    """What was found before is of another generator."""
    shutil.rmtree(run.hardest_folder, ignore_errors=True)
    run.hardest_folder.mkdir()


def main(arguments: list[str]) -> int:
    """Of one argument, the folder of a run. Returns the exit status."""
    try:
        look(Run(arguments[0]))
    except (OSError, ValueError) as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    prepare_process()
    sys.exit(main(sys.argv[1:]))
