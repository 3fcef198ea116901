"""What stopped a training, in words for whoever looks at the page: what happened, and what to do. No torch here."""

import errno
import re
import signal
from collections.abc import Iterator

from pix2pix.validation import shorten

NO_MEMORY = (
    "There was not enough memory. Duplicate the run with a smaller batch size, crop size or width (ngf, ndf), or end "
    "other programs and resume it"
)
DISK_FULL = "The disk is full. Free some space and resume"
MOST_CHARACTERS = 500  # of a reason
KILLED = "The training process was killed: by someone, by a restart of the machine, or for want of memory"
# What torchrun and `accelerate launch` print of the process that has ended first, before they end the others.
_ENDED_FIRST = re.compile(r"failed \(exitcode: (-?\d+)\) local_rank: (\d+)")


def error_message(error: BaseException) -> str:
    """One or two sentences, without a full stop at the end."""
    chain = list(_chain(error))
    if any(_is_no_memory(each) for each in chain):
        return NO_MEMORY
    if any(_is_disk_full(each) for each in chain):
        return DISK_FULL
    words = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return shorten(words.replace("\n", " "), MOST_CHARACTERS).rstrip(".")


def exit_reason(log: str, num_processes: int, disk_is_full: bool) -> str:
    """Of a trainer that has ended without a word in status.json, by what it printed; without a full stop at the end."""
    if ended := _ENDED_FIRST.search(log):
        code, rank = int(ended[1]), int(ended[2])
        if code < 0:
            return f"Process {rank + 1} of {num_processes} was killed ({signal.Signals(-code).name})"
        # The launcher's own traceback follows, and torch has put a rank before each line of the process's.
        log = re.sub(r"^\[rank\d+\]: ?", "", log[: ended.start()], flags=re.MULTILINE)
    _, found, traceback = log.rpartition("Traceback (most recent call last):")
    if found:
        unindented = [line for line in traceback.splitlines() if line and not line[0].isspace()]
        said = unindented[0] if unindented else "its log says how"
    elif disk_is_full:
        return DISK_FULL
    elif errors := [line for line in log.splitlines() if line.startswith("error: ")]:
        said = errors[-1].removeprefix("error: ")
    else:
        return KILLED
    return shorten(f"The training process failed: {said}", MOST_CHARACTERS).rstrip(".")


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
