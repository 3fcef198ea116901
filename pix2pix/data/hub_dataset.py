"""Datasets of the Hugging Face Hub that have pairs of pictures, such as the `huggan` ones: fetched, and made a folder.

They come as parquet files with a column for A and one for B (imageA and imageB), or one of photos (image).
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from pix2pix.data.folders import IntakeError, new_folder, room
from pix2pix.files.download import is_reachable
from pix2pix.files.places import runs_dir
from pix2pix.formats import FORMATS

PAIRS = (("imagea", "imageb"), ("image_a", "image_b"), ("a", "b"))  # names of the columns, in lower case
PHOTOS = "image"
SPLITS = {"train": "train", "validation": "val", "valid": "val", "val": "val", "test": "test"}
ROWS = 32  # that are in memory at once


def fetch(repository: str) -> Path:
    """The folder of the dataset `owner/name`, which is kept in the runs folder. Raises IntakeError."""
    folder = runs_dir() / "datasets" / repository.replace("/", "--")
    if folder.exists():
        return folder
    left = room(folder.parent)
    with new_folder(folder) as temporary:
        for path, split in _download(repository):
            for name, data in _pictures(path, repository):
                left -= len(data)
                if left < 0:
                    raise IntakeError(f"{repository} is too large for the room that there is.")
                target = temporary / split / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    return folder


def _download(repository: str) -> Iterator[tuple[Path, str]]:
    """Its parquet files, from the cache or the Hub, each with the split that it is of."""
    from huggingface_hub import HfApi, constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if not constants.HF_HUB_OFFLINE and not is_reachable():  # the client says itself what forbids to ask
        raise IntakeError(f"There is no folder {repository}, and the Hub cannot be reached.")
    try:
        files = [name for name in HfApi().list_repo_files(repository, repo_type="dataset") if name.endswith(".parquet")]
        if not files:
            raise IntakeError(f"{repository} has no parquet files: only such datasets can be fetched.")
        for name in sorted(files):
            words = re.split(r"[/-]", name.lower())
            split = next((SPLITS[word] for word in words if word in SPLITS), "train")
            yield Path(hf_hub_download(repository, name, repo_type="dataset")), split
    except HFValidationError as error:
        raise IntakeError(f"{repository!r} is not of the form owner/name.") from error
    except HfHubHTTPError as error:
        raise IntakeError(f"{repository} cannot be had from the Hub: {str(error).splitlines()[0]}") from error
    except IntakeError:
        raise
    except Exception as error:  # the client lets through what its transport raises
        raise IntakeError(f"There is no folder {repository}, and the Hub cannot be reached: {error}") from error


def _pictures(path: Path, repository: str) -> Iterator[tuple[str, bytes]]:
    """Each picture of a file, with its name below the folder of its split."""
    from pyarrow import ArrowInvalid, parquet

    try:
        table = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise IntakeError(f"{repository}: {path.name} cannot be read: {error}") from error
    columns = _columns(table.schema_arrow.names, repository)
    first = 0
    for batch in table.iter_batches(ROWS, columns=list(columns.values())):
        rows = batch.to_pydict()
        for side, column in columns.items():
            for index, value in enumerate(rows[column]):
                data = _bytes(value, column, repository)
                yield f"{side}{path.stem}-{first + index:06d}{_extension(data, column, repository)}", data
        first += batch.num_rows


def _columns(names: list[str], repository: str) -> dict[str, str]:
    """Folder -> the column that goes there."""
    known = {name.lower(): name for name in names}
    for a, b in PAIRS:
        if a in known and b in known:
            return {"A/": known[a], "B/": known[b]}
    if PHOTOS in known:
        return {"": known[PHOTOS]}
    raise IntakeError(f"{repository} has the columns {', '.join(names)}; imageA and imageB are looked for, or image.")


def _bytes(value: Any, column: str, repository: str) -> bytes:
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        raise IntakeError(f"{repository}: its column {column} has no pictures in it.")
    return data


def _extension(data: bytes, column: str, repository: str) -> str:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return f".{(picture.format or 'png').lower()}"
    except Exception as error:  # decoders raise anything at all on broken data
        raise IntakeError(f"{repository}: its column {column} has something that is no picture: {error}") from error
