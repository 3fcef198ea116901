"""What is in memory before a process is forked (see `tests/trainers.py`)."""

from pix2pix.quick_imports import import_quickly

import_quickly(
    "training.__main__", "training.loop", "training.notify", "training.trackers", "torchvision.utils",
    "tqdm.contrib.logging", "torch.distributed.launcher.api", "torch._dynamo",
)  # fmt: skip  # optimizers want the last
