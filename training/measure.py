"""How long a training step takes on this machine: `python -m training.measure quick paper`.

Prints a line of JSON for each preset: some steps of it are made, on noise instead of pictures.
"""

import json
import os
import statistics
import sys
import time

from pix2pix.quick_imports import import_quickly
from training.__main__ import prepare_process
from training.config import PRESETS, TrainConfig

WARM_UP, TIMED = 2, 5  # steps


def measure(config: TrainConfig) -> tuple[float, str]:
    """Seconds per step, the median of some, and the device in words."""
    import_quickly("training.objective", "training.loop", "torch._dynamo")

    import torch

    from training.loop import accelerator_for, adam, memory_format, networks, step_functions
    from training.objective import Objective

    accelerator = accelerator_for(config)
    device = accelerator.device
    G, D = networks(config, device)
    objective = Objective.of(config, accelerator)
    opt_G, opt_D = adam(config, G), adam(config, D, *objective.discriminators)
    _, step = step_functions(config, accelerator, G, D, opt_G, opt_D, objective)
    shape = (config.batch_size, 3, config.crop_size, config.crop_size)
    a, b = (torch.randn(shape, device=device).contiguous(memory_format=memory_format(device)) for _ in range(2))
    window = torch.zeros(2, dtype=torch.long, device=device)
    times = []
    for _ in range(WARM_UP + TIMED):
        began = time.perf_counter()
        step(a, b, window).tolist()  # waits for the device
        times.append(time.perf_counter() - began)
    names = {"cpu": f"{os.cpu_count()}-core CPU", "mps": "Apple GPU"}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else names.get(device.type, str(device))
    return statistics.median(times[WARM_UP:]), name


def main(presets: list[str]) -> None:
    """Prints a line of JSON for each: the preset, the seconds that a step takes, and on which device."""
    for preset in presets:
        step_s, device = measure(TrainConfig(name="any", dataset="any", **PRESETS[preset]))  # pyright: ignore[reportArgumentType]
        print(json.dumps({"preset": preset, "step_s": step_s, "device": device}), flush=True)


if __name__ == "__main__":
    prepare_process()
    main(sys.argv[1:])
