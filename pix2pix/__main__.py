"""The command line: `python -m pix2pix translate INPUT… --checkpoint NAME --out DIR`, and the other commands."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pix2pix.console import exit_status
from pix2pix.files.places import generators, save_picture
from pix2pix.quick_imports import import_quickly

HOW = ("square", "whole", "tiles")  # see pix2pix.sizes, which needs torch

if TYPE_CHECKING:
    from PIL import Image

    from pix2pix.inference import Translator


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0, or 2 with a line on stderr for each thing that went wrong."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except BrokenPipeError:  # of what it prints to
        raise
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    prog = "pix2pix" if Path(sys.argv[0]).stem == "pix2pix" else "python -m pix2pix"  # as it was called
    parser = argparse.ArgumentParser(prog=prog, description="Image-to-image translation with pix2pix.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    known = f"a name ({', '.join(generators())}), a path, or hf://owner/name"

    translate = commands.add_parser("translate", help="translate files and folders of images")
    translate.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="image file, or folder of them")
    translate.add_argument("--checkpoint", required=True, metavar="NAME", help=known)
    translate.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write <stem>.png")
    translate.add_argument("--photo", action="store_true", help="the inputs are photos: make edges of them first")
    translate.add_argument("--invert", action="store_true", help="light lines on dark, or on a transparent sheet: make "
                           "them dark on light first")  # fmt: skip
    translate.add_argument("--grid", action="store_true", help="write the input beside its translation")
    translate.add_argument("--how", choices=HOW, default="square", help="square, as in training: squeezed to its size; "
                           "whole: in its own proportions and size; tiles: the same, piece by piece")  # fmt: skip
    translate.add_argument("--size", type=int, metavar="PX", help="longer side at which the network sees a picture, "
                           "whole or in tiles (default: its own)")  # fmt: skip
    translate.add_argument("--memory", type=float, default=4000, metavar="MB", help="what a picture may take beside "
                           "the generator; tiles are as large as that allows (default: 4000)")  # fmt: skip
    translate.add_argument("--seed", type=int, help="turn the generator's noise on, with this seed")
    translate.add_argument("--device", default="auto", help="auto, cpu, mps, cuda or cuda:N")
    translate.set_defaults(run=_translate)

    info = commands.add_parser("info", help="print what a checkpoint says of itself")
    info.add_argument("checkpoint", metavar="NAME", help=known)
    info.set_defaults(run=_info)

    export = commands.add_parser("export", help="write a generator for other runtimes")
    export.add_argument("checkpoint", metavar="NAME", help=known)
    export.add_argument("out", type=Path, metavar="FILE", help="its ending says as what: .onnx, .pt2 (a torch.export "
                        "program) or .safetensors (the weights in fp16)")  # fmt: skip
    export.set_defaults(run=_export)

    imported = commands.add_parser("import", help="make a generator of published weights of another project")
    imported.add_argument("source", metavar="FILE", help="*_net_G.pth, pytorch_model.bin, or hf://owner/name")
    imported.add_argument("--name", required=True, help="by which it is known from then on")
    imported.add_argument(
        "--direction", choices=("AtoB", "BtoA"), default="AtoB", help="A is the left half of its pairs"
    )
    for side in "ab":
        imported.add_argument(f"--{side}", choices=("image", "edges", "photo", "labels"), default="image",
                              help=f"what {side.upper()} shows (default: image)")  # fmt: skip
    imported.add_argument("--palette", choices=("none", "cmp"), default="none", help="of the labels it takes")
    imported.add_argument("--line-width", type=float, default=1.0, metavar="PX", help="of the drawings it takes")
    imported.add_argument("--dropout", type=float, help="that it was trained with (default: what the file tells, else "
                          "0.5); for variations")  # fmt: skip
    imported.add_argument("--image-size", type=int, metavar="PX", help="that it was trained at, which no file tells "
                          "(default: 256, or by the depth of a U-Net)")  # fmt: skip
    imported.add_argument("--statistics", choices=("picture", "running"), default="picture", help="that batch norm "
                          "takes: of the picture at hand, or the averages of its training")  # fmt: skip
    imported.add_argument("--steps", type=int, default=0, help="that it was trained for, if known")
    imported.add_argument("--dataset", default="", help="that it was trained on")
    imported.add_argument("--licence", default="unknown", help="or terms, of the weights")
    imported.set_defaults(run=_import)

    push = commands.add_parser("push", help="send a generator to the Hugging Face Hub, with a card and a sample")
    push.add_argument("checkpoint", metavar="NAME", help=known)
    push.add_argument("repository", metavar="owner/name")
    push.add_argument("--private", action="store_true", help="only you can see it")
    push.set_defaults(run=_push)

    web = commands.add_parser("export-web", help="write a page that draws in any browser, with no network: one file")
    web.add_argument("checkpoint", metavar="NAME", help=known)
    web.add_argument("out", type=Path, metavar="FILE.html")
    web.set_defaults(run=_export_web)
    return parser


def _translate(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from pix2pix.files.header import locate

    outputs, path = _outputs(options.inputs, options.out), locate(options.checkpoint)

    import_quickly("pix2pix.inference")  # with torch, which takes seconds: not to say what is wrong above

    from pix2pix import images
    from pix2pix.inference import Translator
    from pix2pix.input_checks import INVERTED

    translator = Translator.load(path, options.device)
    options.out.mkdir(parents=True, exist_ok=True)

    failures = 0
    for output, path in tqdm(outputs.items(), unit="image", disable=None):
        try:
            picture = images.load(path)
        except OSError as error:
            failures += 1
            tqdm.write(f"error: {path} is left out: {error}", file=sys.stderr)
            continue
        if options.invert:
            picture = translator.inverted(picture)
        if not options.photo and (remark := translator.remark(picture)):
            option = " (--invert)" if remark == INVERTED else ""
            tqdm.write(f"warning: {path}: {remark}{option}", file=sys.stderr)
        try:
            save_picture(_result(translator, picture, options), output, "PNG")
        except ValueError as error:
            failures += 1
            tqdm.write(f"error: {path} is left out: {error}", file=sys.stderr)
    made = len(outputs) - failures
    print(f"{made} picture{'' if made == 1 else 's'} written to {options.out}")
    return 2 if failures else 0


def _result(translator: "Translator", picture: "Image.Image", options: argparse.Namespace) -> "Image.Image":
    from PIL import Image

    seen = {"how": options.how, "size": options.size, "memory": options.memory}
    drawing = translator.edges_of(picture, **seen) if options.photo else picture
    shown = [translator(drawing, options.seed, **seen)]
    if options.grid:
        shown.insert(0, translator.rgb(drawing))
    sheet = Image.new("RGB", (len(shown) * picture.width, picture.height))
    for column, image in enumerate(shown):
        sheet.paste(image.resize(picture.size, Image.Resampling.BICUBIC), (column * picture.width, 0))
    return sheet


def _outputs(inputs: list[Path], folder: Path) -> dict[Path, Path]:
    """Output file -> input file. Raises ValueError when there is none, or two would be written to the same place."""
    from pix2pix.formats import EXTENSIONS

    files: list[Path] = []
    for path in inputs:
        if path.is_dir():
            files += sorted(file for file in path.iterdir() if file.suffix.lower() in EXTENSIONS)
        elif path.exists():
            files.append(path)
        else:
            raise ValueError(f"{path} is not there")
    if not files:
        raise ValueError(f"no images in {', '.join(map(str, inputs))}")
    outputs: dict[Path, Path] = {}
    for file in files:
        output = folder / f"{file.stem}.png"
        if output in outputs:
            raise ValueError(f"{outputs[output]} and {file} would both become {output}: translate them one by one")
        if output.exists() and any(output.samefile(other) for other in files):
            raise ValueError(f"{output} would replace one of the inputs: choose another --out")
        outputs[output] = file
    return outputs


def _info(options: argparse.Namespace) -> int:
    from pix2pix.files.header import locate, read_metadata

    path = locate(options.checkpoint)
    print(json.dumps(read_metadata(path).to_json() | {"file": str(path)}, indent=2))
    return 0


def _export(options: argparse.Namespace) -> int:
    import_quickly("pix2pix.files.export")

    from pix2pix.files.export import export

    print(export(options.checkpoint, options.out).describe())
    return 0


def _export_web(options: argparse.Namespace) -> int:
    import_quickly("pix2pix.page.web")

    from pix2pix.page.web import export_web

    print(export_web(options.checkpoint, options.out).describe())
    return 0


def _import(options: argparse.Namespace) -> int:
    import_quickly("pix2pix.files.importing")

    from pix2pix.files.checkpoint import read_metadata
    from pix2pix.files.importing import About, import_generator

    about = About(**{key: value for key, value in vars(options).items() if key in About.__dataclass_fields__})
    path = import_generator(options.source, options.name, about)
    read = read_metadata(path)
    print(json.dumps(read.to_json() | {"file": str(path)}, indent=2))
    size = read.config.image_size
    print(f"Imported: python -m pix2pix translate … --checkpoint {options.name}", file=sys.stderr)
    if not options.image_size and not options.source.endswith(".safetensors"):
        print(f"It sees pictures at {size} pixels; if it was trained at another size, which its file cannot tell, "
              "import it again with --image-size.", file=sys.stderr)  # fmt: skip
    return 0


def _push(options: argparse.Namespace) -> int:
    from pix2pix.files.push import push

    def sample(path: Path) -> "Image.Image":
        import_quickly("pix2pix.page.sheet")  # with torch: not to say who may not push

        from pix2pix.page.sheet import sample_picture

        return sample_picture(path)

    print(push(options.checkpoint, options.repository, sample, options.private))
    return 0


def command() -> NoReturn:
    """`python -m pix2pix`, and `pix2pix` where it is installed."""
    sys.exit(exit_status(lambda: main(sys.argv[1:])))


if __name__ == "__main__":
    command()
