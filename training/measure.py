"""How long a training step takes on this machine: `python -m training.measure quick paper`.

Prints a line of JSON for each preset: some steps of it are made, on noise instead of pictures.
"""

import json
import os
import statistics
import sys
import time

from training.__main__ import prepare_process
from training.config import PRESETS, TrainConfig

WARM_UP, TIMED = 2, 5  # steps


def measure(config: TrainConfig) -> tuple[float, str]:
    """Seconds per step, the median of some, and the device in words."""
    import torch

    from training.loop import accelerator_for, adam, memory_format, networks, update

    accelerator = accelerator_for(config)
    device = accelerator.device
    G, D = networks(config, device)
    opt_G, opt_D = adam(G, config), adam(D, config)
    G_parallel, D_parallel = accelerator.prepare(G, D)
    shape = (config.batch_size, 3, config.crop_size, config.crop_size)
    a, b = (torch.randn(shape, device=device).contiguous(memory_format=memory_format(device)) for _ in range(2))
    times = []
    for _ in range(WARM_UP + TIMED):
        began = time.perf_counter()
        losses = update(G_parallel, D_parallel, opt_G, opt_D, a, b, config.lambda_l1, accelerator)
        losses.tolist()  # waits for the device
        times.append(time.perf_counter() - began)
    names = {"cpu": f"{os.cpu_count()}-core CPU", "mps": "Apple GPU"}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else names.get(device.type, str(device))
    return statistics.median(times[WARM_UP:]), name


def main(presets: list[str]) -> None:
    for preset in presets:
        step_s, device = measure(TrainConfig(name="any", dataset="any", **PRESETS[preset]))  # pyright: ignore[reportArgumentType]
        print(json.dumps({"preset": preset, "step_s": step_s, "device": device}), flush=True)


if __name__ == "__main__":
    prepare_process()
    main(sys.argv[1:])
