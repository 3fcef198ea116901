"""Makes the folder that edges2shoes was trained on: photos of shoes in the shares that the lists beside this file give.

python checkpoints/photos/make_folder.py --data path/to/data --out path/to/folder

`--data` holds the folders shoes, shoes_more and edges2shoes_pairs. Each list has the photos of one kind of shoe, each
line how often a photo is taken, and which. They were sorted by EfficientNet-Lite0 features (the nearest neighbours of
pictures labelled by eye) and looked through by eye; pictures of two shoes, cropped, faint and odd ones are in no list.
`--out` gets train/, with links to the photos, and val/, with the 100 of shoes/val. Pairs have their photo on the right.
"""

import argparse
import os
import random
import shutil
from collections import Counter
from pathlib import Path

from PIL import Image

LISTS = Path(__file__).parent
PAIRS = "edges2shoes_pairs"
FOLDERS = {"shoes": "shoes/train", "shoes_more": "shoes_more", PAIRS: PAIRS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the three folders of photos")
    parser.add_argument("--out", type=Path, required=True, help="the folder to make; it must not be there yet")
    options = parser.parse_args()
    if options.out.exists():
        parser.error(f"{options.out} is there already; name a new folder, or remove it first")
    if missing := [name for name in ("shoes/val", *FOLDERS.values()) if not (options.data / name).is_dir()]:
        parser.error(f"{options.data} has no {', no '.join(missing)}")
    counts = make(options.data.resolve(), options.out)
    total = counts.total()
    for kind, count in counts.most_common():
        print(f"{kind:10} {count:6,}  {count / total:.1%}")
    print(f"{'together':10} {total:6,}")


def make(data: Path, out: Path) -> Counter[str]:
    """Fills `out`; how many photos of each kind it has to train on."""
    lines = [(path.stem, line) for path in sorted(LISTS.glob("*.txt")) for line in path.read_text().splitlines()]
    chosen = [(kind, *line.split(" ", 1)) for kind, line in lines]
    taken = [(kind, name) for kind, count, name in chosen for _ in range(int(count))]
    random.Random(0).shuffle(taken)  # so that a few by name are of all kinds
    train, val = out / "train", out / "val"
    train.mkdir(parents=True)
    val.mkdir()
    first: dict[str, Path] = {}
    for number, (kind, name) in enumerate(taken):
        place = train / f"{number:05}_{kind}.jpg"
        folder, file = name.split("/", 1)
        if folder != PAIRS:
            place.symlink_to(data / FOLDERS[folder] / file)
        elif name in first:
            os.link(first[name], place)
        else:
            right_half(data / PAIRS / file).save(place, quality=95)
            first[name] = place
    for photo in sorted((data / "shoes/val").iterdir()):
        shutil.copy(photo, val)
    return Counter(kind for kind, _ in taken)


def right_half(path: Path) -> Image.Image:
    with Image.open(path) as pair:
        return pair.crop((pair.width // 2, 0, pair.width, pair.height))


if __name__ == "__main__":
    main()
