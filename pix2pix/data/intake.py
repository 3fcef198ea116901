"""What someone brings to train on, and how it becomes a folder: a zip, pictures."""

import errno
import lzma
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from pix2pix.data.folders import IntakeError, new_folder, room, unused_name
from pix2pix.files.places import expanded, runs_dir, save_picture

HUB = "hf://"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
DEMO, DEMO_PAIRS = "demo-facades", 64
# What reading a damaged, an encrypted or an oddly compressed zip raises.
UNPACKABLE = "the zip is damaged, or packed or locked in a way that is not read here"
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, OSError)


def bring(text: str) -> Path:
    """The folder that someone means by a path, or by `owner/name` (also `hf://owner/name`) of a dataset on the Hub.

    The latter is fetched at its first use. Raises IntakeError; a path is not looked at.
    """
    text = text.strip()
    is_hub = text.startswith(HUB) or (HUB_NAME.fullmatch(text) and not expanded(text).exists())
    if not is_hub:
        return expanded(text)
    from pix2pix.data.hub_dataset import fetch

    return fetch(text.removeprefix(HUB))


def demo() -> Path:
    """A small dataset of our own, drawn by code at its first use: facades on the left, their labels right."""
    from pix2pix.data.facades import draw_pair

    folder = runs_dir() / "datasets" / DEMO
    if not folder.exists():
        with new_folder(folder) as temporary:
            for split, count in (("train", DEMO_PAIRS), ("val", DEMO_PAIRS // 8)):
                (temporary / split).mkdir()
                for number in range(count):
                    pair = draw_pair(number if split == "train" else -1 - number)
                    save_picture(pair, temporary / split / f"{number:03d}.png", "PNG")
    return folder


def receive(uploads: Iterable[str | Path]) -> Path:
    """The folder of a new dataset made of uploaded zips and pictures.

    Raises IntakeError, and OSError where the disk is full; it leaves nothing then.
    """
    from pix2pix.formats import EXTENSIONS

    files = [Path(upload) for upload in uploads]
    archives = [file for file in files if file.suffix.lower() == ".zip"]
    pictures = [file for file in files if file.suffix.lower() in EXTENSIONS]
    if not archives and not pictures:
        raise IntakeError("Upload a zip, or pictures.")
    datasets = runs_dir() / "datasets"
    datasets.mkdir(parents=True, exist_ok=True)
    folder = datasets / unused_name(archives[0].stem if archives else "pictures", datasets)
    folder.mkdir()
    try:
        left = room(datasets)
        for archive in archives:
            left -= _unpack(archive, folder, left, EXTENSIONS)
        for picture in pictures:
            shutil.copy(picture, folder / picture.name)
    except UNREADABLE as error:
        shutil.rmtree(folder)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        why = getattr(error, "strerror", None) or UNPACKABLE  # all of an OSError would name our folders
        raise IntakeError(f"The upload cannot be unpacked: {why}") from error
    except BaseException:
        shutil.rmtree(folder)
        raise
    return folder


def _unpack(archive: Path, folder: Path, room: int, extensions: Iterable[str]) -> int:
    """Writes the pictures in a zip to the folder and returns their size; what else is in it stays there."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            _check_inside(name)
        members = [
            member
            for member in opened.infolist()
            if not member.is_dir()
            and PurePosixPath(member.filename).suffix.lower() in extensions
            and not member.filename.startswith("__MACOSX/")
        ]
        size = sum(member.file_size for member in members)  # no more than this is ever read of a member
        if size > room:
            raise IntakeError(f"The upload is too large: {size / 1e9:.1f} GB unpacked, and there is room for "
                              f"{max(0, room) / 1e9:.1f} GB. Give the folder's path instead.")  # fmt: skip
        if not members:
            raise IntakeError(f"There is no picture in {archive.name}.")
        opened.extractall(folder, members)
    return size


def _check_inside(name: str) -> None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.anchor or ".." in (*posix.parts, *windows.parts):
        raise IntakeError(f"The zip would write outside of its folder ({name!r}), so none of it was unpacked.")
