"""What the tabs share: the generators that are loaded, and whose turn it is to use one."""

import io
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PIL import Image

from pix2pix.files.places import generators, snapshots
from pix2pix.quick_imports import import_quickly
from pix2pix.validation import shorten
from ui.scheduler import QueueFull, Scheduler, Superseded
from ui.uploads import forget

if TYPE_CHECKING:  # torch takes seconds to import: the page should not wait for it
    from pix2pix.files.checkpoint import Metadata
    from pix2pix.inference import Precision, Translator

KEPT = 4  # generators in memory at once
MAX_PIXELS = 32_000_000  # of a picture to translate; a photo of a good phone has half as many
WARM_UP = "warm-up"  # the session of translations that nobody looks at

T = TypeVar("T")

log = logging.getLogger(__name__)


class StudioError(Exception):
    """Why there is no picture, in words for the person who looks at the page."""


class Studio:
    """One for the whole app; its methods may be called from any thread."""

    def __init__(self, public: bool = False, precision: "Precision" = "auto") -> None:
        """`public`: strangers can open the page, so it must not name paths of this machine, nor train on it.

        precision: of the convolutions while someone draws on a CPU, as for `Translator.compile`.
        """
        self.public = public
        self.precision: Precision = precision
        self.scheduler = Scheduler()
        self.compiling = Scheduler()  # beside the drawing, one generator after the other; each one is a session
        self._loading = threading.Lock()
        self._loaded: dict[Path, tuple[int, Translator]] = {}  # path -> (its mtime, the generator), newest use last

    def translate(
        self, model_name: str, picture: Image.Image, session: str, seed: int | None = None, **seen: Any
    ) -> Image.Image | None:
        """The translated picture, or None where a newer one of the same session has taken its place.

        `seen`: how and size, as for the Translator.

        Raises StudioError. No more translations at a time compute than the machine has cores or a GPU for: others would
        merely slow them down.
        """
        try:
            return self.submit(model_name, session, lambda translator: translator(picture, seed, **seen)).result()
        except Superseded:
            return None
        except QueueFull as error:
            raise StudioError(str(error)) from error

    def submit(
        self, model_name: str, session: str, work: Callable[["Translator"], T], step: int | None = None
    ) -> Future[T]:
        """What `work` does with the generator of that name when the session's turn has come, without waiting for it.

        `step`: the generator as it was then, of which its run has kept a snapshot. The future raises StudioError, or
        Superseded where a newer job of the session has taken its place.
        """
        return self.scheduler.submit(session, lambda: self._do(work, model_name, step))

    def warm_up(self, model_name: str) -> Future[Image.Image]:
        """Loads a generator and uses it once, so that the first real picture comes as fast as the others."""
        paper = Image.new("RGB", (64, 64), "white")
        return self.submit(model_name, f"{WARM_UP} {model_name}", lambda translator: translator(paper))

    def warm_up_soon(self) -> None:
        """Begins to do so with the generator that the page offers first, which brings torch into memory."""
        for name in list(generators())[:1]:
            self.warm_up(name)

    def _do(self, work: Callable[["Translator"], T], model_name: str, step: int | None) -> T:
        try:
            return work(self.translator(model_name, step))
        except StudioError:
            raise
        except Exception as error:
            log.exception("translating with %r failed", model_name)
            raise StudioError(f"{model_name} could not translate this: {error}") from error

    def translator(self, model_name: str, step: int | None = None) -> "Translator":
        """The loaded generator of that name; loaded again when its file was replaced. Raises StudioError."""
        path = find(model_name, step)
        with self._loading:
            try:
                modified = path.stat().st_mtime_ns
                known, translator = self._loaded.pop(path, (None, None))
                if translator is None or known != modified:
                    translator = _load(path)
                    if step is None:  # snapshots are looked at in passing
                        self.compiling.submit(str(path), lambda: self._compile(path))
            except (OSError, ValueError) as error:
                raise StudioError(self._why(model_name, error)) from error
            self._loaded[path] = (modified, translator)
            while len(self._loaded) > KEPT:
                del self._loaded[next(iter(self._loaded))]
            return translator

    def _compile(self, path: Path) -> None:
        """Torch computes until it is done. The file may have been replaced again, or be in memory no more."""
        with self._loading:
            _, translator = self._loaded.get(path, (None, None))
        if translator:
            import_quickly("torch._dynamo")
            translator.compile(self.precision)
            # One more than it computes at once: its drawing is read meanwhile, or its picture written.
            self.scheduler.widen(translator.streams + 1)

    def runtime(self, path: Path) -> str:
        """What computes the pictures of a generator, in words; empty where it is not in memory."""
        _, translator = self._loaded.get(path, (None, None))  # a page does not wait for what is being loaded
        return translator.runtime if translator else ""

    def metadata(self, model_name: str) -> "Metadata":
        """What the generator of that name says of itself. Raises StudioError."""
        try:
            return metadata(find(model_name))
        except (OSError, ValueError) as error:
            raise StudioError(self._why(model_name, error)) from error

    def _why(self, model_name: str, error: Exception) -> str:
        """Not to strangers where the file lies."""
        return f"{model_name} cannot be loaded: {'its file is damaged' if self.public else error}"


def find(model_name: str, step: int | None = None) -> Path:
    """Only names that the page offers: a visitor must not make the server open other paths, or download."""
    try:
        path = generators()[model_name]
    except KeyError:
        known = shorten(", ".join(generators()), 300) or "none yet"
        raise StudioError(f"There is no model called {shorten(repr(model_name), 100)}. There are: {known}.") from None
    if step is None:
        return path
    try:
        return snapshots(path)[step]
    except KeyError:
        raise StudioError(f"{model_name} has kept no snapshot of step {step}.") from None


def metadata(path: Path) -> "Metadata":
    """What a generator file says of itself. Raises CheckpointError, a ValueError."""
    from pix2pix.files.checkpoint import read_metadata

    return read_metadata(path)


def read_picture(source: str | Path | bytes, most: int = MAX_PIXELS) -> Image.Image:
    """A picture that a visitor sent, of at most so many pixels, as upright RGB. Raises StudioError."""
    from pix2pix import images

    return images.to_rgb(load_picture(source, most))


def load_picture(source: str | Path | bytes, most: int = MAX_PIXELS) -> Image.Image:
    """The same, upright, but otherwise as it is: what its values mean depends on the generator. Raises StudioError."""
    from pix2pix import images

    try:
        return images.load(io.BytesIO(source) if isinstance(source, bytes) else Path(source), most)
    except images.TooLargeError as error:
        raise StudioError(f"This picture is too large: {error}.") from error
    except (FileNotFoundError, PermissionError) as error:  # whose words name paths of this machine
        raise StudioError("This is not a picture that can be read: use PNG, JPEG or WebP.") from error
    except (OSError, ValueError) as error:
        words = f"This is not a picture that can be read: use PNG, JPEG or WebP. This one: {error}"
        raise StudioError(words) from error


def uploaded_picture(path: str) -> Image.Image:
    """`load_picture` of an upload, which is deleted where it is none that can be used."""
    try:
        return load_picture(path)
    except StudioError:
        forget([path])
        raise


def _load(path: Path) -> "Translator":
    import_quickly("pix2pix.inference")

    from pix2pix.inference import Translator

    return Translator.load(path)
