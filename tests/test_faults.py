"""What stops a training is said in words, whatever raised it."""

import errno
from pathlib import Path

import pytest
import torch

from training.faults import DISK_FULL, NO_MEMORY, READ_ONLY, error_message, exit_reason


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("the folder is gone."), "the folder is gone"),
        (KeyError("lr"), "KeyError: 'lr'"),
        (MemoryError(), NO_MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), NO_MEMORY),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:131] DefaultCPUAllocator: can't allocate memory"), NO_MEMORY),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), NO_MEMORY),
        (RuntimeError("could not create a primitive"), NO_MEMORY),  # as oneDNN says it
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), NO_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), DISK_FULL),
        (caused(RuntimeError("unexpected pos 64"), OSError(errno.ENOSPC, "")), DISK_FULL),
        (RuntimeError("PytorchStreamWriter failed writing file data/1"), DISK_FULL),
        (RuntimeError("basic_ios::clear: iostream error"), DISK_FULL),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"), DISK_FULL),
        (RuntimeError("[enforce fail at inline_container.cc:747] . open file failed with strerror: Permission denied"),
         READ_ONLY),
        (OSError(errno.EROFS, "Read-only file system", "status.json"), READ_ONLY),
        (RuntimeError("shapes do not match"), "RuntimeError: shapes do not match"),
    ],
)  # fmt: skip
def test_in_words(error: Exception, words: str):
    assert error_message(error) == words


def test_a_real_allocation_that_fails():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert error_message(caught.value) == NO_MEMORY


def test_a_gpu_that_is_full_is_said_of_any_process_of_several(tmp_path: Path):
    """The second one prints, and torchrun below it."""
    log = """[rank1]: Traceback (most recent call last):
[rank1]:   File "training/loop.py", line 140, in train
[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 15 GiB
torch.distributed.elastic.multiprocessing.api: failed (exitcode: 1) local_rank: 1 (pid: 7) of binary: python
Traceback (most recent call last):
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
"""
    assert exit_reason(log, 2, tmp_path) == NO_MEMORY
