"""What stopped a training, in words for whoever looks at the page: what happened, and what to do. No torch here."""

import errno
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from pix2pix.validation import shorten

NO_MEMORY = (
    "There was not enough memory. Duplicate the run with a smaller batch size, crop size or width (ngf, ndf), or end "
    "other programs and resume it"
)
DISK_FULL = "The disk is full. Free some space and resume"
READ_ONLY = "The folder of the run cannot be written to. Make it writable, and resume"
# torch and safetensors write in C++ and Rust, and tell of it in words alone.
FULL_WORDS = (
    "No space left on device", "PytorchStreamWriter failed writing", ". unexpected pos ",
    "basic_ios::clear: iostream error",  # that is all that torch says where the end of a file does not fit
)  # fmt: skip
NO_MEMORY_WORDS = (
    "can't allocate memory", "not enough memory", "out of memory", "could not create a primitive",
    "CUBLAS_STATUS_ALLOC_FAILED",  # a GPU without the memory for what cuBLAS works in
)  # fmt: skip
READ_ONLY_WORDS = ("failed with strerror: Permission denied", "Read-only file system")
SAID = "error: "  # begins a line of the log that says in words why a training has ended
FULL_MB = 10  # of free disk, down to which it counts as full
MOST_CHARACTERS = 500  # of a reason
KILLED = "The training process was killed: by someone, by a restart of the machine, or for want of memory"
# What torchrun and `accelerate launch` print of the process that has ended first, before they end the others.
_ENDED_FIRST = re.compile(r"failed \(exitcode: (-?\d+)\) local_rank: (\d+)")


class NotResumableError(ValueError):
    """A state.pt from which no training goes on: it is damaged, or of other networks than the config's."""


def error_message(error: BaseException) -> str:
    """One or two sentences, without a full stop at the end."""
    chain = list(_chain(error))
    if any(_is_no_memory(each) for each in chain):
        return NO_MEMORY
    for each in chain:
        if isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT):
            return DISK_FULL
        if reason := _of_the_disk(str(each)):
            return reason
    words = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return shorten(words.replace("\n", " "), MOST_CHARACTERS).rstrip(".")


def resume_hint(error: BaseException, beginning: str) -> str:
    """The full stop of an `error_message`, and from where a resume goes on, unless it would find the same."""
    return "." if isinstance(error, NotResumableError) else f". Resume {beginning}."


def exit_reason(log: str, num_processes: int, folder: Path) -> str:
    """Of a trainer that has ended without a word in status.json, by what it printed; without a full stop at the end."""
    if not os.access(folder, os.W_OK):
        return READ_ONLY
    if ended := _ENDED_FIRST.search(log):
        code, rank = int(ended[1]), int(ended[2])
        if code < 0:
            return f"Process {rank + 1} of {num_processes} was killed ({signal.Signals(-code).name})"
        # The launcher's own traceback follows, and torch has put a rank before each line of the process's.
        log = re.sub(r"^\[rank\d+\]: ?", "", log[: ended.start()], flags=re.MULTILINE)
    _, found, traceback = log.rpartition("Traceback (most recent call last):")
    if errors := [line for line in log.splitlines() if line.startswith(SAID)]:
        said = errors[-1].removeprefix(SAID)
    elif found:
        unindented = [line for line in traceback.splitlines() if line and not line[0].isspace()]
        said = unindented[0] if unindented else "its log says how"
        if any(words in said for words in NO_MEMORY_WORDS):
            return NO_MEMORY
    elif shutil.disk_usage(folder).free < FULL_MB << 20:
        return DISK_FULL
    else:
        return KILLED
    if said in (DISK_FULL, READ_ONLY, NO_MEMORY):
        return said
    return _of_the_disk(said) or shorten(f"The training process failed: {said}", MOST_CHARACTERS).rstrip(".")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came from."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _is_no_memory(error: BaseException) -> bool:
    """torch's own OutOfMemoryError is CUDA's; its CPU allocator raises a plain RuntimeError, and so does oneDNN where
    there is none left for what it compiles.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY_WORDS)


def _of_the_disk(said: str) -> str:
    """What is wrong with it, where something that was said means that; else empty."""
    if any(words in said for words in FULL_WORDS):
        return DISK_FULL
    return READ_ONLY if any(words in said for words in READ_ONLY_WORDS) else ""
