"""What stopped a training, in words for whoever looks at the page: what happened, and what to do. No torch here."""

import errno
from collections.abc import Iterator

NO_MEMORY = (
    "There was not enough memory. Duplicate the run with a smaller batch size, crop size or width (ngf, ndf), or end "
    "other programs and resume it"
)
DISK_FULL = "The disk is full, and the last good save was kept. Free some space and resume"


def in_words(error: BaseException) -> str:
    """One or two sentences, without a full stop at the end."""
    chain = list(_chain(error))
    if any(_is_no_memory(each) for each in chain):
        return NO_MEMORY
    if any(_is_disk_full(each) for each in chain):
        return DISK_FULL
    words = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return words.rstrip(".")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came from."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _is_no_memory(error: BaseException) -> bool:
    """torch's own OutOfMemoryError is CUDA's; its CPU allocator raises a plain RuntimeError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("can't allocate memory", "not enough memory", "out of memory")
    )


def _is_disk_full(error: BaseException) -> bool:
    """torch and safetensors write in C++ and Rust, and tell of it in words alone."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    said = ("No space left on device", "PytorchStreamWriter failed writing", "inline_container.cc")
    return any(words in str(error) for words in said)
