"""Sends a drawing to the running app and saves the picture that comes back: `python examples/client.py drawing.png`."""

import argparse
import shutil
from pathlib import Path

from gradio_client import Client, handle_file
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("drawing", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:7860", help="where the app is (default: %(default)s)")
    parser.add_argument("--model", default="edges2shoes", help="name of a generator (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("picture.webp"), help="default: %(default)s")
    options = parser.parse_args()

    client = Client(options.url, verbose=False)
    made = client.predict(handle_file(options.drawing), options.model, None, api_name="/translate")
    shutil.copy(made, options.out)
    print(f"{options.out} is what {options.model} makes of {options.drawing}")
    with Image.open(made) as picture:
        if remark := picture.info.get("remark"):  # the drawing is unlike those that the model learned from
            print(remark)


if __name__ == "__main__":
    main()
