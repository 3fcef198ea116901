"""What the figures of a benchmark were measured on."""

import os
import platform
import time
from pathlib import Path

import torch


def describe(device: str = "cpu") -> str:
    """One line for a report."""
    if torch.device(device).type == "cuda":
        processor = torch.cuda.get_device_name(device)
    else:
        processor = f"{_cpu()}, {len(os.sched_getaffinity(0))} cores, {torch.get_num_threads()} threads"
    return f"{processor}; torch {torch.__version__}, Python {platform.python_version()}"


def matmul_flops(device: str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """FLOP per second of a large square matrix product: the machine's peak, for all purposes here."""
    size = 2048 if torch.device(device).type == "cpu" else 8192
    a, b = torch.randn(2, size, size, device=device, dtype=dtype)
    fastest = min(_seconds(a, b) for _ in range(8))
    return 2 * size**3 / fastest


def _seconds(a: torch.Tensor, b: torch.Tensor) -> float:
    if a.is_cuda:
        torch.cuda.synchronize()
    started = time.perf_counter()
    torch.mm(a, b)
    if a.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
